import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../../scripts/paths.ts";
import { atEnd } from "./cleanup.ts";
import { enginePid, kill } from "./engine.ts";
import type { TestStack } from "./stack.ts";

/** How a command of the project ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both streams, as they came. */
  readonly text: string;
}

/** A command such as `npm start -- <stack>`, running in a session of its own. */
export class ProjectCommand {
  public readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private text = "";

  private readonly stack: TestStack;

  /** @param command what comes behind `scripts/bootstrap.mjs`: up, destroy */
  constructor(stack: TestStack, command: string) {
    this.stack = stack;

    this.child = spawn(process.execPath, ["scripts/bootstrap.mjs", command, stack.name], {
      cwd: root,
      env: { ...stack.env, NODE_TEST_CONTEXT: undefined },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const forget = atEnd(() => this.killAll());
    const collect = (chunk: Buffer) => (this.text += chunk.toString());
    this.child.stdout!.on("data", collect);
    this.child.stderr!.on("data", collect);
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code, signal) => {
        forget();
        resolve({ code, signal, text: this.text });
      });
    });
  }

  /** Waits until something is so; fails when the command ends before. */
  public async until(what: string, isSo: () => boolean, limitSeconds = 240): Promise<void> {
    const end = Date.now() + limitSeconds * 1000;
    let over: Ended | undefined;
    void this.ended.then((ended) => (over = ended));
    while (!isSo()) {
      if (over) throw new Error(`the command ended (${over.code}) before ${what}:\n${over.text}`);
      if (Date.now() > end) throw new Error(`not ${what} within ${limitSeconds} s:\n${this.text}`);
      await sleep(100);
    }
  }

  /** Kills the Pulumi CLI alone, outright. */
  public killEngine(): void {
    const pid = enginePid(this.stack.backend);
    if (pid === undefined) throw new Error(`no engine holds the stack's lock:\n${this.text}`);
    process.kill(pid, "SIGKILL");
  }

  /** Kills the CLI and everything that started it, outright: a power cut, but for what the CLI had started. */
  public killAll(): void {
    const pid = enginePid(this.stack.backend);
    kill(-this.child.pid!, "SIGKILL");
    if (pid !== undefined) kill(pid, "SIGKILL");
  }

  /** Sends what a terminal sends for Ctrl-C. */
  public interrupt(): void {
    kill(-this.child.pid!, "SIGINT");
  }
}
