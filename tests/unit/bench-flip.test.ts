import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { holdScript, parseLine, streamScript } from "../../bench/flip/curl.ts";
import {
  type Answer,
  type Held,
  type Update,
  effectsOf,
  statesOf,
  verdictOf,
} from "../../bench/flip/judge.ts";
import { missed, report } from "../../bench/flip/report.ts";
import { edgeStreams, first, guest, meshStreams, steps, streams } from "../../bench/flip/steps.ts";
import { classify } from "../../verify/classify.ts";

const strict = { ...first, mtlsMode: "STRICT" } as const;
/** Made at 0; STRICT from 1000 to 2000; PERMISSIVE again from 9000 to 9500. */
const updates: Update[] = [
  { name: "made", state: first, begun: 0, ended: 0 },
  { name: "strict", state: strict, begun: 1000, ended: 2000 },
  { name: "permissive", state: first, begun: 9000, ended: 9500 },
];
const plaintext = meshStreams.find((s) => s.name === "plaintext to users")!;
const answer = (sent: number, got: Answer["got"], more: Partial<Answer> = {}): Answer => ({
  ...{ stream: plaintext, opened: sent, sent, ended: sent + 10, got, detail: "seen" },
  ...more,
});
const verdicts = (...answers: Answer[]) => answers.map((a) => verdictOf(a, updates));

describe("which answers are right while a stack changes", () => {
  test("before, while and after an update", () => {
    const modes = (sent: number) =>
      statesOf(answer(sent, "ok"), updates).map(({ mtlsMode }) => mtlsMode);
    assert.deepEqual(modes(500), ["PERMISSIVE"]);
    assert.deepEqual(modes(995), ["PERMISSIVE", "STRICT"]);
    assert.deepEqual(modes(1500), ["PERMISSIVE", "STRICT"]);
    assert.deepEqual(modes(2000), ["STRICT"]);
    assert.deepEqual(modes(9100), ["STRICT", "PERMISSIVE"]);
    assert.deepEqual(modes(9500), ["PERMISSIVE"]);
  });

  test("plaintext: let in before, either way meanwhile, refused after it has returned, on a new connection", () => {
    assert.deepEqual(verdicts(answer(500, "ok"), answer(500, "tls-required")), ["right", "failed"]);
    assert.deepEqual(verdicts(answer(1500, "ok"), answer(1500, "tls-required")), [
      "right",
      "right",
    ]);
    assert.deepEqual(verdicts(answer(2500, "ok"), answer(2500, "tls-required")), [
      "let in",
      "right",
    ]);
    assert.deepEqual(verdicts(answer(2500, "ok", { opened: 1900 })), ["right"]);
  });

  test("a refusal for another reason is no refusal, and what has to succeed does so all the time", () => {
    assert.deepEqual(verdicts(answer(2500, "timeout"), answer(1500, "no-upstream")), [
      "failed",
      "failed",
    ]);
    const stream = edgeStreams.kept;
    assert.deepEqual(verdicts(answer(1500, "no-upstream", { stream })), ["failed"]);
    assert.deepEqual(verdicts(answer(1500, "ok", { stream })), ["right"]);
  });

  test("a service that is gone ends with 404 and nothing else", () => {
    const there = { ...first, extra: [guest] };
    const gone: Update[] = [
      { name: "made", state: there, begun: 0, ended: 0 },
      { name: "gone", state: first, begun: 1000, ended: 2000 },
    ];
    const stream = edgeStreams.guest;
    const of = (sent: number, got: Answer["got"]) => verdictOf(answer(sent, got, { stream }), gone);
    assert.deepEqual([of(1500, "ok"), of(1500, "not-found")], ["right", "right"]);
    assert.deepEqual([of(1500, "no-upstream"), of(2500, "no-upstream")], ["failed", "failed"]);
    assert.deepEqual(
      [of(2500, "not-found"), of(2500, "ok"), of(500, "not-found")],
      ["right", "failed", "failed"],
    );
  });
});

describe("what an update did", () => {
  const held = (closed: number | undefined): Held => ({ name: "held", update: "strict", closed });
  const effect = (answers: Answer[], ...connections: Held[]) =>
    effectsOf(answers, updates, connections)[0]!;

  test("counts by the update that began last, refusals after it, and the longest life of a connection", () => {
    const all = [
      answer(500, "ok"),
      answer(1500, "ok"),
      answer(2500, "ok", { opened: 900 }),
      answer(3000, "tls-required"),
      answer(9600, "ok"),
    ];
    const { requests, failed, letIn, refused, tightens, livedOn } = effect(all, held(6000));
    assert.deepEqual([requests, failed, letIn, refused, tightens], [3, [], [], 1, true]);
    assert.equal(livedOn, 4);
    assert.equal(effect(all, held(undefined)).livedOn, Infinity);
    assert.equal(effectsOf(all, updates, [])[1]!.tightens, false);
  });

  const targets = { rate: 100, drain: 5 };
  const outcome = (answers: Answer[], connection: Held, rate = 120) => ({
    ...{ effects: effectsOf(answers, updates, [connection]), rate, targets },
  });

  test("is held against the targets, and failures are told with their offset and reason", () => {
    const good = outcome([answer(3000, "tls-required")], held(6000));
    assert.deepEqual(missed(good), []);
    assert.match(report(good), /strict +1\.0 s +1 +0 +0 +1 +4\.0 s\n/);
    assert.match(report(good), /\nall targets are met$/);

    const bad = outcome([answer(3000, "ok"), answer(3100, "timeout")], held(8100), 99);
    assert.deepEqual(missed(bad), [
      "strict: 1 requests failed",
      "strict: 1 requests were let in",
      "strict: a connection lived on for 6.1 s",
      "99 requests a second, of at least 100",
    ]);
    assert.match(
      report(bad),
      /let in \+2\.00 s after the begin of "strict" \(\+1\.00 s after its end\): plaintext to users: ok, seen/,
    );
  });

  test("proves nothing where nobody asked", () => {
    const silent = outcome([answer(1500, "ok")], held(6000));
    assert.deepEqual(missed(silent), ["strict: no request was refused, so nothing is proved"]);
  });
});

describe("the load", () => {
  test("is at least 100 requests a second, and each step changes something", () => {
    assert.ok(streams.reduce((sum, { rate }) => sum + rate, 0) >= 100);
    const states = [first, ...steps.map(({ state }) => state)];
    for (const [i, step] of steps.entries())
      assert.ok(
        step.renews === true || JSON.stringify(states[i]) !== JSON.stringify(step.state),
        step.name,
      );
    assert.equal(new Set(steps.map(({ name }) => name)).size, steps.length);
  });

  test("scripts are shell, and their lines are read back", () => {
    const url = "http://users.bank.svc.cluster.local";
    const asked = { number: 3, rate: 10, fresh: true, url };
    for (const script of [streamScript([asked]), holdScript(url, 21_000)])
      execFileSync("sh", ["-n", "-c", script]);
    const line = parseLine("3 1234.56 200 0 0.012 ");
    assert.deepEqual([line.number, line.uptime, line.seconds], [3, 1234.56, 0.012]);
    assert.equal(classify(line.evidence, false), "ok");
    const reset = parseLine("0 1.00 000 56 0.001 Recv failure: Connection reset by peer");
    assert.equal(classify(reset.evidence, false), "tls-required");
  });
});
