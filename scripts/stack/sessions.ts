import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, startTime } from "../bootstrap/processes.mjs";

interface Process {
  readonly pid: number;
  readonly session: number;
}

/**
 * Ends what is left of a Pulumi run that was started here and died: its plugins, the program, a `kind create`. All are
 * in the session that the CLI was started as the leader of, and the kernel gives no new process that number while one of
 * them lives.
 *
 * @param since when the leader, which is dead, was alive. Has its number been given away since, or the machine been
 *   started, then nothing is left of its session, and who has the number is somebody else
 * @returns how many there were
 */
export async function endSession(leader: number, since?: Date): Promise<number> {
  if (since && (isAlive(leader) || (startTime(1) ?? 0) > since.getTime())) return 0;
  const members = processes().filter((p) => p.session === leader && p.pid !== process.pid);
  signalAll(members, "SIGTERM");
  for (let i = 0; i < 30 && remaining(leader).length > 0; i++) await sleep(100);
  signalAll(remaining(leader), "SIGKILL");
  return members.length;
}

function remaining(leader: number): Process[] {
  return processes().filter((p) => p.session === leader);
}

function signalAll(members: readonly Process[], signal: NodeJS.Signals): void {
  for (const { pid } of members) {
    try {
      process.kill(pid, signal);
    } catch {
      // gone by itself
    }
  }
}

/** Living processes; empty where there is no /proc. */
function processes(): Process[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // the command may hold spaces and parentheses; the fields behind it do not
      const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" ? [] : [{ pid: Number(name), session: Number(session) }];
    } catch {
      return [];
    }
  });
}
