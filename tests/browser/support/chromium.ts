import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Readable, Writable } from "node:stream";
import { installPackages } from "../../../airgap/host.ts";
import { UserError } from "../../../scripts/errors.ts";
import { logFile } from "../../../scripts/paths.ts";
import { onPath } from "../../../scripts/setup/tools.ts";

/** Longest time for one answer of the browser, in ms: a page is a file of this machine. */
const patience = 20_000;

/** What the reader of a page has in front of them. */
export interface Screen {
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly request?: { readonly url: string } };
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Debian's Chromium without a window, with one page. It is driven by its own protocol through two pipes, so that no port is
 * open. A library for that would be bound to a version of the browser, and Debian renews it every other week.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export class Chromium {
  /** Every address that the page asked for, in order. */
  public readonly requests: string[] = [];
  private readonly process: ChildProcess;
  private readonly profile: string;
  private readonly waiting = new Map<number, Waiting>();
  private session: string | undefined;
  private loaded: (() => void) | undefined;
  private next = 1;

  private constructor(child: ChildProcess, profile: string) {
    this.process = child;
    this.profile = profile;
    this.listen(child.stdio[4] as Readable);
    child.once("exit", (code, signal) => this.fail(`chromium ended (${code ?? signal})`));
    child.once("error", (e) => this.fail(e.message));
  }

  /** Installs it where it is missing, and starts it. */
  public static async start(): Promise<Chromium> {
    await ensureChromium();
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-chromium-"));
    const root = process.getuid?.() === 0;
    const child = spawn(
      "chromium",
      [
        ...["--headless", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
        ...["--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
        // what the browser does for itself, which is not what the page asks for
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
        // as root there is no sandbox to be had; all that it opens are files of this test
        ...(root ? ["--no-sandbox"] : []),
        "about:blank",
      ],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    const browser = new Chromium(child, profile);
    try {
      await browser.attach();
      return browser;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** Shows a file on a screen, and forgets what was asked for before. */
  public async open(file: string, { width, height, scheme }: Screen): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height, deviceScaleFactor: 2, mobile: width < 600 },
    });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.send("Emulation.setEmulatedMedia", { features });
    this.requests.length = 0;
    const loaded = new Promise<void>((resolve) => (this.loaded = resolve));
    await this.send("Page.navigate", { url: `file://${file}` });
    await within(loaded, "the page did not load");
  }

  /** Runs a function in the page; what it returns has to be JSON. It sees nothing of what stands around it here. */
  public async run<T>(work: () => T): Promise<T> {
    const expression = `JSON.stringify((${work.toString()})())`;
    const { result, exceptionDetails } = (await this.send("Runtime.evaluate", { expression })) as {
      result: { value: string };
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
    return JSON.parse(result.value) as T;
  }

  /** A finger or a mouse on a point of the screen. */
  public async click(x: number, y: number): Promise<void> {
    for (const type of ["mousePressed", "mouseReleased"])
      await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
  }

  /** Writes what is on the screen into a PNG file. */
  public async screenshot(file: string): Promise<void> {
    const { data } = await this.send("Page.captureScreenshot");
    fs.writeFileSync(file, Buffer.from(data as string, "base64"));
  }

  public async close(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null && this.process.kill()) await ended;
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private async attach(): Promise<void> {
    const { targetInfos } = (await this.send("Target.getTargets")) as {
      targetInfos: { targetId: string; type: string }[];
    };
    const { targetId } = targetInfos.find(({ type }) => type === "page")!;
    const attached = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.session = attached.sessionId as string;
    await this.send("Page.enable");
    await this.send("Network.enable");
  }

  private send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = this.next++;
    const answer = new Promise<Record<string, unknown>>((resolve, reject) =>
      this.waiting.set(id, { resolve, reject }),
    );
    const text = JSON.stringify({ id, method, params, sessionId: this.session });
    (this.process.stdio[3] as Writable).write(`${text}\0`);
    return within(answer, `no answer to ${method}`);
  }

  private listen(answers: Readable): void {
    let begun = "";
    answers.setEncoding("utf8");
    answers.on("data", (text: string) => {
      const messages = (begun + text).split("\0");
      begun = messages.pop()!;
      for (const message of messages) this.take(JSON.parse(message) as Message);
    });
  }

  private take({ id, method, params, result, error }: Message): void {
    if (method === "Network.requestWillBeSent") this.requests.push(params!.request!.url);
    if (method === "Page.loadEventFired") this.loaded?.();
    if (id === undefined) return;
    const { resolve, reject } = this.waiting.get(id)!;
    this.waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result ?? {});
  }

  private fail(message: string): void {
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }
}

/** Debian's own, by apt, where this is root; else a word on how to get it. */
async function ensureChromium(): Promise<void> {
  if (onPath("chromium")) return;
  if (!onPath("apt-get") || process.getuid?.() !== 0)
    throw new UserError(
      "chromium is not on PATH, and to install it needs root on Debian: sudo apt-get install chromium",
    );
  await installPackages(["chromium"], logFile("apt-chromium"));
}

async function within<T>(work: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} in ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
