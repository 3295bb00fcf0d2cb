import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, it } from "node:test";
import { execa } from "execa";
import { optionsIn } from "../../verify/mutations/options.ts";
import { unbrokenSummary } from "../../verify/mutations/report.ts";
import type { Outcome } from "../../verify/runner.ts";
import { root } from "./support/settings.ts";

describe("a run that is interrupted while the stack is broken", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "verify-interrupted-"));
  after(() => fs.rmSync(folder, { recursive: true }));
  const log = path.join(folder, "log");
  const record = path.join(folder, "record.json");
  // the first call that makes something is slow, as on a busy cluster
  fs.writeFileSync(
    path.join(folder, "kubectl"),
    `#!/bin/sh
case "$*" in
*kube-system*) echo uid;;
*" apply "*) echo made >>"${log}"; trap '' INT TERM; sleep 3; echo "made late" >>"${log}";;
*" delete "*) cat >/dev/null; echo deleted >>"${log}";;
esac
`,
    { mode: 0o755 },
  );
  const script = path.join(folder, "run.mjs");
  fs.writeFileSync(
    script,
    `import { Kubectl } from "${root}/verify/kubectl.ts";
import { Breakage } from "${root}/verify/mutations/breakage.ts";
import { installSignals } from "${root}/scripts/signals.ts";
installSignals();
const kubectl = new Kubectl("x", { PATH: "${folder}:/usr/bin:/bin" });
const added = [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "b" } }];
const mutation = { id: "weakened", reads: () => [], change: () => ({ added }) };
await new Breakage(kubectl, "${record}").make(mutation, { settings: {} });
`,
  );

  it("puts it back, after what was still making it has ended, and says so", async () => {
    const child = execa("node", [script], { reject: false });
    while (!fs.existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill("SIGINT");
    const { exitCode, stderr } = await child;
    assert.equal(exitCode, 130);
    assert.match(stderr, /putting back what was broken \(weakened\) …\nit is back/);
    assert.ok(!fs.existsSync(record));
    // longer than the slow call would have taken
    await new Promise((resolve) => setTimeout(resolve, 3500));
    assert.deepEqual(fs.readFileSync(log, "utf8").trim().split("\n"), ["made", "deleted"]);
  });
});

describe("a platform that nobody broke", () => {
  const outcome = (part: Partial<Outcome>) =>
    ({ id: "M4", item: "users", verdict: "holds", text: "", ...part }) as Outcome;

  it("is told in figures, with the rounds in which a question was red", () => {
    const red = outcome({ verdict: "inconclusive", text: "not stable" });
    const rounds = [[outcome({})], [red], [red]].map((outcomes) => ({ outcomes, seconds: 1.5 }));
    assert.equal(
      unbrokenSummary(rounds),
      "3 rounds, 3 questions, 2 red, in 5 s\n    M4 (users), round 2, 3: not stable",
    );
  });

  it("takes no options about what is broken", () => {
    assert.throws(() => optionsIn({ unbroken: "3", only: "x" }), /leave out --only/);
    assert.throws(() => optionsIn({ unbroken: "3", "all-probes": true }), /--all-probes/);
    assert.equal(optionsIn({ unbroken: "3" }).unbroken, 3);
  });
});
