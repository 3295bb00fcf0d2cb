import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { duration } from "../scripts/progress.ts";
import type { Reporter } from "../scripts/progress.ts";
import { Cache } from "./cache.ts";
import type { Holder, Obtained, State } from "./cache.ts";
import { checkSpace } from "./host.ts";
import { findGo, goEnvironment } from "./go.ts";
import type { Toolchain } from "./go.ts";
import { pieceKeys } from "./keys.ts";
import { pieces, products } from "./pieces/index.ts";
import type { Piece } from "./pieces/piece.ts";
import { runSchedule } from "./schedule.ts";
import { cacheFolder } from "../scripts/bootstrap/node.mjs";

const airgap = import.meta.dirname;

/** The cache together with today's keys. */
export interface Workshop {
  readonly cache: Cache;
  readonly keys: ReadonlyMap<string, string>;
  readonly toolchain: Toolchain;
}

export async function openWorkshop(root = cacheFolder()): Promise<Workshop> {
  const toolchain = await findGo();
  const keys = pieceKeys(pieces, airgap, toolchain.version);
  return { cache: new Cache(root), keys, toolchain };
}

export function keyOf(shop: Workshop, name: string): string {
  const key = shop.keys.get(name);
  if (key === undefined) {
    throw new Error(`no piece is called ${name}`);
  }
  return key;
}

export function folderOf(shop: Workshop, name: string): string {
  return shop.cache.folder(name, keyOf(shop, name));
}

/** How long each piece took, now or when it was built. */
export interface Timing {
  readonly name: string;
  readonly seconds: number;
  readonly built: boolean;
}

/**
 * The pieces that have to be built so that the wanted ones are there. What is only needed to build
 * something that is ready is not looked at.
 */
export async function missingPieces(
  shop: Workshop,
  wanted: readonly string[] = products,
): Promise<Piece[]> {
  const byName = new Map(pieces.map((piece) => [piece.name, piece]));
  const missing = new Map<string, Piece>();
  const visit = async (name: string): Promise<void> => {
    const piece = byName.get(name);
    if (piece === undefined || missing.has(name)) {
      return;
    }
    const state: State = await shop.cache.state(name, keyOf(shop, name));
    if (state === "ready") {
      return;
    }
    missing.set(name, piece);
    for (const need of piece.needs) {
      await visit(need);
    }
  };
  for (const name of wanted) {
    await visit(name);
  }
  return [...missing.values()];
}

/** Builds what is missing, in parallel as far as the machine allows. */
export async function buildPieces(
  shop: Workshop,
  missing: readonly Piece[],
  report: Reporter,
): Promise<Timing[]> {
  if (missing.length === 0) {
    return [];
  }
  checkSpace(shop.cache.root, missing);
  const goEnv = await goEnvironment(shop.toolchain, shop.cache, airgap, report);
  const logs = path.join(shop.cache.root, "logs");
  const step = report.step(`Building tools and images (logs in ${logs})`);
  const running = new Map<string, string>();
  const timings: Timing[] = [];
  let shown: NodeJS.Immediate | undefined;
  // One piece ends and the next begins in the same moment: one message for both.
  const show = () => {
    shown ??= setImmediate(() => {
      shown = undefined;
      display();
    });
  };
  const display = () => {
    if (running.size === 0) {
      return;
    }
    const active = [...running].map(([name, note]) => name + note).join(", ");
    step.update(`${timings.length} of ${missing.length} ready, building ${active}`);
  };
  const byName = new Map(missing.map((piece) => [piece.name, piece]));
  const tasks = missing.map(({ name, needs, weight }) => ({ name, needs, ...weight }));
  try {
    await runSchedule(tasks, capacity(), async (name) => {
      const piece = byName.get(name);
      if (piece === undefined) {
        return;
      }
      running.set(name, "");
      show();
      const onWait = (holder: Holder | undefined) => {
        const who = holder ? `process ${holder.pid} on ${holder.host}` : "another process";
        running.set(name, ` (waiting for ${who}, which builds it)`);
        show();
      };
      const { seconds, built } = await obtain(shop, piece, goEnv, onWait).catch((error) => {
        const others = [...running.keys()].filter((other) => other !== name);
        const waiting = others.length > 0 ? `, waiting for ${others.join(", ")} to end` : "";
        report.note(`${name}: FAILED${waiting}`);
        throw error;
      });
      running.delete(name);
      show();
      timings.push({ name, seconds, built });
      report.note(`${name}: ${duration(seconds * 1000)}${built ? "" : ", by another process"}`);
    });
    step.done(`${missing.length} of ${missing.length} ready`);
    return timings;
  } catch (error) {
    step.fail(`stopped with ${timings.length} of ${missing.length} ready; run again to continue`);
    throw error;
  }
}

function obtain(
  shop: Workshop,
  piece: Piece,
  goEnv: Readonly<Record<string, string | undefined>>,
  onWait: (holder: Holder | undefined) => void,
): Promise<Obtained> {
  const key = keyOf(shop, piece.name);
  return shop.cache.obtain(
    piece.name,
    key,
    (workspace) => piece.build({ ...workspace, key, goEnv, piece: (need) => folderOf(shop, need) }),
    onWait,
  );
}

/** All cores and half of one for a task that mostly waits, and most of the memory free now. */
function capacity(): { cores: number; memory: number } {
  return {
    cores: os.availableParallelism() + 0.5,
    memory: Math.round((availableMemory() * 0.9) / 2 ** 20),
  };
}

function availableMemory(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/meminfo", "utf8"));
    return match ? Number(match[1]) * 1024 : os.freemem();
  } catch {
    return os.freemem();
  }
}

/**
 * The capability wrapper for the host's Docker Engine, at a place that stays the same: containers
 * that exist are started again through it.
 */
export async function installRuncCaps(report: Reporter): Promise<string> {
  const shop = await openWorkshop();
  await buildPieces(shop, await missingPieces(shop, ["runc-caps"]), report);
  const folder = path.join(shop.cache.root, "docker");
  const target = path.join(folder, "runc-caps");
  fs.mkdirSync(folder, { recursive: true });
  const temporary = `${target}.${process.pid}`;
  fs.copyFileSync(path.join(folderOf(shop, "runc-caps"), "runc-caps"), temporary);
  fs.chmodSync(temporary, 0o755);
  fs.renameSync(temporary, target);
  return target;
}
