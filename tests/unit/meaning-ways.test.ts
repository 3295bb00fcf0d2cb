import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare, opens } from "../../meaning/compare.ts";
import { effectOf } from "../../meaning/effect.ts";
import type { Answer } from "../../meaning/evaluate/request.ts";
import { together } from "../../meaning/evaluate/ways.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { textReport } from "../../meaning/report/text.ts";
import { deployment, gatewayObjects, injected, manifest, service } from "./support/manifests.ts";

const to = (reached: string, more: Partial<Answer> = {}): Answer => ({
  ...{ verdict: "open", reason: "ok", reached, mtls: true, tokenSeen: false },
  ...more,
});
const closed: Answer = { verdict: "closed", reason: "rbac-denied" };
const unknown: Answer = { verdict: "unknown", reason: "unclear", by: "a filter" };

describe("a request with several ways", () => {
  test("reaches all that are open, by the worst of them", () => {
    const both = together([to("b", { mtls: false }), closed, to("a", { tokenSeen: true })]);
    assert.equal(both.reached, "a, b");
    assert.equal(both.mtls, false);
    assert.equal(both.tokenSeen, true);
    assert.deepEqual(together([closed, to("a")]), { ...to("a") });
    assert.equal(together([closed, unknown]).verdict, "unknown");
    assert.equal(together([to("a"), unknown]).unsure, "a filter");
  });

  for (const [what, before, after, effect] of [
    ["another container", to("a"), to("b"), "opens"],
    ["one more container", to("a"), together([to("a"), to("b")]), "opens"],
    ["one less", together([to("a"), to("b")]), to("a"), "differs"],
    [
      "mTLS lost to one of two",
      together([to("a"), to("b", { mtls: false })]),
      together([to("a", { mtls: false }), to("b", { mtls: true })]),
      "weakens",
    ],
    [
      "a token seen by the one that stays",
      together([to("a"), to("b")]),
      to("a", { tokenSeen: true }),
      "weakens",
    ],
    [
      "the same in another order",
      together([to("a"), to("b")]),
      together([to("b"), to("a")]),
      undefined,
    ],
    ["a way that cannot be judged", to("a"), together([to("a"), unknown]), "unknown"],
    ["one that opens beside it", closed, together([to("a"), unknown]), "opens"],
    ["closed", together([to("a"), to("b")]), closed, "closes"],
  ] as const)
    test(`${what}: ${effect ?? "the same"}`, () => assert.equal(effectOf(before, after), effect));
});

const gateway = manifest("Gateway", "gw", {
  selector: { istio: "ingressgateway" },
  servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["app.local"] }],
});
const base = [
  injected(),
  ...["users", "ledger"].flatMap((app) => [deployment(app), service(app)]),
  ...gatewayObjects(),
  gateway,
];
const routes = (...destinations: (readonly [host: string, weight?: number])[]) =>
  manifest("VirtualService", "vs", {
    ...{ hosts: ["app.local"], gateways: ["gw"] },
    http: [
      {
        route: destinations.map(([host, weight]) => ({
          destination: { host, port: { number: 80 } },
          ...(weight !== undefined && { weight }),
        })),
      },
    ],
  });
const between = (before: readonly Manifest[], after: readonly Manifest[]): Comparison =>
  compare(platformOf([...base, ...before]), platformOf([...base, ...after]));

describe("a route that leads elsewhere", () => {
  test("opens, and says where to", () => {
    const c = between([routes(["users"])], [routes(["ledger"])]);
    assert.equal(opens(c), true);
    assert.match(
      textReport("x", c),
      /outside, over plain HTTP → .*: GET app\.local\/.* now reaches bank\/ledger/,
    );
  });

  test("opens also by a part of its requests", () => {
    const c = between([routes(["users"])], [routes(["users", 99], ["ledger", 1])]);
    assert.ok(
      c.changes.some((x) => x.effect === "opens" && x.after.reached === "bank/ledger, bank/users"),
    );
  });

  test("opens by a Service that selects more pods than before", () => {
    const wide = manifest("Service", "users", {
      selector: { team: "one" },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    });
    const teams = (...apps: string[]) =>
      ["users", "ledger"].map((app) =>
        deployment(app, { labels: apps.includes(app) ? { team: "one" } : {} }),
      );
    const without = base.filter((o) => o.kind !== "Deployment" || o.metadata.namespace !== "bank");
    const plain = without.filter((o) => o.metadata.name !== "users");
    const [before, after] = [teams("users"), teams("users", "ledger")].map((pods) =>
      platformOf([...plain, ...pods, wide, routes(["users"])]),
    );
    const c = compare(before!, after!);
    assert.ok(c.changes.some((x) => x.after.reached === "bank/ledger, bank/users"));
    assert.equal(opens(c), true);
  });
});
