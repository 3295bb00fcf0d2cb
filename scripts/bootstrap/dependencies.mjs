// node_modules as package-lock.json says, also when two processes want it at once or one was interrupted.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitForLock } from "./lock.mjs";
import { npm, run, say } from "./work.mjs";

const stampFile = ".bankmesh-stamp";

/**
 * @param {string} root the checkout
 * @returns {Promise<void>}
 */
export async function ensureDependencies(root) {
  if (isInstalled(root)) return;
  const lock = join(root, ".bankmesh", "locks", "npm-ci.json");
  const release = await waitForLock(lock, "runs npm ci", (owner) =>
    say(`waiting for process ${owner.pid}, which runs npm ci in this checkout`),
  );
  try {
    if (isInstalled(root)) return;
    const [command, args] = npm();
    await run("npm packages (npm ci)", command, [...args, "ci"], {
      cwd: root,
      log: join(root, ".bankmesh", "logs", "npm-ci.log"),
    });
    writeStamp(root);
  } finally {
    release();
  }
}

/**
 * The stamp is written after npm has ended well, so an interrupted run has none.
 * @param {string} root
 * @returns {boolean}
 */
export function isInstalled(root) {
  const stamp = join(root, "node_modules", stampFile);
  if (existsSync(stamp)) return readFileSync(stamp, "utf8").trim() === lockHash(root);
  if (!matchesLock(root)) return false;
  writeStamp(root);
  return true;
}

/** @param {string} root */
function writeStamp(root) {
  writeFileSync(join(root, "node_modules", stampFile), `${lockHash(root)}\n`);
}

/** @param {string} root */
function lockHash(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/**
 * Whether the user's own `npm ci` or `npm install` made it: npm writes its hidden lock file last.
 * @param {string} root
 */
function matchesLock(root) {
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    const got = JSON.parse(readFileSync(hidden, "utf8")).packages;
    return Object.entries(wanted).every(
      ([path, entry]) =>
        path === "" || (got[path] ? got[path].version === entry.version : entry.optional === true),
    );
  } catch {
    return false;
  }
}
