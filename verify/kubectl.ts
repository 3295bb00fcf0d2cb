import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execa } from "execa";

/** Longer than any wait that a command is asked for. */
const commandTimeout = 120_000;

/** kubectl on one cluster. The kubeconfig is in a file of its own that nobody else can read, until `close`. */
export class Kubectl {
  private readonly folder: string;

  /** What is under way. */
  private readonly running = new Set<{ kill(signal: "SIGKILL"): boolean }>();

  /** Environment in which tools are looked for. */
  public readonly env: NodeJS.ProcessEnv;

  /**
   * @param kubeconfig text of a kubeconfig; its current context is used
   * @param env environment; kubectl is looked for on its PATH
   */
  constructor(kubeconfig: string, env: NodeJS.ProcessEnv = process.env) {
    this.env = env;

    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-verify-"));
    fs.writeFileSync(this.file, kubeconfig, { mode: 0o600 });
    process.once("exit", this.remove);
  }

  /** Path of the kubeconfig. */
  public get file(): string {
    return path.join(this.folder, "kubeconfig");
  }

  /**
   * @param input what it reads
   * @param signal ends it
   * @returns what kubectl printed
   * @throws Error with kubectl's own message
   */
  public async run(args: readonly string[], input?: string, signal?: AbortSignal): Promise<string> {
    const running = execa("kubectl", ["--kubeconfig", this.file, ...args], {
      env: this.env,
      extendEnv: false,
      reject: false,
      timeout: commandTimeout,
      ...(signal && { cancelSignal: signal }),
      ...(input === undefined ? { stdin: "ignore" as const } : { input }),
    });
    this.running.add(running);
    const result = await running.finally(() => this.running.delete(running));
    if (result.failed) {
      throw new Error(
        `kubectl ${args.slice(0, 4).join(" ")}: ${result.stderr.trim() || result.shortMessage}`,
      );
    }
    return result.stdout;
  }

  /**
   * The same for a process that is about to end: waits for nothing, and fails in silence. What is under way ends before,
   * or it could make again what this takes away.
   *
   * @returns whether it was done
   */
  public runAtExit(args: readonly string[], input = ""): boolean {
    if (!fs.existsSync(this.file)) return false;
    for (const one of this.running) one.kill("SIGKILL");
    const { env } = this;
    const { status } = spawnSync("kubectl", ["--kubeconfig", this.file, ...args], {
      ...{ env, input, timeout: 20_000 },
      stdio: ["pipe", "ignore", "ignore"],
    });
    return status === 0;
  }

  public async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.run([...args, "--output", "json"])) as T;
  }

  public async apply(objects: readonly object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.run(["apply", "--filename", "-"], JSON.stringify(list));
  }

  public close(): void {
    process.off("exit", this.remove);
    this.remove();
  }

  private readonly remove = () => fs.rmSync(this.folder, { recursive: true, force: true });
}
