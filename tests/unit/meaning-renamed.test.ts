import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stringify } from "yaml";
import { type Comparison, compare, judged } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import {
  deployment,
  gatewayObjects,
  injected,
  manifest,
  meshSettings,
  service,
} from "./support/manifests.ts";

const base = [injected(), deployment("users"), service("users"), ...gatewayObjects()];

function between(before: readonly Manifest[], after: readonly Manifest[]): Comparison {
  return compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
}
/** What cannot be judged, where nothing else changed. */
function blind(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const c = between(before, after);
  assert.deepEqual(c.changes, []);
  assert.equal(judged(c), c.blind.length === 0);
  return c.blind.map((b) => `${b.object}: ${b.text}`);
}

describe("keys of an issuer in another object", () => {
  const rule = (jwks: string, more: object = {}) => ({
    issuer: "i",
    audiences: ["a"],
    jwks,
    ...more,
  });
  const tokens = (name: string, ...jwtRules: object[]) =>
    manifest("RequestAuthentication", name, {
      ...{ selector: { matchLabels: { app: "users" } }, jwtRules },
    });
  const other = "has other keys for i than before, and what they sign is not read here";
  const was = tokens("users", rule("k1"));

  test("that has another name", () => {
    assert.deepEqual(blind([was], [tokens("users-2", rule("k2"))]), [
      `RequestAuthentication bank/users-2: spec.jwtRules.0 ${other}`,
    ]);
    const away = { issuer: "i", audiences: ["a"], jwksUri: "https://k" };
    assert.equal(blind([was], [tokens("users-2", away)]).length, 1);
    assert.deepEqual(blind([was], [tokens("users-2", rule("k1"))]), []);
  });

  test("that stands beside the first, or in the same as a second entry", () => {
    assert.deepEqual(blind([was], [was, tokens("second", rule("k2"))]), [
      `RequestAuthentication bank/second: spec.jwtRules.0 ${other}`,
    ]);
    assert.deepEqual(blind([was], [tokens("users", rule("k1"), rule("k2"))]), [
      `RequestAuthentication bank/users: spec.jwtRules.1 ${other}`,
    ]);
  });

  test("that is about all pods of the mesh", () => {
    const all = manifest(
      "RequestAuthentication",
      "all",
      { jwtRules: [rule("k2")] },
      {
        namespace: "istio-system",
      },
    );
    assert.match(blind([was], [was, all])[0]!, /^RequestAuthentication istio-system\/all: /);
  });

  test("whose pods took none of its tokens: answers show that", () => {
    assert.deepEqual(between([], [was]).blind, []);
    const second = tokens("second", rule("k2", { issuer: "another" }));
    assert.deepEqual(between([was], [was, second]).blind, []);
  });
});

describe("certificates of a host in another object", () => {
  const server = (host: string, tls: object) => ({
    port: { number: 443, name: `https-${host.length}`, protocol: "HTTPS" },
    ...{ hosts: [host], tls: { mode: "MUTUAL", credentialName: "a", ...tls } },
  });
  const gateway = (name: string, ...servers: object[]) =>
    manifest("Gateway", name, { selector: { istio: "ingressgateway" }, servers });
  const routes = (...gateways: string[]) =>
    manifest("VirtualService", "vs", {
      ...{ hosts: ["*.local"], gateways },
      http: [{ route: [{ destination: { host: "users", port: { number: 80 } } }] }],
    });
  const was = [gateway("gw", server("app.local", {})), routes("gw")];
  const renamed = (tls: object) => [gateway("gw-2", server("app.local", tls)), routes("gw-2")];
  const other = (name: string, host: string, field: string) =>
    `Gateway bank/${name}: its server for ${host} has another ${field} than before, and what that does is not read here`;

  test("that has another name", () => {
    assert.deepEqual(blind(was, renamed({ credentialName: "b" })), [
      other("gw-2", "app.local", "credentialName"),
    ]);
    assert.deepEqual(blind(was, renamed({ cipherSuites: ["AES128-SHA"] })), [
      other("gw-2", "app.local", "cipherSuites"),
    ]);
    assert.deepEqual(blind(was, renamed({})), []);
  });

  test("that takes it from a server for many", () => {
    const many = gateway("gw", server("*.local", {}));
    const one = gateway("admin", server("admin.local", { credentialName: "b" }));
    assert.deepEqual(
      between([many, routes("gw")], [many, one, routes("gw", "admin")]).blind.map(
        (b) => `${b.object}: ${b.text}`,
      ),
      [other("admin", "admin.local", "credentialName")],
    );
  });

  test("whose name is new: answers show that", () => {
    const one = gateway("admin", server("admin.local", { credentialName: "b" }));
    const c = between(was, [...was, one]);
    assert.deepEqual(c.blind, []);
  });
});

describe("settings under another name", () => {
  const named = (object: Manifest, name: string): Manifest => ({
    ...object,
    metadata: { ...object.metadata, name },
  });

  test("of the mesh", () => {
    const proxies = (n: number) =>
      meshSettings({ defaultConfig: { gatewayTopology: { numTrustedProxies: n } } });
    assert.deepEqual(blind([proxies(0)], [named(proxies(1), "istio-canary")]), [
      "ConfigMap istio-system/istio-canary: data.mesh.defaultConfig.gatewayTopology.numTrustedProxies changed, and what it does is not read here",
    ]);
    assert.deepEqual(blind([proxies(0)], [named(proxies(0), "istio-canary")]), []);
  });

  test("of the injector", () => {
    const injector = (sidecar: string) => ({
      ...manifest("ConfigMap", "istio-sidecar-injector", {}, { namespace: "istio-system" }),
      data: { config: stringify({ policy: "enabled", templates: { sidecar } }) },
    });
    const canary = named(injector("b"), "istio-sidecar-injector-canary");
    assert.match(blind([injector("a")], [canary])[0]!, /data\.config\.templates\.sidecar changed/);
  });
});

describe("pods that ask the injector for something else than a sidecar", () => {
  const job = (annotations: object, more: object = {}) =>
    deployment("job", { annotations, ...more });
  for (const [what, annotations, text] of [
    [
      "no traffic through it",
      { "proxy.istio.io/config": "interceptionMode: NONE" },
      /traffic is not taken to their sidecars$/,
    ],
    [
      "the same in JSON",
      { "proxy.istio.io/config": '{"interceptionMode":"NONE"}' },
      /traffic is not taken to their sidecars$/,
    ],
    [
      "another template",
      { "inject.istio.io/templates": "grpc-agent" },
      /what the injector makes of templates "grpc-agent" is not read here$/,
    ],
    [
      "one more template",
      { "inject.istio.io/templates": "sidecar,own" },
      /templates "sidecar,own"/,
    ],
  ] as const)
    test(what, () => {
      const c = between([], [job(annotations)]);
      assert.match(c.blind[0]!.text, text);
      assert.ok(c.notJudged.some((x) => x.about === "bank/job:8080"));
      assert.equal(judged(c), false);
    });

  test("and what leaves traffic with a usual one is as it was", () => {
    for (const annotations of [
      { "proxy.istio.io/config": "interceptionMode: TPROXY" },
      { "proxy.istio.io/config": "{" },
      { "inject.istio.io/templates": "sidecar" },
    ])
      assert.deepEqual(between([], [job(annotations)]).blind, []);
    const bare = { labels: { "sidecar.istio.io/inject": "false" } };
    assert.deepEqual(between([], [job({ "inject.istio.io/templates": "own" }, bare)]).blind, []);
  });
});
