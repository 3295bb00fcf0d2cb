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
