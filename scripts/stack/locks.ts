import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { isAlive } from "../bootstrap/processes.mjs";
import { UserError } from "../errors.ts";
import type { Reporter } from "../progress.ts";
import type { Backend } from "./backend.ts";
import { endSession } from "./sessions.ts";

/** What Pulumi's file backend writes into a lock. */
export interface PulumiLock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/** Reads a lock file; undefined when it is none. */
export function parseLock(text: string): PulumiLock | undefined {
  try {
    const lock = JSON.parse(text) as Partial<PulumiLock>;
    const complete = typeof lock.pid === "number" && typeof lock.hostname === "string";
    return complete && !Number.isNaN(Date.parse(lock.timestamp ?? ""))
      ? (lock as PulumiLock)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the one who wrote a lock is surely gone: only this machine's processes can be looked up. */
export function isStale(
  lock: PulumiLock,
  host: string,
  alive: (pid: number, wrote: Date) => boolean,
): boolean {
  return lock.hostname === host && !alive(lock.pid, new Date(lock.timestamp));
}

/**
 * Removes locks of dead processes of this machine, and ends what these left running. The file backend keeps a lock
 * after SIGKILL or a power cut.
 *
 * @throws UserError when a living process has the stack
 */
export async function clearStaleLocks(
  report: Reporter,
  backend: Backend,
  project: string,
  stack: string,
): Promise<void> {
  if (backend.folder === undefined) return;
  const folder = path.join(backend.folder, ".pulumi", "locks", "organization", project, stack);
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const file = path.join(folder, name);
    const lock = parseLock(fs.readFileSync(file, "utf8"));
    if (!lock) continue;
    if (!isStale(lock, os.hostname(), isAlive)) {
      throw new UserError(
        `stack "${stack}" is being changed by process ${lock.pid} of ${lock.username}@${lock.hostname} since ` +
          `${lock.timestamp}: wait for it, or end it with Ctrl-C; if it is surely gone, remove ${file}`,
      );
    }
    const ended = await endSession(lock.pid, new Date(lock.timestamp));
    fs.rmSync(file, { force: true });
    const left = ended > 0 ? `, and ended ${ended} processes that it had left running` : "";
    report.note(
      `removed the lock of process ${lock.pid}, which died while it changed stack "${stack}"${left}`,
    );
  }
}
