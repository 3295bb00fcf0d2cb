import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Piece } from "./pieces/piece.ts";

/** Files that are not part of what a Go module is built from. */
const ignored = /(^|\/)(\.|testdata\/|[^/]+_test\.go$|README\.md$)/;

/** Raised when a change of this program makes earlier pieces unusable. */
const format = 1;

/**
 * The key of every piece: the hash of what it is built from. That is its files, its inputs, the
 * Go version where Go builds it, and the keys of the pieces it needs.
 */
export function pieceKeys(
  pieces: readonly Piece[],
  airgap: string,
  goVersion: string,
): Map<string, string> {
  const byName = new Map(pieces.map((piece) => [piece.name, piece]));
  const keys = new Map<string, string>();
  const visiting = new Set<string>();
  const visit = (name: string): string => {
    const known = keys.get(name);
    if (known !== undefined) {
      return known;
    }
    const piece = byName.get(name);
    if (piece === undefined) {
      throw new Error(`no piece is called ${name}`);
    }
    if (visiting.has(name)) {
      throw new Error(`the piece ${name} needs itself`);
    }
    visiting.add(name);
    const hash = createHash("sha256");
    const part = (label: string, value: string) =>
      hash.update(`${label} ${Buffer.byteLength(value)}\n${value}\n`);
    part("format", String(format));
    part("name", piece.name);
    part("inputs", JSON.stringify(piece.inputs) ?? "");
    if (piece.go) {
      part("go", goVersion);
    }
    for (const file of piece.files.flatMap((entry) => listFiles(airgap, entry)).sort()) {
      part(
        `file ${file}`,
        createHash("sha256")
          .update(fs.readFileSync(path.join(airgap, file)))
          .digest("hex"),
      );
    }
    for (const need of [...piece.needs].sort()) {
      part(`piece ${need}`, visit(need));
    }
    visiting.delete(name);
    const key = hash.digest("hex");
    keys.set(name, key);
    return key;
  };
  for (const piece of pieces) {
    visit(piece.name);
  }
  return keys;
}

/** The files under an entry, relative to the folder; tests and texts are left out. */
function listFiles(folder: string, entry: string): string[] {
  if (!fs.statSync(path.join(folder, entry)).isDirectory()) {
    return [entry];
  }
  return fs
    .readdirSync(path.join(folder, entry), { withFileTypes: true })
    .map((child) => ({ child, name: `${entry}/${child.name}` }))
    .filter(({ child, name }) => !ignored.test(child.isDirectory() ? `${name}/` : name))
    .flatMap(({ child, name }) => (child.isDirectory() ? listFiles(folder, name) : [name]));
}
