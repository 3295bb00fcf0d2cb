import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { isInstalled } from "../../scripts/bootstrap/dependencies.mjs";
import { tryLock, waitForLock } from "../../scripts/bootstrap/lock.mjs";
import { isGoodNode } from "../../scripts/bootstrap/node.mjs";
import { isAlive, startTime } from "../../scripts/bootstrap/processes.mjs";
import { endSession } from "../../scripts/stack/sessions.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-unit-"));
after(() => fs.rmSync(folder, { recursive: true }));

/** The number of a process that is surely gone. */
function deadPid(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

describe("processes", () => {
  test("this one lives, and has since before now", () => {
    assert.ok(isAlive(process.pid, new Date()));
    assert.ok(Math.abs((startTime(process.pid) ?? 0) - performance.timeOrigin) < 3000);
  });

  test("one that ended is dead, and so is one whose number was given away again", () => {
    assert.ok(!isAlive(deadPid()));
    assert.ok(!isAlive(process.pid, new Date(performance.timeOrigin - 60_000)));
  });

  test("what a dead session leader left is ended", async () => {
    const script = "setInterval(() => {}, 1000)";
    const leader = spawn(
      process.execPath,
      [
        "-e",
        `require("node:child_process").spawn(process.execPath, ["-e", "${script}"]); ${script}`,
      ],
      { detached: true, stdio: "ignore" },
    );
    const gone = new Promise((resolve) => leader.on("exit", resolve));
    await new Promise((resolve) => setTimeout(resolve, 500));
    leader.kill("SIGKILL");
    await gone;
    assert.equal(await endSession(leader.pid!), process.platform === "linux" ? 1 : 0);
    assert.equal(await endSession(leader.pid!), 0);
  });

  test("a session whose number was given away, or from before the machine's start, is somebody else's", async () => {
    const other = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    try {
      assert.equal(await endSession(other.pid!, new Date()), 0);
      assert.equal(await endSession(other.pid!, new Date(0)), 0);
      assert.ok(isAlive(other.pid!));
    } finally {
      other.kill("SIGKILL");
    }
  });
});

describe("lock", () => {
  test("one has it, the other is told who", () => {
    const file = path.join(folder, "one.json");
    const got = tryLock(file, "npm start");
    assert.ok("release" in got);
    const second = tryLock(file, "npm run destroy");
    assert.ok("owner" in second);
    assert.equal(second.owner.pid, process.pid);
    assert.equal(second.owner.what, "npm start");
    got.release();
    assert.ok("release" in tryLock(file, "again"));
  });

  test("a dead process loses it; half a file is nobody's", () => {
    const file = path.join(folder, "dead.json");
    const owner = { pid: deadPid(), hostname: os.hostname(), since: new Date().toISOString() };
    fs.writeFileSync(file, JSON.stringify(owner));
    assert.ok("release" in tryLock(file, "x"));
    fs.writeFileSync(file, '{"pid":');
    assert.ok("release" in tryLock(file, "x"));
  });

  test("another machine's is left alone", () => {
    const file = path.join(folder, "other.json");
    fs.writeFileSync(file, JSON.stringify({ pid: 1, hostname: "elsewhere", since: "2026-01-01" }));
    assert.ok("owner" in tryLock(file, "x"));
  });

  test("whoever waits gets it, and says so once", async () => {
    const file = path.join(folder, "wait.json");
    const got = tryLock(file, "x");
    assert.ok("release" in got);
    setTimeout(got.release, 400);
    let told = 0;
    const release = await waitForLock(file, "y", () => told++);
    assert.equal(told, 1);
    release();
    assert.deepEqual(
      fs.readdirSync(folder).filter((f) => f.startsWith("wait")),
      [],
    );
  });
});

describe("dependencies", () => {
  const root = path.join(folder, "checkout");
  const modules = path.join(root, "node_modules");
  const lock = (version: string) =>
    JSON.stringify({ packages: { "": {}, "node_modules/a": { version } } });

  test("none, interrupted, complete, older than the lock file", () => {
    fs.mkdirSync(root);
    fs.writeFileSync(path.join(root, "package-lock.json"), lock("1.0.0"));
    assert.equal(isInstalled(root), false, "no node_modules");
    fs.mkdirSync(path.join(modules, "a"), { recursive: true });
    assert.equal(isInstalled(root), false, "npm was interrupted: it writes its own lock file last");
    fs.writeFileSync(path.join(modules, ".package-lock.json"), lock("1.0.0"));
    assert.equal(isInstalled(root), true, "the user's own npm ci");
    assert.ok(fs.existsSync(path.join(modules, ".bankmesh-stamp")));
    fs.writeFileSync(path.join(root, "package-lock.json"), lock("1.0.1"));
    assert.equal(isInstalled(root), false, "a newer lock file");
  });

  test("Node.js that runs TypeScript", () => {
    for (const good of ["22.18.0", "23.6.0", "24.0.1", "26.1.0"]) assert.ok(isGoodNode(good), good);
    for (const old of ["22.17.1", "23.5.0", "20.20.2", "18.19.0"]) assert.ok(!isGoodNode(old), old);
  });
});
