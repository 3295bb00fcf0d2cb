// Hands over to scripts/cli.ts: exit code and signals go through, and nothing is left behind when we die.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** npm forwards the terminal's SIGINT to us, which has it already: two within this time are one. */
const sameKeyPress = 400;

/**
 * Flags of Node.js for a command. A verifier makes and drops thousands of answers; where there is much memory, Node.js lets
 * them lie (373 MB for 950 questions, 220 MB with this).
 * @param {string | undefined} command
 * @returns {string[]}
 */
const flagsOf = (command) => (command?.startsWith("verify") ? ["--max-semi-space-size=8"] : []);

/**
 * @param {string} node
 * @param {string} root
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
export function runCli(node, root, args) {
  // A session of its own: the terminal's Ctrl-C reaches this process alone, which passes on exactly one signal.
  const child = spawn(node, [...flagsOf(args[0]), join(root, "scripts", "cli.ts"), ...args], {
    cwd: root,
    detached: true,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`,
      // compiled modules, those of the program that the engine runs too: half a second of each run
      NODE_COMPILE_CACHE:
        process.env.NODE_COMPILE_CACHE ?? join(root, ".bankmesh", "node-compile-cache"),
      NODE_USE_ENV_PROXY: process.env.NODE_USE_ENV_PROXY ?? "1",
    },
  });
  let last = 0;
  for (const signal of /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      if (signal === "SIGINT" && Date.now() - last < sameKeyPress) return;
      last = Date.now();
      child.kill(signal);
    });
  }
  watchParent(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)),
    );
  });
}

/**
 * npm killed by SIGKILL cannot tell: its child gets another parent.
 * @param {import("node:child_process").ChildProcess} child
 */
function watchParent(child) {
  const parent = process.ppid;
  if (!process.env.npm_lifecycle_event || parent === 1) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer); // once: a second signal would make Pulumi drop what is under way
    child.kill("SIGTERM");
  }, 1000).unref();
}
