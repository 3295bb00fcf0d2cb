import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { UserError } from "../../scripts/errors.ts";
import type { Evidence } from "../../verify/evidence.ts";
import { formatsIn, writeReports } from "../../verify/reports/files.ts";
import { html } from "../../verify/reports/html.ts";
import { json } from "../../verify/reports/json.ts";
import { junit } from "../../verify/reports/junit.ts";
import { markdown } from "../../verify/reports/markdown.ts";
import { matrixOf } from "../../verify/reports/matrix.ts";
import { evidenceText } from "../../verify/reports/terminal.ts";
import { linesOf, verdictOf } from "../../verify/reports/report.ts";
import { call, failing, outcome, report, unclear } from "./support/reports.ts";

describe("reports", () => {
  test("the worst verdict counts, and nothing asked proves nothing", () => {
    assert.equal(verdictOf([outcome()]), "holds");
    assert.equal(verdictOf([outcome(), unclear]), "inconclusive");
    assert.equal(verdictOf([unclear, failing]), "fails");
    assert.equal(verdictOf([]), "inconclusive");
  });

  test("where manifests say something else, no report says that all holds", () => {
    const one = { id: "M4", item: "users", manifests: "ok", traffic: "tls-required", by: "x" };
    const agreement = { compared: 1, apart: [one], unjudged: [{ ...one, manifests: undefined }] };
    const apart = { ...report([outcome()]), agreement };
    const agrees = { ...apart, agreement: { compared: 1, apart: [], unjudged: [] } };
    const headline = (text: string) => /<h1>(.*?)<\/h1>/.exec(text)![1];
    assert.match(headline(html(agrees))!, /^Holds/);
    assert.match(headline(html(apart))!, /^Inconclusive/);
    assert.match(markdown(agrees), /^# Stack `dev`: holds/);
    assert.match(markdown(apart), /^# Stack `dev`: INCONCLUSIVE/);
    assert.match(json(apart), /"verdict": "inconclusive"/);
    assert.match(junit(agrees), /tests="1" failures="0" errors="0"/);
    assert.match(junit(apart), /tests="3" failures="0" errors="2"/);
    assert.match(
      junit(apart),
      /<testsuite name="manifests" tests="2" .*?M4 users: ok by the manifests \(x\), tls-required by traffic/s,
    );
  });

  test("what a terminal would obey is not printed", () => {
    const obeyed = evidenceText({
      ...{ at: "", seconds: 0, body: "", message: "a\u001b[1A\u001b[2Kb\u009b2K\nc" },
    });
    assert.equal(obeyed, "no HTTP answer, a\ufffd[1A\ufffd[2Kb\ufffd2K c");
  });

  test("groups are one line while they hold", () => {
    const wrong = call("users", "ok", { verdict: "fails" });
    const all = [call("users", "ok"), call("users", "rbac-denied"), wrong, call("ledger", "ok")];
    assert.deepEqual(
      linesOf(all).map((line) => [line.about, line.outcomes.length]),
      [
        ["calls to users", 2],
        ["orders to users ok", 1],
        ["orders to ledger ok", 1],
      ],
    );
  });

  test("JSON has verdict, counts and the evidence of each probe", () => {
    const { verdict, counts, probes, certificates } = JSON.parse(
      json(report([outcome(), failing])),
    ) as Record<string, unknown> & {
      probes: { area: string; request: string; got: Evidence; control: Evidence }[];
    };
    assert.equal(verdict, "fails");
    assert.deepEqual(counts, { holds: 1, fails: 1, inconclusive: 0 });
    assert.deepEqual(certificates, [
      { name: "server", subject: "", notAfter: "2026-12-24T00:00:00Z", daysLeft: 31 },
    ]);
    const [first] = probes;
    assert.equal(first?.area, "mesh mTLS");
    assert.equal(first?.got.exitCode, 56);
    assert.equal(first?.control.status, 200);
    assert.match(first.request, /^a pod without a sidecar: GET http:\/\/users/);
  });

  test("JUnit: a case a question, failures and errors with their evidence, well-formed", () => {
    const xml = junit(report([outcome(), failing, unclear]));
    assert.match(
      xml,
      /<testsuites name="bankmesh dev" tests="3" failures="1" errors="1" time="12.300">/,
    );
    assert.match(xml, /<testsuite name="mesh mTLS" tests="2" failures="1" errors="0"/);
    assert.match(
      xml,
      /<failure message="expected tls-required, but it was let in" type="ok">expected:/,
    );
    assert.match(xml, /<error message="refused with \*"/);
    assert.match(xml, /Is plaintext &lt;refused&gt;\?/);
    const stripped = xml.replaceAll(/<[^<>]*>/g, "");
    assert.doesNotMatch(stripped, /[<>\u0001]/);
    const names = [...xml.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)].filter((m) => !m[3]);
    const open: string[] = [];
    for (const [, end, name] of names)
      if (end) assert.equal(open.pop(), name);
      else open.push(name!);
    assert.deepEqual(open, []);
  });

  test("Markdown: verdict first, what does not hold before the rest, no text that breaks out", () => {
    const text = markdown(report([outcome(), unclear]));
    assert.match(text, /^# Stack `dev`: INCONCLUSIVE, which is not a pass\n/);
    assert.ok(text.indexOf("## What does not hold") < text.indexOf("## Every probe"));
    assert.match(text, /\| P1 \| \/a\\\|b \| inconclusive \|/);
    assert.match(text, /not asked: &lt;this\\>/);
    assert.doesNotMatch(markdown(report([outcome()])), /What does not hold/);
  });

  test("HTML: one file, nothing from elsewhere, what came from outside is text", () => {
    const page = html(report([outcome(), failing]));
    assert.match(page, /<h1>Fails: /);
    assert.doesNotMatch(page, /<script|<link|<img|src=|url\(|@import/);
    assert.match(page, /&lt;script&gt;alert\(1\)/);
    assert.ok(page.indexOf("What does not hold") < page.indexOf("Who got what"));
    assert.match(page, /<td>31 days<\/td>|>31 days</);
  });

  test("the matrix counts what was answered and refused, by caller and service", () => {
    const r = report([]);
    const outside = outcome({
      ...{ id: "E1", got: "ok" },
      request: { from: "host", to: "https", host: "app.local", path: "/users/1?x" },
    });
    const elsewhere = outcome({
      request: { from: "host", to: "https", host: "other.local", path: "/users" },
    });
    const all = [outcome(), call("users", "ok"), call("users", "rbac-denied"), outside, elsewhere];
    const wrong = call("ledger", "ok", { verdict: "fails" });
    const { callers, services, cell } = matrixOf([...all, wrong], r.platform);
    assert.deepEqual(callers, ["outside", "without a sidecar", "orders"]);
    assert.deepEqual(services, ["users", "ledger"]);
    assert.deepEqual(cell("orders", "users"), {
      answered: 1,
      refused: { "rbac-denied": 1 },
      wrong: 0,
    });
    assert.deepEqual(cell("outside", "users"), { answered: 1, refused: {}, wrong: 0 });
    assert.deepEqual(cell("orders", "ledger"), { answered: 1, refused: {}, wrong: 1 });
    assert.equal(cell("outside", "ledger"), undefined);
  });

  test("formats are named, each once, and a wrong one is refused with those that there are", () => {
    assert.deepEqual(formatsIn("html, json,html"), ["html", "json"]);
    assert.deepEqual(formatsIn(undefined), []);
    assert.throws(
      () => formatsIn("html,pdf"),
      (e) => e instanceof UserError && /"pdf".*json, junit, markdown, html/.test(e.message),
    );
  });

  test("files are written where they are wanted", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "reports-"));
    try {
      const to = path.join(folder, "deep");
      const files = await writeReports(report([outcome()]), ["json", "junit"], to);
      assert.deepEqual(files.map((f) => path.basename(f)).sort(), ["dev.json", "dev.junit.xml"]);
      assert.deepEqual(fs.readdirSync(to).sort(), ["dev.json", "dev.junit.xml"]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
