import * as fs from "node:fs";
import * as path from "node:path";
import { cacheFolder } from "./bootstrap/node.mjs";

/** The checkout. */
export const root = path.resolve(import.meta.dirname, "..");

/** What the scripts keep in the checkout: state, logs, certificates, locks. Ignored by git. */
export const local = path.join(root, ".bankmesh");

/** What all checkouts share: tools, images, downloads. */
export const cache = cacheFolder();

/** A folder that nobody else may look into. */
export function privateFolder(...parts: string[]): string {
  const folder = path.join(...parts);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.chmodSync(folder, 0o700);
  return folder;
}

/** Writes a file that nobody else may read, complete or not at all. */
export function writePrivate(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, text, { mode: 0o600 });
  fs.renameSync(temporary, file);
}

/** A fresh log file; the newest twenty of a kind are kept. */
export function logFile(kind: string): string {
  const folder = privateFolder(local, "logs");
  const stamp = new Date().toISOString().replace(/[:.]/g, "-");
  const old = fs
    .readdirSync(folder)
    .filter((f) => f.startsWith(`${kind}-2`))
    .sort();
  for (const f of old.slice(0, -19)) fs.rmSync(path.join(folder, f), { force: true });
  return path.join(folder, `${kind}-${stamp}.log`);
}

/** A path as short as it can be pasted in the checkout. */
export function shown(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === "" || relative.startsWith("..") ? file : relative;
}
