import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare, judged } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import {
  deployment,
  gatewayObjects,
  injected,
  manifest,
  service,
  usersRoute,
} from "./support/manifests.ts";

const base = [injected(), deployment("orders"), service("orders")];

/** What cannot be judged. */
function blind(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const c = compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
  assert.equal(judged(c), c.blind.length === 0);
  return c.blind.map((b) => `${b.object} ${b.text}`);
}

describe("kinds that nobody knows", () => {
  const template = deployment("users").spec as { template: object };
  const of = (kind: string, spec: object) =>
    manifest(kind, "users", spec, { apiVersion: "example.com/v1" });
  const named = (kind: string) => [
    `${kind} bank/users a ${kind} makes pods, and what they are like is not read here`,
  ];

  test("are named where they make pods, also where they stay as they are", () => {
    const rollout = of("Rollout", template);
    assert.deepEqual(blind([rollout], [rollout]), named("Rollout"));
    const later = of("Later", { jobTemplate: { spec: template } });
    assert.deepEqual(blind([], [later]), named("Later"));
  });

  test("are none's affair where they make none", () => {
    const other = of("Certificate", { template: { metadata: {} }, secretName: "x" });
    assert.deepEqual(blind([], [other]), []);
    // what is known is judged
    assert.deepEqual(blind([deployment("users")], [deployment("users")]), []);
  });

  test("leave other pods of the namespace to be judged", () => {
    const rollout = of("Rollout", template);
    const deny = manifest("AuthorizationPolicy", "nobody", {});
    const c = compare(platformOf([...base, rollout, deny]), platformOf([...base, rollout]));
    assert.ok(c.changes.some((x) => x.effect === "opens" && x.about.startsWith("bank/orders")));
    assert.deepEqual(c.notJudged, []);
  });
});

describe("pods of a kind that nobody knows, behind a Service", () => {
  const spec = deployment("users").spec as { template: { metadata?: object } };
  const rollout = manifest("Rollout", "users", spec, { apiVersion: "example.com/v1" });
  const gateway = [...gatewayObjects(), ...usersRoute()];

  test("answer nobody knows what, where the known ones have gone", () => {
    const before = [...base, ...gateway, service("users"), deployment("users")];
    const after = [...base, ...gateway, service("users"), rollout];
    const gone = [...base, ...gateway, service("users")];
    const closings = (to: readonly Manifest[]) =>
      compare(platformOf(before), platformOf(to)).changes.filter(
        (c) => c.effect === "closes" && /has no pods/.test(JSON.stringify(c)),
      ).length;
    assert.ok(closings(gone) > 0);
    assert.equal(closings(after), 0);
  });

  test("blind nobody else, whatever labels they have", () => {
    const bare = manifest(
      "Later",
      "x",
      { template: { spec: (spec.template as { spec?: object }).spec } },
      { apiVersion: "example.com/v1" },
    );
    const c = compare(platformOf([...base, bare]), platformOf([...base, bare]));
    assert.deepEqual(c.notJudged, []);
    assert.ok(c.unchanged > 0);
  });
});

describe("policies of networks", () => {
  const of = (kind: string, spec: object) =>
    manifest(kind, "x", spec, { apiVersion: "example.com/v1" });

  for (const kind of ["CiliumNetworkPolicy", "AdminNetworkPolicy", "GlobalNetworkPolicy"])
    test(`${kind} is named where it changes, and not where it stays`, () => {
      const [old, young] = [of(kind, { a: 1 }), of(kind, { a: 2 })];
      const said = (what: string) => [
        `${kind} bank/x is ${what}, and what it does is not read here`,
      ];
      assert.deepEqual(blind([old], [young]), said("changed"));
      assert.deepEqual(blind([old], []), said("gone"));
      assert.deepEqual(blind([], [young]), said("new"));
      assert.deepEqual(blind([old], [old]), []);
    });

  test("two of one name by different makers are two", () => {
    const [one, other] = [
      of("NetworkPolicy", { a: 1 }),
      manifest("NetworkPolicy", "x", { a: 1 }, { apiVersion: "networking.k8s.io/v1" }),
    ];
    assert.equal(blind([one, other], [other]).length, 1);
    assert.equal(blind([other, one], [one]).length, 1);
  });
});
