import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { agreementLines, compare } from "../../verify/agreement.ts";
import type { ProbeTarget } from "../../verify/probe.ts";
import { probesFor } from "../../verify/probes/index.ts";
import type { Outcome } from "../../verify/runner.ts";
import { stackObjects } from "./support/manifests.ts";
import { settings } from "./support/settings.ts";

const s = settings({
  ...{ mtlsMode: "STRICT", authorization: "enforce" },
  services: [
    { name: "users", allowFrom: [{ gateway: true, methods: ["GET"] }, { service: "orders" }] },
    { name: "orders", allowFrom: [{ gateway: true }] },
  ],
});
const target: ProbeTarget = {
  settings: s,
  podAddresses: { users: "10.0.0.1", orders: "10.0.0.2" },
  callerHost: "curl-1.bank.svc.cluster.local",
  twin: { service: "users", namespace: "verify-1", podAddress: "10.0.1.1" },
};
/** Every question, with the answer that traffic should give. */
const outcomes = probesFor(s).flatMap((probe) =>
  (probe.each?.(s) ?? [""]).map((item) => {
    const [request, got] = [probe.send(target, item), probe.expect(s, item).reason];
    return { id: probe.id, item, request, got } as Outcome;
  }),
);

describe("manifests beside traffic", () => {
  test("agree on what both decide; tools are asked of neither", async () => {
    const { compared, apart, unjudged } = compare(await stackObjects(s), outcomes, target);
    assert.deepEqual([apart, unjudged], [[], []]);
    assert.ok(compared > 20 && compared < outcomes.length, String(compared));
    assert.deepEqual(agreementLines({ compared: 7, apart: [], unjudged: [] }), [
      "manifests and traffic agree in 7 of 7 questions that manifests decide",
    ]);
  });

  test("and a policy that traffic knows nothing of is named", async () => {
    const objects = structuredClone(await stackObjects(s));
    const rules = objects.find((o) => o.metadata.name === "allow-users")!.spec as {
      rules: unknown[];
    };
    rules.rules = [];
    const agreement = compare(objects, outcomes, target);
    const one = agreement.apart.find((a) => a.id === "A-graph" && a.traffic === "ok");
    assert.equal(one?.manifests, "rbac-denied");
    assert.match(
      agreementLines(agreement).join("\n"),
      /\n {2}A-graph orders to users: .*: rbac-denied by the manifests \(.*\), ok by traffic/,
    );
  });
});
