import { execa } from "execa";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";

import { UserError } from "../scripts/errors.ts";

export interface RunOptions {
  /** File that gets the output (appended). */
  readonly log: string;
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  /** Lower priority, so that a build does not starve what the user does beside it. */
  readonly nice?: boolean;
}

/** Runs a command with its output in a log file; a failure shows the log's last lines. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<void> {
  const log = fs.openSync(options.log, "a");
  try {
    fs.writeSync(log, `$ ${[command, ...args].join(" ")}\n`);
    // A build must not go on when this process is killed, whatever kills it.
    const child = spawn("setpriv", ["--pdeathsig", "TERM", command, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", log, log],
    });
    if (options.nice && child.pid !== undefined) {
      lowerPriority(child.pid);
    }
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    if (code !== 0) {
      const how = code === null ? `ended by ${signal}` : `exit ${code}`;
      throw new UserError(
        `${command} failed (${how}).\n${tail(options.log, 12)}\nFull log: ${options.log}`,
      );
    }
  } finally {
    fs.closeSync(log);
  }
}

/** Runs a command and returns its standard output without the last line break. */
export async function capture(
  command: string,
  args: readonly string[],
  options: {
    cwd?: string;
    env?: Record<string, string | undefined>;
    timeout?: number;
    input?: string;
  } = {},
): Promise<string> {
  const { input = "", ...rest } = options;
  const result = await execa(command, args, { ...rest, input, reject: false });
  if (result.failed) {
    const reason = result.timedOut ? "no answer in time" : result.stderr || result.shortMessage;
    throw new UserError(`${command} ${args.join(" ")}: ${reason}`);
  }
  return result.stdout;
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, 5);
  } catch {
    // The child may be gone already.
  }
}

/** The last lines of a log, read from its end only. */
export function tail(file: string, lines: number): string {
  try {
    const descriptor = fs.openSync(file, "r");
    try {
      const size = fs.fstatSync(descriptor).size;
      const length = Math.min(size, 8192);
      const buffer = Buffer.alloc(length);
      fs.readSync(descriptor, buffer, 0, length, size - length);
      return buffer.toString("utf8").trimEnd().split("\n").slice(-lines).join("\n");
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return "";
  }
}
