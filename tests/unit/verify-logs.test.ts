import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stackGateway } from "../../policies/gateway.ts";
import { userAgent } from "../../verify/access-log.ts";
import { decisionOf, graphQuestions } from "../../verify/calls.ts";
import type { Kubectl } from "../../verify/kubectl.ts";
import type { Expectation } from "../../verify/probe.ts";
import { allProbes } from "../../verify/probes/index.ts";
import type { Outcome } from "../../verify/runner.ts";
import { attachAccessLogs } from "../../verify/server-logs.ts";
import { settings } from "./support/settings.ts";

const s = settings({
  authorization: "dry-run",
  mtlsMode: "STRICT",
  services: [
    {
      name: "payments",
      allowFrom: [{ gateway: true }],
      denyFrom: [{ headers: { "x-blocked": "yes" }, version: "v1" }],
    },
  ],
});
/** A service that speaks bytes alone. */
const bytes = settings({
  authorization: "dry-run",
  mtlsMode: "STRICT",
  services: [
    { name: "payments" },
    {
      name: "ledger",
      ports: [{ port: 9000, targetPort: 9001, protocol: "tcp" }],
      allowFrom: [{ service: "payments" }],
    },
  ],
});
const probe = allProbes.find((p) => p.id === "A-graph")!;
const identities = { caller: "-", gateway: "-", service: () => "-", client: () => "-" };
const at = "2026-11-22T00:00:00.000Z";

/** What is judged of a request from outside whose two proxies wrote these results of the rules. */
async function judged(expected: Expectation, results: Readonly<Record<string, object>>) {
  const requestId = "one";
  const kubectl = {
    run: (args: readonly string[]) => {
      const app = args.find((a) => a.startsWith("--selector="))!.slice("--selector=app=".length);
      const line = { start_time: at, user_agent: userAgent(requestId), rbac: results[app] };
      return Promise.resolve(JSON.stringify(line));
    },
  } as unknown as Kubectl;
  const outcome = {
    ...{ expected, verdict: "holds", text: "answered", probe: probe },
    request: { from: "host", to: "https", host: "app.local", path: "/payments" },
    evidence: { at, seconds: 0.1, status: 200, requestId, body: "", message: "" },
  } as unknown as Outcome;
  const target = { settings: s, podAddresses: {} };
  const [seen] = await attachAccessLogs(kubectl, [outcome], target, at, {
    gateway: stackGateway,
    identities,
  });
  return seen!;
}

describe("what a dry run would have done", () => {
  const shadow = (action: "allow" | "deny", result: "allowed" | "denied") => ({
    [`istio_dry_run_${action}_shadow_engine_result`]: result,
  });
  const refusedInside = [...graphQuestions(s)].filter(([, { call, decision }]) => {
    return call.from.kind === "outside" && !decision.allowed && decision.at === "service";
  });

  it("is asked of the service's own proxy where the gateway lets the call in", () => {
    assert.ok(refusedInside.length > 0);
    for (const [item, { call }] of refusedInside) {
      assert.equal(decisionOf(s, call).allowed, false);
      const expected = probe.expect(s, item);
      assert.deepEqual([expected.wouldBe, expected.wouldBeBy], ["denied", "payments"], item);
    }
  });

  it("is read of bytes that are handed on from the line of their port", async () => {
    const requests = {
      from: "mesh",
      opaque: true,
      url: "http://ledger.bank.svc.cluster.local:9000/",
    };
    const line = (port: number, result: "allowed" | "denied") => ({
      ...{ start_time: at, response_code: 0, upstream_cluster: `inbound|${port}||;` },
      ...{ rbac: null, rbac_network: shadow("allow", result) },
    });
    const log = [
      line(9100, "allowed"),
      // another one who asked in the same moment
      { ...line(9001, "allowed"), downstream_peer_uri_san: "spiffe://somebody-else" },
      { ...line(9001, "denied"), downstream_peer_uri_san: identities.caller },
      line(9200, "allowed"),
    ];
    const outcome = {
      ...{ expected: { reason: "ok", wouldBe: "denied" }, verdict: "holds", text: "answered" },
      ...{ request: requests, probe },
      evidence: { at, seconds: 0.1, status: 200, requestId: "one", body: "", message: "" },
    } as unknown as Outcome;
    const target = { settings: bytes, podAddresses: {} };
    const kubectl = { run: () => Promise.resolve(log.map((l) => JSON.stringify(l)).join("\n")) };
    const readers = { gateway: stackGateway, identities };
    const ask = (of: object) =>
      attachAccessLogs(kubectl as unknown as Kubectl, [of as Outcome], target, at, readers);
    const [seen] = await ask(outcome);
    assert.deepEqual([seen!.verdict, seen!.text], ["holds", "answered, and would be denied"]);
    const [wrong] = await ask({ ...outcome, expected: { reason: "ok", wouldBe: "allowed" } });
    assert.deepEqual([wrong!.verdict, wrong!.text], ["fails", "the rules would have denied it"]);
  });

  it("is expected of each call to a TCP port", () => {
    const expected = [...graphQuestions(bytes).keys()].map((item) => probe.expect(bytes, item));
    const would = (be: string) => expected.filter(({ wouldBe }) => wouldBe === be).length;
    assert.ok(would("allowed") > 0 && would("denied") > 0, JSON.stringify(expected));
  });

  it("is read from that proxy's log, not from the gateway's", async () => {
    const expected = { reason: "ok", wouldBe: "denied", wouldBeBy: "payments" } as const;
    const [open, closed] = [shadow("allow", "allowed"), shadow("deny", "denied")];
    const right = await judged(expected, { "istio-ingressgateway": open, payments: closed });
    assert.deepEqual([right.verdict, right.text], ["holds", "answered, and would be denied"]);
    const wrong = await judged(expected, { "istio-ingressgateway": closed, payments: open });
    assert.equal(wrong.verdict, "fails");
    const { wouldBeBy, ...edge } = expected;
    assert.equal(wouldBeBy, "payments");
    const first = await judged(edge, { "istio-ingressgateway": closed, payments: open });
    assert.equal(first.verdict, "holds");
  });
});
