import type { ChildProcess } from "node:child_process";

/** A run that ends in an orderly way by itself when it gets SIGINT; a second one makes it hurry. */
let running: ChildProcess | undefined;
let interrupted: number | undefined;

/**
 * Handles Ctrl-C and the end of the process that started us. While Pulumi runs, it gets each signal, as SIGINT, which
 * is what it ends orderly on; else this process ends, and what it started with it.
 */
export function installSignals(): void {
  const onSignal = (signal: string, code: number) => {
    interrupted = code;
    if (running) {
      running.kill("SIGINT");
      return;
    }
    process.stderr.write(`\ninterrupted by ${signal}\n`);
    process.exit(code);
  };
  process.on("SIGINT", () => onSignal("SIGINT", 130));
  process.on("SIGTERM", () => onSignal("SIGTERM", 143));
  process.on("SIGHUP", () => onSignal("SIGHUP", 129));
  // the channel to scripts/bootstrap.mjs closes when that is killed outright
  process.on("disconnect", () => onSignal("the end of its parent", 143));
  process.channel?.unref();
}

/** Signals go to this child until it ends. */
export async function whileRunning<T>(child: ChildProcess, work: Promise<T>): Promise<T> {
  running = child;
  try {
    return await work;
  } finally {
    running = undefined;
  }
}

/** Whether somebody asked for the end. */
export function wasInterrupted(): boolean {
  return interrupted !== undefined;
}

/** Exit code of the signal that asked for the end; undefined when none did. */
export function interruptionCode(): number | undefined {
  return interrupted;
}
