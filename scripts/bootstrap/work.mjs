// Runs one long piece of work of the first set-up: output to a log, progress on stderr.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

const tty = Boolean(process.stderr.isTTY) && !process.env.CI;
const heartbeat = 30_000;
const signals = /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** A mistake that the user can repair: shown without a stack. */
export class SetupError extends Error {}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, log: string }} options
 * @returns {Promise<void>}
 */
export async function run(title, command, args, { cwd, log }) {
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, "w", 0o600);
  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)}s`;
  if (!tty) say(`${title} (log: ${log})`);
  const timer = setInterval(
    () =>
      tty
        ? process.stderr.write(`\r\x1b[2K${title} … ${elapsed()} (log: ${log})`)
        : say(`${title}: ${elapsed()}`),
    tty ? 1000 : heartbeat,
  );
  try {
    const code = await new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd, stdio: ["ignore", out, out] });
      // the child ends first, so that nothing goes on writing behind our back
      for (const signal of signals) process.on(signal, () => child.kill(signal));
      child.on("error", reject);
      child.on("close", (status, signal) => resolve(status ?? signal));
    });
    if (typeof code === "string" && signals.includes(/** @type {NodeJS.Signals} */ (code))) {
      throw new SetupError(`${title}: interrupted; run the command again to continue`);
    }
    if (code !== 0) {
      const tail = readFileSync(log, "utf8").trimEnd().split("\n").slice(-12).join("\n");
      throw new SetupError(
        `${title}: ${command} ended with ${code}\n${tail}\nthe whole output is in ${log}`,
      );
    }
  } catch (e) {
    if (/** @type {NodeJS.ErrnoException} */ (e).code !== "ENOENT") throw e;
    throw new SetupError(
      `${title}: ${command} is not on PATH; install Node.js 24 with npm from https://nodejs.org`,
    );
  } finally {
    clearInterval(timer);
    for (const signal of signals) process.removeAllListeners(signal);
    closeSync(out);
    if (tty) process.stderr.write("\r\x1b[2K");
  }
  say(`${title}: done in ${elapsed()}`);
}

/**
 * How npm is called: with the npm that runs us, else the one on PATH.
 * @returns {[string, string[]]}
 */
export function npm() {
  const own = process.env.npm_execpath;
  return own && /\.c?js$/.test(own) ? [process.execPath, [own]] : ["npm", []];
}
