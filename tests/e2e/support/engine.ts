import * as fs from "node:fs";
import * as path from "node:path";

/** The process that holds a stack's lock in a file backend. */
export function enginePid(backend: string): number | undefined {
  const folder = path.join(backend, ".pulumi", "locks");
  if (!fs.existsSync(folder)) return undefined;
  const files = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  const file = files.find((f) => f.endsWith(".json"));
  if (file === undefined) return undefined;
  return (JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")) as { pid?: number }).pid;
}

/** Ends the engine that works on a stack, and what it started, outright. */
export function killEngineOf(backend: string): void {
  const pid = enginePid(backend);
  if (pid !== undefined) kill(pid, "SIGKILL");
}

/** Sends a signal to a process, or to a group if the number is negative; one that is gone already is fine. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it is gone already
  }
}
