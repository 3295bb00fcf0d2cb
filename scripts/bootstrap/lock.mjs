// A lock between processes of this machine that survives neither its owner's end nor its SIGKILL.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { isAlive } from "./processes.mjs";

/** @typedef {{ pid: number, hostname: string, since: string, what: string }} Owner */

/**
 * Takes the lock, or tells who has it. The lock of a dead process is taken over.
 * @param {string} file
 * @param {string} what what the owner does, for the message that others see
 * @returns {{ release(): void } | { owner: Owner }}
 */
export function tryLock(file, what) {
  mkdirSync(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}`;
  const me = { pid: process.pid, hostname: hostname(), since: new Date().toISOString(), what };
  writeFileSync(mine, JSON.stringify(me));
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        linkSync(mine, file); // fails when the file exists, and never shows half a file
        return { release: () => releaseLock(file) };
      } catch (e) {
        if (/** @type {NodeJS.ErrnoException} */ (e).code !== "EEXIST") throw e;
      }
      const owner = readOwner(file);
      if (owner && (owner.hostname !== hostname() || isAlive(owner.pid, new Date(owner.since))))
        return { owner };
      discard(file, owner);
    }
    const owner = readOwner(file);
    if (owner) return { owner };
    throw new Error(`lock ${file} changes hands too fast; try again`);
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Waits for the lock.
 * @param {string} file
 * @param {string} what
 * @param {(owner: Owner) => void} onWait called once when somebody else has it
 * @returns {Promise<() => void>} gives the lock back
 */
export async function waitForLock(file, what, onWait) {
  for (let told = false; ;) {
    const got = tryLock(file, what);
    if ("release" in got) return got.release;
    if (!told) onWait(got.owner);
    told = true;
    await new Promise((r) => setTimeout(r, 300));
  }
}

/** @param {string} file */
function releaseLock(file) {
  if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
}

/**
 * Removes a dead owner's file. By rename, so that of two who find it dead just one removes it, and a fresh one that
 * came in between is put back.
 * @param {string} file
 * @param {Owner | undefined} dead
 */
function discard(file, dead) {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readOwner(aside);
  if (moved && moved.since !== dead?.since) {
    try {
      linkSync(aside, file);
    } catch {
      // a third one has it by now
    }
  }
  rmSync(aside, { force: true });
}

/**
 * @param {string} file
 * @returns {Owner | undefined} undefined when there is none, or it is not readable as one
 */
function readOwner(file) {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8"));
    return typeof owner.pid === "number" ? owner : undefined;
  } catch {
    return undefined;
  }
}
