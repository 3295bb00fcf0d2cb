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

const door = { namespace: "istio-system" };
const ofDoor = { selector: { matchLabels: { istio: "ingressgateway" } } };
const ofUsers = { selector: { matchLabels: { app: "users" } } };
const jwtRules = [{ issuer: "https://a", jwks: "{}" }];
const base = [
  ...["users", "orders", "payments"].flatMap((app) => [deployment(app), service(app)]),
  ...[injected(), ...gatewayObjects()],
  manifest("RequestAuthentication", "tokens", { ...ofUsers, jwtRules }),
  manifest("RequestAuthentication", "tokens", { ...ofDoor, jwtRules }, door),
  ...usersRoute(),
];
const inside = (name: string, action: string, ...rules: object[]) =>
  manifest("AuthorizationPolicy", name, { ...ofUsers, action, rules });
const atDoor = (name: string, action: string, ...rules: object[]) =>
  manifest("AuthorizationPolicy", name, { ...ofDoor, action, rules }, door);

/** What opened, as lines; everything has an answer. */
function opened(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const c = compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
  assert.equal(judged(c), true);
  return c.changes.filter((x) => x.effect === "opens").map((x) => `${x.who}: ${x.what}`);
}
const some = (lines: readonly string[], part: RegExp) =>
  assert.ok(
    lines.some((l) => part.test(l)),
    lines.join("\n") || "nothing opened",
  );

const from = (...accounts: string[]) => ({
  from: [{ source: { principals: accounts.map((a) => `cluster.local/ns/bank/sa/${a}-sa`) } }],
});
const to = (operation: object) => ({ to: [{ operation }] });
const withoutToken = { from: [{ source: { notRequestPrincipals: ["*"] } }] };
const admin = to({ paths: ["/admin", "/admin/*"] });

describe("a changed rule that another one decides the same requests as", () => {
  test("a caller more, beside a rule that lets everybody read", () => {
    const read = to({ methods: ["GET"], paths: ["/*"] });
    const rules = (...who: string[]) =>
      inside("users", "ALLOW", read, { ...from(...who), ...to({ paths: ["/*"] }) });
    const lines = opened([rules("payments")], [rules("payments", "orders")]);
    some(lines, /^bank\/orders: POST /);
    // reading was open to everybody
    assert.ok(!lines.some((l) => /: GET /.test(l)), lines.join("\n"));
  });

  test("a path that is refused no more, beside a rule that refuses whoever has no token", () => {
    const both = [inside("token", "DENY", withoutToken), inside("admin", "DENY", admin)];
    some(opened(both, both.slice(0, 1)), /GET \/admin, token of https:\/\/a/);
    assert.deepEqual(opened(both.slice(0, 1), both), []);
  });

  test("a caller for whom nothing is kept back, beside a rule that keeps a path from all", () => {
    const most = to({ notPaths: ["/admin", "/admin/*"] });
    const lines = opened(
      [inside("users", "ALLOW", most)],
      [inside("users", "ALLOW", most), inside("more", "ALLOW", from("payments"))],
    );
    some(lines, /^bank\/payments: GET \/admin/);
    assert.ok(!lines.some((l) => /^bank\/orders/.test(l)), lines.join("\n"));
  });

  test("the same at a gateway", () => {
    const both = [atDoor("token", "DENY", withoutToken), atDoor("admin", "DENY", admin)];
    some(opened(both, both.slice(0, 1)), /GET app.local\/admin, token of https:\/\/a/);
    assert.deepEqual(opened(both.slice(0, 1), both), []);
    const rules = (...requestPrincipals: string[]) =>
      atDoor("door", "ALLOW", to({ methods: ["GET"], paths: ["/*"] }), {
        ...to({ paths: ["/*"] }),
        from: [{ source: { requestPrincipals } }],
      });
    some(opened([rules("https://a/ann")], [rules("https://a/ann", "https://a/joe")]), /POST .*joe/);
  });

  test("nothing more is asked where all is new", () => {
    const policies = [atDoor("token", "DENY", withoutToken), atDoor("admin", "DENY", admin)];
    const after = platformOf([...base, ...policies]);
    const [fresh, same] = [platformOf([]), after].map((before) => compare(before, after));
    assert.equal(fresh!.leftOut, 0);
    assert.equal(fresh!.asked, same!.asked);
  });
});
