import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { coversRule } from "../../settings/rule-covers.ts";
import { settings } from "./support/settings.ts";

type Rule = Parameters<typeof coversRule>[2];
const issuers = ["bank", "partner"].map((name) => ({
  ...{ name, issuer: `https://${name}`, audiences: ["bank"] },
}));
const stack = settings({ authentication: { issuers } });
const service = { name: "a", ports: [80, 81].map((port) => portOf(port)) };
function portOf(port: number) {
  return { port, targetPort: port, protocol: "http" as const };
}
const orders: Rule = { service: "orders" };

const cases: readonly [wide: Rule, narrow: Rule, covers: boolean][] = [
  [{}, orders, true],
  [orders, {}, false],
  [orders, { ...orders, methods: ["GET"] }, true],
  [{ ...orders, methods: ["GET"] }, orders, false],
  [{ methods: ["GET", "POST"] }, { ...orders, methods: ["GET"] }, true],
  [{ methods: ["GET"] }, { ...orders, methods: ["GET", "POST"] }, false],
  [{ paths: ["/a/*"] }, { ...orders, paths: ["/a/b", "/a/c/*"] }, true],
  [{ paths: ["/a/*"] }, { ...orders, paths: ["/a/b", "/a*"] }, false],
  [{ paths: ["/a/*"] }, { ...orders, paths: ["*/a"] }, false],
  [{ paths: ["*.css"] }, { ...orders, paths: ["/x.css"] }, true],
  [{ paths: ["*.css"] }, { ...orders, paths: ["/x*"] }, false],
  [{ paths: ["*"] }, { ...orders, paths: ["*.css"] }, true],
  [{ ports: [80, 81] }, { ...orders, ports: [81] }, true],
  [{ methods: ["POST"] }, { ...orders, rpcs: ["/a.B/C"] }, true],
  [{ rpcs: ["/a.B/*"] }, { ...orders, rpcs: ["/a.B/C"] }, true],
  [{ rpcs: ["/a.B/*"] }, { ...orders, paths: ["/a.B/C"] }, false],
  [{ claims: { a: ["1"] } }, { ...orders, claims: { a: ["1"] } }, true],
  [{ headers: { a: ["1"] } }, orders, false],
  // callers by their identities
  [{ namespace: "bank" }, orders, true],
  [{ namespace: "shop" }, orders, false],
  [{ namespace: "bank" }, { namespace: "bank" }, true],
  [{ principal: "cluster.local/ns/bank/sa/orders-sa" }, orders, true],
  [orders, { principal: "cluster.local/ns/bank/sa/orders-sa" }, true],
  [orders, { namespace: "bank" }, false],
  [{ namespace: "istio-system" }, { gateway: true }, true],
  [{ principal: "cluster.local/ns/istio-system/sa/istio-ingressgateway" }, { gateway: true }, true],
  [
    { gateway: true },
    { principal: "cluster.local/ns/istio-system/sa/istio-ingressgateway" },
    false,
  ],
  // paths and ports that are not named
  [{ gateway: true, paths: ["/a", "/a/*"] }, { gateway: true }, true],
  [{ gateway: true, paths: ["/a/*"] }, { gateway: true }, false],
  [{ gateway: true, ports: [80] }, { gateway: true }, true],
  [{ gateway: true, ports: [81] }, { gateway: true }, false],
  [{ ports: [80, 81] }, orders, true],
  [{ ports: [80] }, orders, false],
  // the service's own version is the only one there is
  [{ ...orders, version: "v1" }, orders, true],
  [orders, { ...orders, version: "v1" }, true],
  [{ ...orders, version: "v2" }, orders, false],
  // tokens
  [{ token: true }, { ...orders, claims: { a: ["1"] } }, true],
  [{ token: true }, { ...orders, issuer: "bank" }, true],
  [{ token: true }, orders, false],
  [{ issuer: "bank" }, { ...orders, token: true }, false],
  [{ issuer: "bank" }, { ...orders, issuer: "bank", claims: { a: ["1"] } }, true],
  [{ claims: { a: ["1", "2"] } }, { ...orders, claims: { a: ["1"] } }, true],
  [{ claims: { a: ["1"] } }, { ...orders, claims: { a: ["1", "2"] } }, false],
  [{ claims: { a: ["1"] } }, { ...orders, claims: { a: ["1"], b: ["2"] } }, true],
  [{ claims: { a: ["adm*"] } }, { ...orders, claims: { a: ["admin"] } }, true],
  [{ claims: { A: ["1"] } }, { ...orders, claims: { a: ["1"] } }, false],
  [{ headers: { "X-A": ["1"] } }, { ...orders, headers: { "x-a": ["1"] } }, true],
  // addresses
  [{ remoteIpBlocks: ["10.0.0.0/8"] }, { ...orders, remoteIpBlocks: ["10.1.0.0/16"] }, true],
  [{ remoteIpBlocks: ["10.1.0.0/16"] }, { ...orders, remoteIpBlocks: ["10.0.0.0/8"] }, false],
  [{ remoteIpBlocks: ["10.0.0.0/8"] }, { ...orders, remoteIpBlocks: ["10.1.2.3", "::1"] }, false],
  [{ remoteIpBlocks: ["fd00::/8"] }, { ...orders, remoteIpBlocks: ["fd12::1"] }, true],
  [{ remoteIpBlocks: ["10.0.0.0/8"] }, orders, false],
];

describe("a rule that takes in everything of another one", () => {
  for (const [wide, narrow, covers] of cases)
    it(`${JSON.stringify(wide)} over ${JSON.stringify(narrow)}: ${covers}`, () =>
      assert.equal(coversRule(stack, service, wide, narrow), covers));
});
