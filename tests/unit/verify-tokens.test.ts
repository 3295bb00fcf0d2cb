import * as assert from "node:assert/strict";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { jwksOf } from "../../policies/jwks.ts";
import { bodyEvidence, withoutTokens } from "../../verify/evidence.ts";
import { type TokenSpec, flaws, makeToken } from "../../verify/tokens.ts";
import { tokenProbes } from "../../verify/probes/tokens.ts";
import { settings } from "./support/settings.ts";

const { issuers } = settings({
  authentication: {
    issuers: [{ name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] }],
  },
}).authentication;
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = {
  kid: "k1-aa",
  privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
};
const publicKeyPem = publicKey.export({ type: "spki", format: "pem" }).toString();
const keys = createLocalJWKSet(JSON.parse(jwksOf([{ kid: key.kid, publicKeyPem }])) as never);
const make = (spec: Partial<TokenSpec> = {}) =>
  makeToken({ issuer: "bank", ...spec }, issuers, key);
const verify = (token: string) =>
  jwtVerify(token, keys, { issuer: "https://issuer.bank", audience: "bank" });

describe("an expired token at a service whose rules ask for none (J4-namespace)", () => {
  const asked = (rollout: object, inside = "namespace") => {
    const s = settings({
      ...{ authorization: "enforce", authentication: { issuers, inside }, rollout },
      services: [
        { name: "users", allowFrom: [{ service: "orders" }] },
        { name: "orders", allowFrom: [{ gateway: true, token: true }] },
      ],
    });
    return tokenProbes.find(({ id }) => id === "J4-namespace")!.applies(s);
  };
  it("is asked where all proxies look at tokens, and the rollout has reached the service's", () => {
    assert.equal(asked({}), true);
    assert.equal(asked({}, "workloads"), false);
    assert.equal(asked({ mode: "only", services: ["users"] }), true);
    assert.equal(asked({ mode: "only", services: ["orders"] }), false);
    assert.equal(asked({ mode: "only", namespaces: ["istio-system"] }), false);
  });
});

describe("tokens of probes", () => {
  it("are taken by a library that checks them, when nothing is wrong", async () => {
    const { payload } = await verify(make({ claims: { role: "admin" }, subject: "ann" }));
    assert.equal(payload.role, "admin");
    assert.equal(payload.sub, "ann");
    await verify(make({ expiresIn: null }));
    await verify(make({ audiences: ["other", "bank"] }));
  });

  for (const flaw of flaws)
    it(`are refused by it for: ${flaw}`, async () => {
      await verify(make());
      await assert.rejects(verify(make({ flaw })));
    });

  it("are refused by it for times and audience", async () => {
    await assert.rejects(verify(make({ expiresIn: -180 })), /"exp" claim/);
    await assert.rejects(verify(make({ notBeforeIn: 180 })), /"nbf" claim/);
    await assert.rejects(verify(make({ audiences: ["other"] })), /"aud" claim/);
  });

  it("are wrong in one thing alone", () => {
    const good = make();
    assert.equal(decodeProtectedHeader(make({ flaw: "other-key" })).kid, key.kid);
    assert.equal(decodeJwt(make({ flaw: "unknown-issuer" })).aud, "bank");
    assert.ok(
      good.startsWith(make({ flaw: "cut" })) || make({ flaw: "cut" }).split(".").length === 3,
    );
    assert.equal(createPublicKey(publicKeyPem).asymmetricKeyType, "rsa");
  });
});

describe("evidence", () => {
  it("holds no token", () => {
    const token = make();
    assert.equal(withoutTokens(`Bearer ${token}, again`), "Bearer (token), again");
    assert.equal(withoutTokens(`Bearer${token}`), "Bearer(token)");
    const body = JSON.stringify({ request: { headers: { authorization: `Bearer ${token}` } } });
    const found = bodyEvidence(body);
    assert.ok(!JSON.stringify(found).includes(token.split(".")[2]!));
    assert.equal(found.seen?.authorization, "Bearer (token)");
  });
});
