/**
 * The air-gapped route: everything that the platform needs, built from the Go module proxy, PyPI,
 * npm and Debian, once, into a cache that all checkouts share.
 */
import { duration } from "../scripts/progress.ts";
import type { Reporter } from "../scripts/progress.ts";
import { buildPieces, folderOf, keyOf, missingPieces, openWorkshop } from "./builder.ts";
import type { Timing } from "./builder.ts";
import type { State } from "./cache.ts";
import { ensureDocker } from "./docker.ts";
import { checkHost, installPackages, missingPackages } from "./host.ts";
import { goToolchainKey } from "./go.ts";
import { hasImage, loadImages, removeImages } from "./images.ts";
import { pieces } from "./pieces/index.ts";
import { nodeImage, nodeRepository } from "./pieces/node-image.ts";
import { pruneToolboxes, writeToolbox } from "./sources.ts";
import * as fs from "node:fs";
import * as path from "node:path";

export { ensureDocker } from "./docker.ts";

export interface Toolbox {
  /**
   * Folder to put first on PATH: pulumi, pulumi-language-nodejs, pulumi-resource-*, kind, kubectl,
   * helm, istioctl.
   */
  readonly bin: string;
  /** Path of this route's sources file. */
  readonly sources: string;
}

/** Builds what is missing and loads the node's image into Docker. */
export async function ensureToolbox(report: Reporter): Promise<Toolbox> {
  checkHost();
  const shop = await openWorkshop();
  await installHostPackages(shop.cache.root, report);
  const missing = await missingPieces(shop);
  const started = performance.now();
  const timings = await buildPieces(shop, missing, report);
  if (timings.length > 0) {
    printTimings(timings, performance.now() - started, report);
  }
  await ensureDocker(report);
  const image = nodeImage(keyOf(shop, "node-image"));
  if (!(await hasImage(image))) {
    const step = report.step(`Loading the node image into Docker`);
    const log = shop.cache.log("node-image-load", keyOf(shop, "node-image"));
    try {
      await loadImages(folderOf(shop, "node-image"), log);
      step.done(image);
    } catch (error) {
      step.fail("could not be loaded");
      throw error;
    }
  }
  return writeToolbox(shop);
}

async function installHostPackages(root: string, report: Reporter): Promise<void> {
  const packages = missingPackages();
  if (packages.length === 0) {
    return;
  }
  const step = report.step("Debian packages for the build");
  try {
    step.update(packages.join(", "));
    const logs = path.join(root, "logs");
    fs.mkdirSync(logs, { recursive: true });
    await installPackages(packages, path.join(logs, "apt.log"));
    step.done(packages.join(", "));
  } catch (error) {
    step.fail("could not be installed");
    throw error;
  }
}

/** Time of each piece, longest first. */
function printTimings(timings: readonly Timing[], total: number, report: Reporter): void {
  const sorted = [...timings].sort((a, b) => b.seconds - a.seconds);
  report.note(`Built in ${duration(total)}; seconds per piece:`);
  for (const { name, seconds, built } of sorted) {
    report.note(`  ${seconds.toFixed(1).padStart(8)}  ${name}${built ? "" : " (built elsewhere)"}`);
  }
}

export interface PieceState {
  readonly name: string;
  readonly key: string;
  readonly state: State;
  /** How long it took to build, where it is there. */
  readonly seconds?: number;
}

/** What is in the cache, for `npm run doctor`; changes nothing. `deep` reads every byte. */
export async function inspect(deep = false): Promise<PieceState[]> {
  const shop = await openWorkshop();
  const states: PieceState[] = [];
  for (const { name } of pieces) {
    const key = keyOf(shop, name);
    const state = await shop.cache.state(name, key, deep);
    const seconds = shop.cache.record(name, key)?.seconds;
    states.push({ name, key, state, ...(seconds === undefined ? {} : { seconds }) });
  }
  return states;
}

/** Removes what today's checkout does not use, node images in Docker included; returns the names. */
export async function prune(): Promise<string[]> {
  const shop = await openWorkshop();
  const keep = new Set([...shop.keys].map(([name, key]) => `${name}/${key}`));
  // The toolchain from PyPI is no piece of its own right: it stays as long as it is used.
  keep.add(`go-toolchain/${goToolchainKey(import.meta.dirname)}`);
  const removed = shop.cache.prune(keep);
  removed.push(...pruneToolboxes(shop.cache.root));
  const current = nodeImage(keyOf(shop, "node-image"));
  return [...removed, ...(await removeImages(nodeRepository, current))];
}
