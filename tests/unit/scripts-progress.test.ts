import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { createReporter, duration } from "../../scripts/progress.ts";

function recorder(terminal: boolean, columns?: number) {
  const written: string[] = [];
  let time = 0;
  const out = { write: (text: string) => written.push(text), ...(columns && { columns }) };
  const reporter = createReporter({ out, terminal, heartbeat: 30_000, now: () => time });
  return { written, reporter, pass: (ms: number) => (time += ms) };
}

describe("progress", () => {
  test("without a terminal: a line for each event, no control characters", () => {
    const { written, reporter, pass } = recorder(false);
    const step = reporter.step("istiod");
    step.update("compiling");
    step.update("compiling");
    pass(61_000);
    step.done();
    step.done();
    assert.deepEqual(written, ["istiod …\n", "istiod: compiling\n", "istiod: done (1m01s)\n"]);
  });

  test("without a terminal: a sign of life every 30 s, and none after the end", () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      const { written, reporter, pass } = recorder(false);
      const step = reporter.step("envoy");
      step.update("loading");
      pass(30_000);
      mock.timers.tick(30_000);
      step.fail("no space");
      mock.timers.tick(60_000);
      assert.deepEqual(written.slice(2), [
        "envoy: loading, 30s so far\n",
        "envoy: FAILED after 30s: no space\n",
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  test("on a terminal: one line for all open steps, cut at its width", () => {
    const { written, reporter } = recorder(true, 30);
    const first = reporter.step("kubernetes");
    reporter.step("pulumi with a long name");
    const last = written.at(-1) ?? "";
    assert.match(last, /^\r\x1b\[2Kkubernetes 0\.0s · pulumi/);
    assert.equal(last.replace("\r\x1b[2K", "").length, 29);
    first.done("built");
    assert.ok(written.includes("\r\x1b[2Kkubernetes: built (0.0s)\n"));
  });

  test("durations read well", () => {
    assert.deepEqual([420, 9_990, 12_400, 59_600, 185_000].map(duration), [
      "0.4s",
      "10.0s",
      "12s",
      "60s",
      "3m05s",
    ]);
  });
});
