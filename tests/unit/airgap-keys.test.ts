import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";

import { pieceKeys } from "../../airgap/keys.ts";
import { pieces, products } from "../../airgap/pieces/index.ts";
import type { Piece } from "../../airgap/pieces/piece.ts";

const piece = (name: string, more: Partial<Piece> = {}): Piece => ({
  name,
  files: [],
  inputs: {},
  needs: [],
  go: false,
  weight: { cores: 1, memory: 1, seconds: 1 },
  build: () => Promise.resolve(),
  ...more,
});

suite("keys of pieces", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-keys-"));
    fs.mkdirSync(path.join(folder, "src/inner"), { recursive: true });
    fs.writeFileSync(path.join(folder, "src/main.go"), "package main");
    fs.writeFileSync(path.join(folder, "src/inner/a.go"), "package inner");
    fs.writeFileSync(path.join(folder, "alone.txt"), "1");
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const base = () => [
    piece("tool", { files: ["src"], inputs: { version: "1" }, go: true }),
    piece("image", { files: ["alone.txt"], needs: ["tool"] }),
    piece("other"),
  ];
  const keys = (list = base(), go = "go1.26.8") => Object.fromEntries(pieceKeys(list, folder, go));
  /** Names of the pieces whose key differs from the untouched ones. */
  const changed = (before: Record<string, string>, after: Record<string, string>) =>
    Object.keys(before).filter((name) => before[name] !== after[name]);

  test("are the same for the same inputs, whatever the order", () => {
    assert.deepEqual(keys(), keys(base().reverse()));
    assert.match(keys()["tool"] ?? "", /^[0-9a-f]{64}$/);
  });

  test("change with a file, and with them the keys of what needs it", () => {
    const before = keys();
    fs.writeFileSync(path.join(folder, "src/inner/a.go"), "package inner // changed");
    assert.deepEqual(changed(before, keys()), ["tool", "image"]);
  });

  test("change with a new and with a renamed file", () => {
    const before = keys();
    fs.renameSync(path.join(folder, "src/main.go"), path.join(folder, "src/other.go"));
    assert.deepEqual(changed(before, keys()), ["tool", "image"]);
    fs.renameSync(path.join(folder, "src/other.go"), path.join(folder, "src/main.go"));
    assert.deepEqual(changed(before, keys()), []);
    fs.writeFileSync(path.join(folder, "src/new.go"), "");
    assert.deepEqual(changed(before, keys()), ["tool", "image"]);
  });

  test("do not change with tests", () => {
    const before = keys();
    fs.writeFileSync(path.join(folder, "src/main_test.go"), "package main");
    fs.mkdirSync(path.join(folder, "src/testdata"));
    fs.writeFileSync(path.join(folder, "src/testdata/sample"), "");
    assert.deepEqual(changed(before, keys()), []);
  });

  test("change with an input and with what a piece needs", () => {
    const before = keys();
    const [tool, image, other] = base() as [Piece, Piece, Piece];
    assert.deepEqual(changed(before, keys([{ ...tool, inputs: { version: "2" } }, image, other])), [
      "tool",
      "image",
    ]);
    assert.deepEqual(changed(before, keys([tool, image, { ...other, needs: ["tool"] }])), [
      "other",
    ]);
  });

  test("of Go builds change with the toolchain, others only through them", () => {
    assert.deepEqual(changed(keys(), keys(base(), "go1.27.0")), ["tool", "image"]);
  });

  test("cannot be made of a piece that is not there or that needs itself", () => {
    assert.throws(() => keys([piece("a", { needs: ["ghost"] })]), /no piece is called ghost/);
    const circle = [piece("a", { needs: ["b"] }), piece("b", { needs: ["a"] })];
    assert.throws(() => keys(circle), /needs itself/);
  });
});

suite("pieces of the air-gapped route", () => {
  const airgap = path.resolve(import.meta.dirname, "../../airgap");

  test("have different names, existing files and needs that are pieces", () => {
    const names = pieces.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, files, needs } of pieces) {
      for (const file of files) {
        assert.ok(fs.existsSync(path.join(airgap, file)), `${name} is built from ${file}`);
      }
      needs.forEach((need) => assert.ok(names.includes(need), `${name} needs ${need}`));
    }
    products.forEach((name) => assert.ok(names.includes(name), name));
  });

  test("have keys, all different", () => {
    const keys = [...pieceKeys(pieces, airgap, "go1.26.8").values()];
    assert.equal(new Set(keys).size, pieces.length);
  });

  test("every piece leads to a product", () => {
    const used = new Set(products);
    for (let grown = true; grown;) {
      const more = pieces.filter(({ name }) => used.has(name)).flatMap(({ needs }) => needs);
      grown = more.some((name) => !used.has(name));
      more.forEach((name) => used.add(name));
    }
    assert.deepEqual(
      pieces.map(({ name }) => name).filter((name) => !used.has(name)),
      [],
    );
  });
});
