import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";

import { keyOf, missingPieces } from "../../airgap/builder.ts";
import type { Workshop } from "../../airgap/builder.ts";
import { Cache } from "../../airgap/cache.ts";
import { pieceKeys } from "../../airgap/keys.ts";
import { pieces } from "../../airgap/pieces/index.ts";
import { pruneToolboxes, sources, writeToolbox } from "../../airgap/sources.ts";
import { readSources } from "../../sources/index.ts";

suite("toolbox", () => {
  let shop: Workshop;
  const airgap = path.resolve(import.meta.dirname, "../../airgap");

  beforeEach(async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-toolbox-"));
    const keys = pieceKeys(pieces, airgap, "go1.26.8");
    shop = {
      cache: new Cache(root),
      keys,
      toolchain: { version: "go1.26.8", origin: "path" },
    };
    await pretend("plugins", "pulumi-resource-kubernetes", "pulumi-resource-tls");
    await pretend("language-host", "pulumi-language-nodejs");
  });
  afterEach(() => fs.rmSync(shop.cache.root, { recursive: true, force: true }));

  /** Puts a piece with these files into the cache. */
  const pretend = (name: string, ...files: string[]) =>
    shop.cache.obtain(name, keyOf(shop, name), async ({ dir }) => {
      files.forEach((file) => fs.writeFileSync(path.join(dir, file), file, { mode: 0o755 }));
    });

  test("holds every command of the route", () => {
    const { bin } = writeToolbox(shop);
    assert.deepEqual(fs.readdirSync(bin).sort(), [
      "helm",
      "istioctl",
      "kind",
      "kubectl",
      "pulumi",
      "pulumi-language-nodejs",
      "pulumi-resource-kubernetes",
      "pulumi-resource-tls",
    ]);
    const plugin = path.join(bin, "pulumi-resource-tls");
    assert.equal(fs.readFileSync(plugin, "utf8"), "pulumi-resource-tls");
  });

  test("has a sources file that the program accepts", () => {
    const parsed = readSources(writeToolbox(shop).sources);
    assert.equal(parsed.route, "airgap");
    assert.equal(parsed.node.maxWorkers, 0);
    const names = [parsed.istio.hub, parsed.node.image, parsed.images.echo, parsed.images.curl];
    names.forEach((name) => assert.match(name, /^bankmesh\.local\//));
    const charts = Object.values(parsed.istio.charts).map(({ chart }) => path.basename(chart));
    assert.deepEqual(
      charts,
      ["base", "istiod", "gateway"].map((name) => `${name}-${parsed.istio.version}.tgz`),
    );
  });

  test("names images by the keys of what they are built from", () => {
    const key = (name: string) => keyOf(shop, name).slice(0, 12);
    const { istio, node, images } = sources(shop);
    assert.ok(istio.tag.endsWith(key("images-istio")));
    assert.ok(node.image.endsWith(key("node-image")));
    assert.ok(images.echo.endsWith(key("image-echo")));
    assert.ok(images.curl.endsWith(key("image-curl")));
    assert.ok(images.nginx.endsWith(key("images-web")));
    assert.ok(images.httpd.endsWith(key("images-web")));
    assert.ok(images["istio-app"].endsWith(key("image-istio-app")));
  });

  test("is the same folder as long as nothing changes, and mended when damaged", () => {
    const first = writeToolbox(shop);
    const { ino } = fs.statSync(first.bin);
    assert.deepEqual(writeToolbox(shop), first);
    assert.equal(fs.statSync(first.bin).ino, ino);
    fs.rmSync(path.join(first.bin, "kind"));
    fs.writeFileSync(first.sources, "{");
    assert.deepEqual(writeToolbox(shop), first);
    assert.ok(fs.lstatSync(path.join(first.bin, "kind")).isSymbolicLink());
    assert.equal(readSources(first.sources).route, "airgap");
  });

  test("goes when what it links to is pruned", async () => {
    for (const [name, file] of Object.entries({
      pulumi: "pulumi",
      kind: "kind",
      kubernetes: "kubectl",
      helm: "helm",
      istio: "istioctl",
    })) {
      await pretend(name, file);
    }
    const { bin } = writeToolbox(shop);
    assert.deepEqual(pruneToolboxes(shop.cache.root), []);
    shop.cache.prune(new Set());
    assert.deepEqual(pruneToolboxes(shop.cache.root), [
      `toolbox/${path.basename(path.dirname(bin))}`,
    ]);
    assert.equal(fs.existsSync(bin), false);
  });

  test("only what leads to something missing has to be built", async () => {
    const names = async (...wanted: string[]) =>
      (await missingPieces(shop, wanted)).map(({ name }) => name).sort();
    assert.deepEqual(await names("plugins"), []);
    assert.deepEqual(await names("charts"), ["charts", "helm"]);
    await pretend("charts", "base.tgz");
    assert.deepEqual(await names("charts"), []);
    await pretend("echo", "echo");
    assert.deepEqual(await names("image-echo"), ["image-echo"]);
  });
});
