import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  handsOnTokens,
  needlessTokens,
  needsToken,
  preflightHeaders,
} from "../../policies/token-needs.ts";
import type { Settings } from "../../settings/index.ts";
import { settings } from "./support/settings.ts";

const issuer = {
  name: "bank",
  issuer: "https://issuer.bank",
  audiences: ["bank"],
  keyIds: ["k1"],
};
const claims = { role: ["teller"] };
const stack = (payments: object, more: object = {}): Settings =>
  settings({
    authorization: "enforce",
    authentication: { issuers: [issuer] },
    services: [
      { name: "payments", ...payments },
      { name: "orders", allowFrom: [{ gateway: true }] },
    ],
    ...more,
  });
const gateway = "cluster.local/ns/istio-system/sa/istio-ingressgateway";
const rest = { allowFrom: [{ gateway: true }] };

describe("the gateway hands tokens on", () => {
  for (const [what, payments, handed] of [
    ["for a rule about itself", { allowFrom: [{ gateway: true, claims }] }, true],
    ["for its own identity", { allowFrom: [{ principal: gateway, claims }] }, true],
    ["for its own namespace", { allowFrom: [{ namespace: "istio-system", claims }] }, true],
    ["for a refusal of whoever it is", { ...rest, denyFrom: [{ claims }] }, true],
    ["not for a service's rule", { allowFrom: [{ service: "orders", claims }] }, false],
    ["not for another namespace", { allowFrom: [{ namespace: "shop", claims }] }, false],
    [
      "not for another identity",
      { allowFrom: [{ principal: "cluster.local/ns/shop/sa/a", claims }] },
      false,
    ],
    [
      "not where no route leads",
      { prefix: false, allowFrom: [{ namespace: "istio-system", claims }] },
      false,
    ],
    [
      "not for what it refuses itself",
      { ...rest, denyFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.9"], claims }] },
      false,
    ],
  ] as const)
    test(what, () => {
      const s = stack(payments);
      assert.equal(handsOnTokens(s), handed);
      // what is not handed on does not have to be taken away
      assert.equal(needlessTokens(s, s.services[1]!).length > 0, handed);
    });

  test("to services whose proxies would clear the headers that it wrote from claims", () => {
    const copying = { ...issuer, claimHeaders: { "X-Jwt-Sub": "sub" } };
    const authentication = { issuers: [copying] };
    const ofService = { allowFrom: [{ gateway: true }, { service: "orders", claims }] };
    assert.equal(handsOnTokens(stack(ofService)), false);
    assert.equal(handsOnTokens(stack(ofService, { authentication })), true);
    assert.equal(handsOnTokens(stack(rest, { authentication })), false);
  });

  test("while a rollout has not reached all services, to those that it has not", () => {
    const rollout = { mode: "only", services: ["orders"] };
    const s = stack(rest, { rollout });
    assert.equal(handsOnTokens(s), true);
    assert.deepEqual(
      s.services.map((service) => needlessTokens(s, service).length),
      [0, 1],
    );
  });

  test("to all where all proxies look at tokens", () => {
    const authentication = { issuers: [issuer], inside: "namespace" };
    assert.equal(handsOnTokens(stack(rest, { authentication })), true);
  });
});

test("headers that claims are copied into are taken from preflights, in a dry run too", () => {
  const authentication = { issuers: [{ ...issuer, claimHeaders: { "X-Jwt-Sub": "sub" } }] };
  const headers = (authorization: string, more: object = {}) => {
    const s = stack(rest, { authentication, authorization, ...more });
    return preflightHeaders(s);
  };
  assert.deepEqual(headers("enforce"), ["X-Jwt-Sub"]);
  assert.deepEqual(headers("dry-run"), ["X-Jwt-Sub"]);
  assert.deepEqual(headers("off"), []);
  const beforeGateway = { rollout: { mode: "all-but", namespaces: ["istio-system"] } };
  assert.deepEqual(headers("enforce", beforeGateway), []);
});

test("a proxy looks at tokens for the sake of its own callers, and not for what the gateway alone asks", () => {
  const ofService = stack({ allowFrom: [{ service: "orders", claims }] });
  assert.equal(needsToken(ofService, ofService.services[0]!), true);
  const atGateway = { gateway: true, remoteIpBlocks: ["203.0.113.9"], claims };
  const refusing = stack({ ...rest, denyFrom: [atGateway] });
  assert.equal(needsToken(refusing, refusing.services[0]!), false);
});
