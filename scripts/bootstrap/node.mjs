// A Node.js that the project can use: the current one, else a pinned one from npm, kept in the cache.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { arch, homedir, platform } from "node:os";
import { join, resolve } from "node:path";
import { waitForLock } from "./lock.mjs";
import { npm, run, say, SetupError } from "./work.mjs";

// From these on Node.js runs TypeScript by itself.
/** @type {Record<number, number>} */
const neededMinors = { 22: 18, 23: 6 };
const version = "24.21.0";
/** Of the package, and of npm's own copy of it. */
const neededGigabytes = 0.5;

/** Platforms whose Node.js is on npm, with the package's integrity. */
const packages = {
  "linux-x64":
    "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  "linux-arm64":
    "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
};

/**
 * The cache of everything that is downloaded or built: outside every checkout, so that all clones share it.
 * @param {NodeJS.ProcessEnv} [env]
 */
export function cacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return resolve(env.BANKMESH_CACHE || join(base, "bankmesh"));
}

/**
 * @param {string} text such as "22.13.1"
 * @returns {boolean}
 */
export function isGoodNode(text) {
  const [major = 0, minor = 0] = text.split(".").map(Number);
  return major > 23 || minor >= (neededMinors[major] ?? Infinity);
}

/** Refuses platforms that nothing here is made for. */
export function checkPlatform() {
  if (platform() === "linux" || platform() === "darwin") return;
  throw new SetupError(
    `${platform()} is not supported: use Linux (x86-64 or arm64) or macOS; on Windows, a WSL 2 distribution is Linux`,
  );
}

/**
 * @param {string} cache
 * @returns {Promise<string>} path of a Node.js executable
 */
export async function ensureNode(cache) {
  if (isGoodNode(process.versions.node)) return process.execPath;
  const name = `${platform()}-${arch()}`;
  if (!(name in packages)) {
    throw new SetupError(
      `Node.js ${process.versions.node} is too old: 22.${neededMinors[22]} or later is needed, ` +
        `and npm has none for ${name}; install Node.js 24 from https://nodejs.org`,
    );
  }
  const home = join(cache, "node", version);
  const node = join(home, "node_modules", `node-${name}`, "bin", "node");
  if (existsSync(node)) return node;
  const release = await waitForLock(
    join(cache, "locks", `node-${version}.json`),
    "installs Node.js",
    (owner) => say(`waiting for process ${owner.pid}, which installs Node.js`),
  );
  try {
    if (!existsSync(node)) await install(cache, home, /** @type {keyof typeof packages} */ (name));
  } finally {
    release();
  }
  return node;
}

/** @param {string} cache */
function checkRoom(cache) {
  const { bavail, bsize } = statfsSync(cache);
  const free = (bavail * bsize) / 1e9;
  if (free >= neededGigabytes) return;
  throw new SetupError(
    `${free.toFixed(1)} GB are free on the disk of ${cache}; Node.js needs ${neededGigabytes} GB; ` +
      "make room, or set BANKMESH_CACHE to a folder on a larger disk",
  );
}

/**
 * Into a folder of its own first: what has its final name is complete.
 * @param {string} cache
 * @param {string} home
 * @param {keyof typeof packages} name
 */
async function install(cache, home, name) {
  const temporary = join(cache, "tmp", `node-${process.pid}`);
  checkRoom(cache);
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  writeFileSync(join(temporary, "package.json"), '{ "private": true }\n');
  const [command, args] = npm();
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
  await run(
    `Node.js ${version} from npm (this one is ${process.versions.node}, too old)`,
    command,
    [...args, "install", ...flags, `node-${name}@${version}`],
    { cwd: temporary, log: join(cache, "logs", `node-${version}.log`) },
  );
  const lock = JSON.parse(readFileSync(join(temporary, "package-lock.json"), "utf8"));
  const got = lock.packages[`node_modules/node-${name}`]?.integrity;
  if (got !== packages[name]) {
    rmSync(temporary, { recursive: true, force: true });
    throw new SetupError(
      `node-${name}@${version} is not the pinned package: expected ${packages[name]}, got ${got}`,
    );
  }
  mkdirSync(join(cache, "node"), { recursive: true });
  rmSync(home, { recursive: true, force: true });
  renameSync(temporary, home);
}
