import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { GoCount, goModules } from "../../scripts/testing/go-tests.ts";
import { readCounts, runNodeTests } from "../../scripts/testing/node-tests.ts";
import { judged, lastLine, report } from "../../scripts/testing/tally.ts";

describe("tally", () => {
  test("the last line sums all parts", () => {
    const parts = [
      judged("unit", { passed: 10, failed: 0, skipped: 1 }, 12.34, 60),
      judged("e2e", { passed: 3, failed: 2, skipped: 0 }, 900, 2000),
    ];
    assert.equal(report(parts).split("\n").at(-1), "13 passed, 2 failed");
    assert.match(report(parts), /unit\s+12\.3\s+60\s+10\s+0\s+1/);
    assert.equal(lastLine({ passed: 1, failed: 0, skipped: 0 }), "1 passed, 0 failed");
  });

  test("a part in which nothing ran is a failure", () => {
    assert.equal(judged("go", { passed: 0, failed: 0, skipped: 4 }, 1, 1).failed, 1);
  });

  test("a runner that fell over is a failure", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-unit-"));
    const file = path.join(folder, "counts.json");
    assert.equal(readCounts(file, 0).failed, 1);
    fs.writeFileSync(file, '{"passed":2,"failed":0,"skipped":0}');
    assert.deepEqual(readCounts(file, 0), { passed: 2, failed: 0, skipped: 0 });
    assert.equal(readCounts(file, 7).failed, 1);
    fs.rmSync(folder, { recursive: true });
  });

  test("Go: leaves count, a failure shows its output", () => {
    const count = new GoCount();
    const shown: (string | undefined)[] = [];
    const of = (Test: string, Action: string, Output?: string) =>
      shown.push(count.take({ Package: "p", Test, Action, ...(Output && { Output }) }));
    of("TestA/one", "pass");
    of("TestA/two", "output", "got 1, want 2\n");
    of("TestA/two", "fail");
    of("TestA", "fail");
    of("TestB", "skip");
    of("TestC", "output", "chatter\n");
    of("TestC", "pass");
    shown.push(count.take({ Package: "p", Action: "fail" }));
    assert.deepEqual(count.tally(), { passed: 2, failed: 1, skipped: 1 });
    assert.deepEqual(shown.filter(Boolean), ["got 1, want 2\n"]);
  });

  test("Go: our modules are found, the pins of tools are not tested", () => {
    const names = goModules().map((m) => path.basename(m));
    assert.ok(names.includes("plugins") && names.includes("language-host"));
    assert.ok(!goModules().some((m) => m.includes(`${path.sep}tools${path.sep}`)));
  });

  test("node:test: passes, failures, skips; suites and failing parents are not counted", async (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-unit-"));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const file = path.join(folder, "sample.test.js");
    fs.writeFileSync(
      file,
      `const { describe, test } = require("node:test");
       describe("suite", () => { test("good", () => {}); test("skipped", { skip: true }, () => {}); });
       test("parent", async (t) => { await t.test("bad", () => { throw new Error("x"); }); });
       test("todo", { todo: true }, () => { throw new Error("later"); });`,
    );
    const quiet = { concurrency: 1, timeout: 20_000, output: "ignore" } as const;
    const tally = await runNodeTests([file], process.env, quiet);
    assert.deepEqual(tally, { passed: 1, failed: 1, skipped: 1 });
  });
});
