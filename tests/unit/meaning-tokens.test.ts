import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Message, Token, TokenPlace } from "../../meaning/evaluate/request.ts";
import { checkToken, tokenCheckOf } from "../../meaning/evaluate/tokens.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { requireExpiration } from "../../policies/expiry.ts";
import { manifest } from "./support/manifests.ts";

const bearer: TokenPlace = { header: "authorization", prefix: "Bearer " };
const token: Token = {
  issuer: "https://a",
  audiences: ["bank"],
  claims: { sub: "ann" },
  place: bearer,
};
const pod = { namespace: "bank", labels: { app: "users" } };
const rule = (more: object = {}) => ({
  issuer: "https://a",
  audiences: ["bank"],
  jwks: "{}",
  ...more,
});
const policy = (jwtRules: object[], more: object = {}, namespace = "bank") =>
  manifest("RequestAuthentication", "tokens", { jwtRules, ...more }, { namespace });

function said(objects: Manifest[], message: Partial<Message> = { token }) {
  const check = tokenCheckOf(platformOf(objects), pod);
  const result = checkToken(check, { method: "GET", path: "/", ...message });
  if ("refused" in result) return result.refused;
  return result.issuer ? "taken" : "no token";
}

const at = (place: TokenPlace) => ({ token: { ...token, place } });
const b = rule({ issuer: "https://b" });
const elsewhere = { fromHeaders: [{ name: "X-Token" }] };

describe("a token", () => {
  for (const [what, objects, message, expected] of [
    ["nobody looks", [], {}, "no token"],
    ["a right one", [policy([rule()])], {}, "taken"],
    ["none", [policy([rule()])], { token: undefined }, "no token"],
    ["of another issuer", [policy([b])], {}, "token-issuer"],
    ["of any issuer", [policy([{ jwks: "{}" }])], {}, "taken"],
    ["for somebody else", [policy([rule({ audiences: ["x"] })])], {}, "token-audience"],
    ["for anybody", [policy([rule({ audiences: undefined })])], {}, "taken"],
    ["of one of two issuers in one place", [policy([b, rule()])], {}, "taken"],
    ["of one of two in other places", [policy([{ ...b, ...elsewhere }, rule()])], {}, "taken"],
    [
      "where the other's stands",
      [policy([{ ...b, ...elsewhere }, rule()])],
      at({ header: "x-token", prefix: "" }),
      "token-issuer",
    ],
    ["in a place where nobody looks", [policy([rule(elsewhere)])], {}, "no token"],
    [
      "in a header of its own",
      [policy([rule(elsewhere)])],
      at({ header: "x-token", prefix: "" }),
      "taken",
    ],
    [
      "behind another word",
      [policy([rule()])],
      at({ header: "authorization", prefix: "Basic " }),
      "no token",
    ],
    [
      "behind two spaces",
      [policy([rule()])],
      at({ header: "authorization", prefix: "Bearer  " }),
      "taken",
    ],
    [
      "in the address, where nothing is said",
      [policy([rule()])],
      at({ parameter: "access_token" }),
      "taken",
    ],
    [
      "in the address, where headers are named",
      [policy([rule({ fromHeaders: [{ name: "Authorization", prefix: "Bearer " }] })])],
      at({ parameter: "access_token" }),
      "no token",
    ],
    ["in a parameter", [policy([rule({ fromParams: ["t"] })])], at({ parameter: "t" }), "taken"],
    ["in a cookie", [policy([rule({ fromCookies: ["t"] })])], at({ cookie: "t" }), "taken"],
    [
      "expired",
      [policy([rule()])],
      { token: { ...token, flaw: "token-expired" } },
      "token-expired",
    ],
    [
      "expired, with a preflight",
      [policy([rule()])],
      {
        method: "OPTIONS",
        headers: { origin: "x", "access-control-request-method": "GET" },
        token: { ...token, flaw: "token-expired" },
      },
      "no token",
    ],
    ["expired, and nobody looks", [], { token: { ...token, flaw: "token-expired" } }, "no token"],
    ["without expiry", [policy([rule()])], { token: { ...token, lasting: true } }, "taken"],
    ["the root namespace looks", [policy([rule()], {}, "istio-system")], {}, "taken"],
    ["another namespace looks", [policy([rule()], {}, "shop")], {}, "no token"],
    [
      "these labels look",
      [policy([rule()], { selector: { matchLabels: { app: "users" } } })],
      {},
      "taken",
    ],
    [
      "other labels look",
      [policy([rule()], { selector: { matchLabels: { app: "x" } } })],
      {},
      "no token",
    ],
    [
      "a gateway of the Gateway API looks",
      [policy([rule()], { targetRefs: [{ kind: "Gateway", name: "x" }] })],
      {},
      "no token",
    ],
  ] as readonly (readonly [string, Manifest[], Partial<Message>, string])[])
    test(`${what}: ${expected}`, () =>
      assert.equal(said(objects, { token, ...message }), expected));

  test("without expiry is refused where the stack's own EnvoyFilter says so", () => {
    const args = { issuers: [{ name: "a", ...rule() } as never], ownKeys: {}, forward: false };
    const spec = requireExpiration({ ...args, context: "SIDECAR_INBOUND" });
    const objects = [policy([rule()]), manifest("EnvoyFilter", "require-expiry", spec)];
    assert.deepEqual(platformOf(objects).unjudged, []);
    assert.equal(said(objects, { token: { ...token, lasting: true } }), "token-signature");
    assert.equal(said(objects), "taken");
  });

  test("goes on only where it is handed on, and headers of claims are the proxy's own", () => {
    const next = (more: object, headers = {}) => {
      const check = tokenCheckOf(platformOf([policy([rule(more)])]), pod);
      const result = checkToken(check, { method: "GET", path: "/", token, headers });
      assert.ok("headers" in result);
      return { token: result.token !== undefined, headers: result.headers };
    };
    assert.deepEqual(next({}), { token: false, headers: {} });
    assert.deepEqual(next({ forwardOriginalToken: true }), { token: true, headers: {} });
    const outputClaimToHeaders = [{ header: "X-User", claim: "sub" }];
    assert.deepEqual(next({ outputClaimToHeaders }, { "x-user": "forged" }), {
      token: false,
      headers: { "x-user": "ann" },
    });
  });
});
