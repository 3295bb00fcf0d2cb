import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";

import { Cache } from "../../airgap/cache.ts";
import { cacheFolder } from "../../scripts/bootstrap/node.mjs";
import type { Workspace } from "../../airgap/cache.ts";

const key = "a".repeat(64);

suite("cache of pieces", () => {
  let root: string;
  let cache: Cache;
  let builds: number;

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-cache-"));
    cache = new Cache(root);
    builds = 0;
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const build = async ({ dir }: Workspace) => {
    builds += 1;
    fs.mkdirSync(path.join(dir, "sub"));
    fs.writeFileSync(path.join(dir, "tool"), "content");
    fs.writeFileSync(path.join(dir, "sub/data"), "more");
  };
  const obtain = () => cache.obtain("tool", key, build);
  const file = (name: string) => path.join(cache.folder("tool", key), name);

  test("builds once and then uses what is there", async () => {
    const first = await obtain();
    assert.equal(first.built, true);
    const second = await obtain();
    assert.deepEqual({ ...second, seconds: 0 }, { dir: first.dir, seconds: 0, built: false });
    assert.equal(builds, 1);
    assert.equal(await cache.state("tool", key), "ready");
    const record = cache.record("tool", key);
    assert.deepEqual(Object.keys(record?.files ?? {}), ["sub/data", "tool"]);
    assert.equal(typeof record?.seconds, "number");
    assert.deepEqual(fs.readdirSync(path.join(root, "tmp")), []);
  });

  test("another key is another piece", async () => {
    await obtain();
    assert.equal(await cache.state("tool", "b".repeat(64)), "missing");
  });

  test("a build that fails leaves nothing that could be used", async () => {
    const failing = cache.obtain("tool", key, async ({ dir }) => {
      fs.writeFileSync(path.join(dir, "tool"), "half");
      throw new Error("compiler says no");
    });
    await assert.rejects(failing, /compiler says no/);
    assert.equal(await cache.state("tool", key), "missing");
    assert.deepEqual(fs.readdirSync(path.join(root, "tmp")), []);
    assert.equal((await obtain()).built, true);
  });

  test("the log of a failed build stays", async () => {
    const failing = cache.obtain("tool", key, async ({ log }) => {
      fs.writeFileSync(log, "the reason\n");
      throw new Error("no");
    });
    await assert.rejects(failing);
    assert.equal(fs.readFileSync(cache.log("tool", key), "utf8"), "the reason\n");
  });

  const damages: Record<string, () => void> = {
    "without its record": () => fs.rmSync(file("piece.json")),
    "with half a record": () => fs.writeFileSync(file("piece.json"), '{"name":"tool","key"'),
    "with a record of another piece": () => {
      const record = JSON.parse(fs.readFileSync(file("piece.json"), "utf8")) as object;
      fs.writeFileSync(file("piece.json"), JSON.stringify({ ...record, name: "other" }));
    },
    "with a changed list of files": () => {
      const record = JSON.parse(fs.readFileSync(file("piece.json"), "utf8")) as { files: object };
      fs.writeFileSync(file("piece.json"), JSON.stringify({ ...record, files: {} }));
    },
    "with a missing file": () => fs.rmSync(file("sub/data")),
    "with a file too many": () => fs.writeFileSync(file("extra"), ""),
    "with a shortened file": () => fs.truncateSync(file("tool"), 3),
    "with other content of the same size": () => fs.writeFileSync(file("tool"), "CONTENT"),
    "with a tool that cannot be run any more": () => fs.chmodSync(file("tool"), 0o000),
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`a piece ${name} is broken and built again`, async () => {
      await obtain();
      damage();
      assert.equal(await cache.state("tool", key), "broken");
      assert.equal((await obtain()).built, true);
      assert.equal(builds, 2);
      assert.equal(fs.readFileSync(file("tool"), "utf8"), "content");
      assert.equal(await cache.state("tool", key), "ready");
    });
  }

  test("a copied cache is still good: other times, same content", async () => {
    await obtain();
    fs.utimesSync(file("tool"), new Date(0), new Date(0));
    assert.equal(await cache.state("tool", key), "ready");
    assert.equal((await obtain()).built, false);
  });

  test("a deep look finds what size and time hide", async () => {
    const time = new Date(1_000_000_000_000);
    await cache.obtain("tool", key, async (workspace) => {
      await build(workspace);
      fs.utimesSync(path.join(workspace.dir, "tool"), time, time);
    });
    fs.writeFileSync(file("tool"), "CONTENT");
    fs.utimesSync(file("tool"), time, time);
    assert.equal(await cache.state("tool", key), "ready");
    assert.equal(await cache.state("tool", key, true), "broken");
  });

  test("leftovers of a dead process go, those of a living one stay", async () => {
    const dead = await pidOfDeadProcess();
    const leftover = path.join(root, "tmp", `${os.hostname()}.${dead}.tool.0000`);
    const living = path.join(root, "tmp", `${os.hostname()}.${process.pid}.other.0000`);
    const elsewhere = path.join(root, "tmp", `another-host.${dead}.tool.0000`);
    [leftover, living, elsewhere].forEach((dir) => fs.mkdirSync(dir, { recursive: true }));
    await obtain();
    assert.equal(fs.existsSync(leftover), false);
    assert.equal(fs.existsSync(living), true);
    assert.equal(fs.existsSync(elsewhere), true);
  });

  test("pruning removes what is not kept", async () => {
    await obtain();
    await cache.obtain("old", key, build);
    assert.deepEqual(cache.prune(new Set([`tool/${key}`])), [`old/${key}`]);
    assert.equal(await cache.state("tool", key), "ready");
    assert.equal(await cache.state("old", key), "missing");
  });
});

suite("cache shared by processes", () => {
  let root: string;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-cache-"))));
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  /** A process that builds the piece, which takes until the file "go" is there. */
  function start() {
    const script = path.join(import.meta.dirname, "support/airgap-build.ts");
    const child = spawn(process.execPath, [script, root, key], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
    const says = async (text: string) => {
      while (!output.join("").includes(text)) {
        assert.equal(child.exitCode, null, `ended without saying "${text}": ${output.join("")}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { child, output, says };
  }

  test("the second waits for the first and says for whom", { timeout: 60_000 }, async () => {
    const first = start();
    await first.says("building");
    const second = start();
    await second.says(`waiting for ${first.child.pid}`);
    fs.writeFileSync(path.join(root, "go"), "");
    await second.says("built false");
    await first.says("built true");
    const folder = new Cache(root).folder("tool", key);
    assert.equal(fs.readFileSync(path.join(folder, "tool"), "utf8"), "whole");
  });

  test("a killed build is taken over", { timeout: 60_000 }, async () => {
    const first = start();
    await first.says("building");
    assert.equal(await new Cache(root).state("tool", key), "building");
    first.child.kill("SIGKILL");
    await once(first.child, "close");
    assert.equal(await new Cache(root).state("tool", key), "missing");
    fs.writeFileSync(path.join(root, "go"), "");
    const second = start();
    await second.says("built true");
    const folder = new Cache(root).folder("tool", key);
    assert.equal(fs.readFileSync(path.join(folder, "tool"), "utf8"), "whole");
    assert.deepEqual(fs.readdirSync(path.join(root, "tmp")), []);
  });
});

test("the cache's place follows BANKMESH_CACHE, then XDG_CACHE_HOME, then HOME", () => {
  assert.equal(cacheFolder({ BANKMESH_CACHE: "/c", XDG_CACHE_HOME: "/x", HOME: "/h" }), "/c");
  assert.equal(cacheFolder({ XDG_CACHE_HOME: "/x", HOME: "/h" }), "/x/bankmesh");
  assert.equal(cacheFolder({ HOME: "/h" }), "/h/.cache/bankmesh");
});

async function pidOfDeadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}
