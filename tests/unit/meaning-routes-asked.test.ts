import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare, judged, opens } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { textsOf } from "../../meaning/witnesses/samples.ts";
import { deployment, gatewayObjects, injected, manifest, service } from "./support/manifests.ts";

const apps = ["users", "ledger"].flatMap((app) => [deployment(app), service(app)]);
const gateway = manifest("Gateway", "gw", {
  selector: { istio: "ingressgateway" },
  servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*.local"] }],
});
const base = [injected(), ...apps, ...gatewayObjects(), gateway];
const to = (host: string) => ({ route: [{ destination: { host, port: { number: 80 } } }] });
const led = (host: string, ...match: object[]) => ({ match, ...to(host) });
const routes = (hosts: string[], ...http: object[]) =>
  manifest("VirtualService", "vs", { hosts, gateways: ["gw"], http });
const app = (...http: object[]) => routes(["app.local"], ...http);

function between(before: readonly Manifest[], after: readonly Manifest[]): Comparison {
  return compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
}
/** What reaches the ledger that did not. */
const ledger = (c: Comparison) =>
  c.changes.filter((x) => x.after.reached === "bank/ledger").map((x) => x.what);

describe("a route that comes first, and by what it chooses", () => {
  const users = { uri: { exact: "/users" } };
  for (const [what, match, asked] of [
    ["a parameter", { ...users, queryParams: { debug: { exact: "1" } } }, "/users?debug=1"],
    ["a parameter's begin", { queryParams: { a: { prefix: "x" } } }, "/?a=x1"],
    ["a parameter that is there", { ...users, queryParams: { a: {} } }, "/users?a=any"],
    ["methods by an expression", { method: { regex: "PATCH|PURGE" } }, "PURGE "],
    ["methods by their begin", { method: { prefix: "PA" } }, "PATCH "],
    ["paths in capitals", { uri: { prefix: "/users" }, ignoreUriCase: true }, "/USERS1"],
    ["one of several paths", { uri: { regex: "/(a|users|b)/[0-9]{2}" } }, "/users/11"],
    ["a header by an expression", { headers: { "X-Kind": { regex: "a|b" } } }, "x-kind: b"],
    ["a header's begin", { headers: { "x-kind": { prefix: "a" } } }, "x-kind: a1"],
  ] as const)
    test(what, () => {
      const rest = led("users", { uri: { prefix: "/users" } });
      const all = [rest, led("users", { headers: { "x-kind": { exact: "a" } } }), to("users")];
      const c = between([app(...all)], [app(led("ledger", match), ...all)]);
      assert.ok(
        ledger(c).some((w) => w.includes(asked)),
        ledger(c).join("\n") || "nothing",
      );
      assert.equal(judged(c), true);
    });

  test("a name among others that the same host has", () => {
    const rest = to("users");
    const admin = led("ledger", { authority: { exact: "admin.local" } });
    const c = between([routes(["*.local"], rest)], [routes(["*.local"], admin, rest)]);
    assert.ok(ledger(c).some((w) => w.includes("GET admin.local/")));
    const begin = led("ledger", { authority: { prefix: "admin." } });
    const longer = between([routes(["*.local"], rest)], [routes(["*.local"], begin, rest)]);
    assert.ok(ledger(longer).some((w) => w.includes("GET admin.1.local/")));
  });

  test("a header that is not there: who brings it goes elsewhere", () => {
    const all = (more: object) => [led("users", { uri: { prefix: "/" }, ...more }), to("ledger")];
    const without = { withoutHeaders: { "x-inside": { exact: "1" } } };
    const c = between([app(...all({}))], [app(...all(without))]);
    assert.ok(ledger(c).some((w) => w.includes("x-inside: 1")));
  });

  test("a rule's own request keeps what leads it to the route", () => {
    const rule = { to: [{ operation: { paths: ["/users*"] } }] };
    const header = { when: [{ key: "request.headers[x-key]", values: ["k"] }] };
    const atLedger = manifest("AuthorizationPolicy", "ledger", {
      selector: { matchLabels: { app: "ledger" } },
      rules: [{ ...rule, ...header }],
    });
    const match = { uri: { prefix: "/users" }, queryParams: { debug: { exact: "1" } } };
    const first = led("ledger", { ...match, headers: { "x-kind": { exact: "a" } } });
    const c = between([atLedger, app(to("users"))], [atLedger, app(first, to("users"))]);
    assert.ok(
      ledger(c).some((w) => /\/users1\?debug=1, x-kind: a, x-key: k$/.test(w)),
      ledger(c).join("\n"),
    );
    assert.ok(opens(c));
  });
});

describe("rules of the gateway that name paths", () => {
  const token = { from: [{ source: { requestPrincipals: ["https://i/*"] } }] };
  const paths = (...all: string[]) => ({ to: [{ operation: { paths: all } }] });
  const atGateway = (...all: object[]) =>
    manifest(
      "AuthorizationPolicy",
      "gw",
      { selector: { matchLabels: { istio: "ingressgateway" } }, rules: all },
      { namespace: "istio-system" },
    );
  const issuer = manifest(
    "RequestAuthentication",
    "gw",
    { jwtRules: [{ issuer: "https://i", audiences: ["a"] }] },
    { namespace: "istio-system" },
  );
  const there = [
    issuer,
    app(led("users", { uri: { prefix: "/users" } })),
    manifest("VirtualService", "vs-admin", {
      ...{ hosts: ["admin.local"], gateways: ["gw"] },
      http: [led("ledger", { uri: { prefix: "/" } })],
    }),
  ];

  test("are asked at each host that has a route for them", () => {
    const admin = paths("/nowhere", "/admin/*");
    const c = between(
      [...there, atGateway({ ...token, ...admin }, paths("/users*"))],
      [...there, atGateway(admin, paths("/users*"))],
    );
    assert.ok(
      ledger(c).some((w) => w.includes("GET admin.local/admin/1")),
      ledger(c).join("\n") || "nothing",
    );
    assert.equal(judged(c), true);
  });

  test("are asked with what leads them to a route of the same host", () => {
    const asks = { uri: { prefix: "/" }, headers: { "x-kind": { exact: "a" } } };
    const first = app(led("ledger", asks));
    const rest = [issuer, { ...there[1]!, metadata: { name: "a", namespace: "bank" } }, first];
    const c = between(
      [...rest, atGateway({ ...token, ...paths("/a") }, paths("/users*"))],
      [...rest, atGateway(paths("/a"), paths("/users*"))],
    );
    assert.ok(ledger(c).some((w) => w.includes("GET app.local/a, x-kind: a")));
  });

  test("are asked at so many hosts, and the rest is counted", () => {
    const hosts = Array.from({ length: 33 }, (_, i) =>
      manifest("VirtualService", `vs-${i}`, {
        ...{ hosts: [`h${i}.local`], gateways: ["gw"], http: [to("users")] },
      }),
    );
    const all = [...hosts, atGateway(paths("/a"))];
    assert.equal(between(all, all).leftOut, 2);
  });
});

describe("a route that nothing is asked of", () => {
  const odd = (regex: string) => app(led("users", { uri: { regex } }));

  test("is counted once where nobody can make a request for it", () => {
    const c = between([odd("/[a-z]{99}")], [odd("/[a-z]{99}")]);
    assert.deepEqual([c.leftOut, judged(c)], [1, false]);
  });

  test("is none where its host has no such name", () => {
    const other = led("ledger", { authority: { exact: "admin.local" } });
    const c = between([app(other, to("users"))], [app(other, to("users"))]);
    assert.deepEqual([c.leftOut, judged(c)], [0, true]);
  });

  test("has more values than are asked", () => {
    const many = Array.from({ length: 30 }, (_, i) => `/p${i}`).join("|");
    assert.equal(between([odd(many)], [odd(many)]).leftOut, 6);
  });
});

describe("texts for expressions", () => {
  for (const [regex, texts] of [
    ["/users", ["/users"]],
    ["/users/.*", ["/users/any"]],
    ["/.+?\\.json", ["/any.json"]],
    ["/users/[0-9]+", ["/users/1"]],
    ["/\\d{3}-[^a]", ["/111-1"]],
    ["a|b|c", ["a", "b", "c"]],
    ["/(?:a|b)/(c|d)", ["/a/c", "/b/c", "/a/d"]],
    ["^/users/?$", ["/users/", "/users"]],
    ["/a(/b)*", ["/a/b", "/a"]],
    ["[.]{2,}", [".."]],
    ["", [""]],
    ["a{99}", []],
  ] as const)
    test(regex || "nothing", () => assert.deepEqual(textsOf(regex), texts));
});
