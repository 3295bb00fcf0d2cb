// Which processes are alive, and since when. Plain Node: it runs before anything is installed.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { platform } from "node:os";

/** Clock ticks a second in /proc; Linux has 100 on every platform that Node supports. */
const ticks = 100;

/**
 * When a process started, in milliseconds since 1970; undefined when there is none, or it cannot be known.
 * @param {number} pid
 * @returns {number | undefined}
 */
export function startTime(pid) {
  try {
    if (platform() !== "linux") {
      const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
      return Date.parse(text.trim()) || undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const sinceBoot = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / ticks;
    const boot = Number(/^btime (\d+)/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
    return (boot + sinceBoot) * 1000;
  } catch {
    return undefined;
  }
}

/**
 * Whether the process that wrote something at a given time is still there. Numbers are used again: a process that
 * started later is another one. A zombie is dead.
 * @param {number} pid
 * @param {Date} [wrote]
 * @returns {boolean}
 */
export function isAlive(pid, wrote) {
  try {
    process.kill(pid, 0);
  } catch (e) {
    return /** @type {NodeJS.ErrnoException} */ (e).code === "EPERM";
  }
  if (platform() === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return false;
    } catch {
      return false;
    }
  }
  const started = startTime(pid);
  // btime has whole seconds, so a process may seem to start up to a second late
  return wrote === undefined || started === undefined || started <= wrote.getTime() + 2000;
}
