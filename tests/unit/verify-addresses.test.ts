import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { parseSettings } from "../../settings/index.ts";
import { type GraphQuestion, decisionOf, graphQuestions, textOf } from "../../verify/calls.ts";
import { graphRows } from "../../verify/probes/graph-rows.ts";
import { root, settings } from "./support/settings.ts";

/** The stack of an example. */
function example(name: string) {
  const file = path.join(root, `examples/${name}/Pulumi.${name}.yaml`);
  const { config } = parse(fs.readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const values = Object.entries(config).map(([key, v]) => [key.replace("bankmesh:", ""), v]);
  const { settings: read, problems } = parseSettings(name, Object.fromEntries(values), {});
  assert.deepEqual(problems, []);
  return read!;
}

describe("a service whose callers are named by their addresses", () => {
  const s = example("production");
  const named = s.services.filter((x) => x.allowFrom?.some((rule) => rule.remoteIpBlocks));
  const all = [...graphQuestions(s).values()];
  const inside = (questions: readonly GraphQuestion[]) =>
    questions.filter(({ call }) => call.from.kind !== "outside");

  it("is asked past the gateway, by workloads of the mesh that no rule lets in", () => {
    assert.ok(named.length > 0);
    for (const { name } of named) {
      const asked = inside(all.filter(({ call }) => call.service === name));
      const kinds = new Set(asked.map(({ call }) => call.from.kind));
      assert.ok(kinds.has("service") && kinds.has("workload"), [...kinds].join());
      for (const { call, decision } of asked) {
        assert.equal(call.clientAddress, undefined, textOf(call));
        assert.deepEqual(decision, decisionOf(s, call));
        assert.ok(!decision.allowed && decision.at === "service", textOf(call));
      }
    }
  });

  it("has the same call by the gateway as the control, at an address that it lets in", () => {
    for (const question of inside(
      all.filter((q) => named.some((x) => x.name === q.call.service)),
    )) {
      const { call, control } = question;
      assert.ok(control, textOf(call));
      const { clientAddress, from, ...same } = control.call;
      const { from: caller, ...asked } = call;
      assert.deepEqual(same, asked);
      assert.notDeepEqual(from, caller);
      assert.ok(from.kind === "outside" && clientAddress !== undefined);
      assert.ok(decisionOf(s, control.call).allowed);
      if (call.token && call.from.kind !== "plaintext")
        assert.deepEqual(graphRows(s, question), ["A10"]);
    }
  });

  it("and the address still counts between two calls from outside", () => {
    const refused = all.filter(
      ({ call, decision, control }) =>
        call.from.kind === "outside" &&
        !decision.allowed &&
        control?.call.clientAddress !== call.clientAddress,
    );
    assert.ok(refused.length > 0);
    for (const { call, control } of refused) {
      assert.match(control!.differs, /^address: /);
      assert.deepEqual({ ...call, clientAddress: "" }, { ...control!.call, clientAddress: "" });
    }
  });

  it("is called from outside at an address that is known, beside a caller that has none", () => {
    const rule = { gateway: true, methods: ["GET"], remoteIpBlocks: ["203.0.113.0/24"] };
    const own = settings({
      ...{ authorization: "enforce", trustedProxies: 1 },
      services: [
        { name: "users", allowFrom: [rule, { service: "orders", methods: ["POST"] }] },
        { name: "orders", allowFrom: [{ gateway: true }] },
      ],
    });
    const outside = [...graphQuestions(own).values()].filter((q) => q.call.from.kind === "outside");
    assert.ok(outside.some(({ call }) => call.service === "users" && call.method === "POST"));
    for (const { call } of outside) assert.ok(call.clientAddress, textOf(call));
  });
});
