import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { AccessControl, type AccessControlArgs } from "../../components/access-control.ts";
import { SigningKeys } from "../../components/signing-keys.ts";
import { jwksOf } from "../../policies/jwks.ts";
import { ownIssuer } from "../../scripts/commands/token.ts";
import { claimsOf, lifetime, signToken } from "../../scripts/tokens/token.ts";
import { UserError } from "../../scripts/errors.ts";
import { type Recording, record } from "./support/mocks.ts";
import { settings } from "./support/settings.ts";

const { issuers } = settings({
  authentication: {
    issuers: [
      { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1", "k2"] },
      {
        name: "partner",
        issuer: "https://partner",
        audiences: ["bank"],
        jwksUri: "https://partner/keys",
      },
    ],
  },
}).authentication;
const services = [
  { name: "users", allowFrom: [{ gateway: true }] },
  {
    name: "payments",
    allowFrom: [{ gateway: true, token: true }],
    denyFrom: [{ gateway: true, methods: ["PUT"] }],
  },
];
const policy = "kubernetes:security.istio.io/v1:AuthorizationPolicy";
const tokens = "kubernetes:security.istio.io/v1:RequestAuthentication";

class Workload extends pulumi.CustomResource {
  constructor(name: string, args: object, opts: pulumi.CustomResourceOptions) {
    super("test:index:Workload", name, args, opts);
  }
}

const make = (values: object = {}, args: Partial<AccessControlArgs> = {}) => {
  const s = settings({
    authorization: "enforce",
    authentication: { issuers },
    services,
    ...values,
  });
  return record(
    () => new AccessControl("access", { ...s, keySets: { bank: "the keys" }, ...args }),
  );
};
const objects = (recording: Recording) =>
  recording.resources
    .filter((r) => r.type !== "bankmesh:access:AccessControl")
    .map((r) => `${r.inputs.kind} ${r.inputs.metadata.namespace}/${r.inputs.metadata.name}`)
    .sort();

describe("AccessControl", () => {
  test("off: nothing at all", async () => {
    assert.deepEqual((await make({ authorization: "off" })).below("access"), []);
  });

  test("enforce: tokens where claims are asked for, one policy a service and action, default deny", async () => {
    assert.deepEqual(objects(await make()), [
      "AuthorizationPolicy bank/allow-payments",
      "AuthorizationPolicy bank/allow-users",
      "AuthorizationPolicy bank/default-deny",
      "AuthorizationPolicy bank/deny-payments",
      "AuthorizationPolicy istio-system/allow-gateway",
      "AuthorizationPolicy istio-system/deny-gateway",
      "RequestAuthentication bank/payments-tokens",
      "RequestAuthentication istio-system/gateway-tokens",
    ]);
  });

  test("nothing is refused before what is allowed is there", async () => {
    const recording = await make();
    const denial = recording.get(policy, "access-service-default-deny");
    assert.ok(denial.dependsOn.includes("access-service-allow-users"));
    assert.ok(
      recording.comesAfter(
        policy,
        "access-service-allow-payments",
        "access-service-payments-tokens",
      ),
    );
  });

  test("dry-run: the same policies, which refuse nobody", async () => {
    const recording = await make({ authorization: "dry-run" });
    assert.deepEqual(objects(recording), objects(await make()));
    for (const r of recording.resources.filter((x) => x.type === policy))
      assert.deepEqual(r.inputs.metadata.annotations, { "istio.io/dry-run": "true" });
  });

  test("the gateway hands tokens on only where somebody inside asks for claims", async () => {
    const forwarded = async (values: object) => {
      const { spec } = (await make(values)).get(tokens, "access-edge-gateway-tokens").inputs;
      return (spec.jwtRules as { forwardOriginalToken?: boolean }[]).map(
        (r) => r.forwardOriginalToken,
      );
    };
    assert.deepEqual(await forwarded({}), [true, true]);
    assert.deepEqual(await forwarded({ services: [services[0]] }), [undefined, undefined]);
  });

  test("what services' tokens have to be is asked inside, whether or not the gateway hands any on", async () => {
    const inner = { name: "payments", allowFrom: [{ service: "users", token: true }] };
    const recording = await make({
      authentication: { issuers: [issuers[0]], requireExpiry: true },
      services: [services[0], inner],
    });
    const filters = "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter";
    const provider = (name: string) =>
      recording.get(filters, name).inputs.spec.configPatches[0].patch.value.typed_config.providers[
        "origins-0"
      ];
    for (const place of ["edge", "service"])
      assert.equal(provider(`access-${place}-require-expiry`).forward, undefined);
    const { spec } = recording.get(tokens, "access-edge-gateway-tokens").inputs;
    assert.equal(spec.jwtRules[0].forwardOriginalToken, undefined);
    assert.ok(objects(recording).includes("RequestAuthentication bank/payments-tokens"));
  });

  test("own keys inline, others by their address", async () => {
    const fromHeaders = [{ name: "Authorization", prefix: "Bearer " }];
    const { spec } = (await make()).get(tokens, "access-service-payments-tokens").inputs;
    assert.deepEqual(spec, {
      selector: { matchLabels: { app: "payments" } },
      jwtRules: [
        { issuer: "https://issuer.bank", audiences: ["bank"], jwks: "the keys", fromHeaders },
        {
          issuer: "https://partner",
          audiences: ["bank"],
          jwksUri: "https://partner/keys",
          fromHeaders,
        },
      ],
    });
  });

  test("a rollout of some: no default deny of the namespace, and their policies alone", async () => {
    assert.deepEqual(objects(await make({ rollout: { mode: "only", services: ["users"] } })), [
      "AuthorizationPolicy bank/allow-users",
      "AuthorizationPolicy istio-system/allow-gateway",
      "RequestAuthentication istio-system/gateway-tokens",
    ]);
  });

  test("a rollout that names every service is all of it, default deny included", async () => {
    const named = { mode: "only", services: ["users", "payments"] };
    assert.deepEqual(objects(await make({ rollout: named })), objects(await make({})));
  });

  test("a rollout of namespaces: the gateway alone, the services alone, all but one of them", async () => {
    const made = async (rollout: object) => objects(await make({ rollout }));
    const spec = async (rollout: object) =>
      (await make({ rollout })).get(policy, "access-edge-allow-gateway").inputs.spec.rules;
    const everybody = { to: [{ operation: { paths: ["/payments", "/payments/*"] } }] };
    const gatewayAlone = { mode: "only", namespaces: ["istio-system"] };
    assert.deepEqual(await made(gatewayAlone), [
      "AuthorizationPolicy istio-system/allow-gateway",
      "AuthorizationPolicy istio-system/deny-gateway",
      "RequestAuthentication istio-system/gateway-tokens",
    ]);
    assert.ok(!JSON.stringify(await spec(gatewayAlone)).includes(JSON.stringify(everybody)));
    assert.deepEqual(
      await made({ mode: "all-but", namespaces: ["bank"] }),
      await made(gatewayAlone),
    );
    const inside = { mode: "all-but", namespaces: ["istio-system"] };
    assert.deepEqual(
      await made(inside),
      // at the gateway nothing is looked at, tokens included
      (await made({ mode: "all" })).filter((o) => !/\/(deny-gateway|gateway-tokens)$/.test(o)),
    );
    assert.ok(JSON.stringify(await spec(inside)).includes(JSON.stringify(everybody)));
    assert.deepEqual(await made({ mode: "only", namespaces: ["bank"] }), await made(inside));
    const mixed = { mode: "all-but", namespaces: ["istio-system"], services: ["payments"] };
    assert.deepEqual(await made(mixed), [
      "AuthorizationPolicy bank/allow-users",
      "AuthorizationPolicy istio-system/allow-gateway",
    ]);
  });

  test("a workload waits for its own policies and for the denial that is about everybody", async () => {
    const recording = await record(() => {
      const s = settings({ authorization: "enforce", authentication: { issuers }, services });
      const access = new AccessControl("access", { ...s, keySets: { bank: "the keys" } });
      const dependsOn = access.policiesOf("payments");
      new Workload("workload", {}, { dependsOn });
    });
    assert.deepEqual([...recording.get("test:index:Workload", "workload").dependsOn].sort(), [
      "access-service-allow-payments",
      "access-service-default-deny",
      "access-service-deny-payments",
    ]);
  });

  test("tokens looked at in the whole namespace: one object without a selector, and no other inside", async () => {
    const recording = await make({
      authentication: { issuers: issuers.slice(0, 1), inside: "namespace", requireExpiry: true },
    });
    assert.deepEqual(
      objects(recording).filter((o) => !o.startsWith("AuthorizationPolicy")),
      [
        "EnvoyFilter bank/require-expiry",
        "EnvoyFilter istio-system/require-expiry",
        "RequestAuthentication bank/tokens",
        "RequestAuthentication istio-system/gateway-tokens",
      ],
    );
    const { spec } = recording.get(tokens, "access-service-tokens").inputs;
    assert.equal(spec.selector, undefined);
    // else each proxy would clear the headers that the gateway wrote from claims
    const edge = recording.get(tokens, "access-edge-gateway-tokens").inputs.spec;
    assert.equal(edge.jwtRules[0].forwardOriginalToken, true);
    assert.ok(recording.comesAfter(policy, "access-service-allow-users", "access-service-tokens"));
  });

  test("a rollout that has not reached the whole namespace: tokens looked at by each service that it has", async () => {
    const tokensOf = async (rollout: object) => {
      const authentication = { issuers: issuers.slice(0, 1), inside: "namespace" };
      const made = objects(await make({ authentication, rollout }));
      return made.filter((o) => o.startsWith("RequestAuthentication bank/"));
    };
    // users' rules ask for no token, and its proxy looks at them all the same
    assert.deepEqual(await tokensOf({ mode: "only", services: ["users"] }), [
      "RequestAuthentication bank/users-tokens",
    ]);
    assert.deepEqual(await tokensOf({ mode: "only", namespaces: ["istio-system"] }), []);
    assert.deepEqual(await tokensOf({ mode: "only", services: ["users", "payments"] }), [
      "RequestAuthentication bank/tokens",
    ]);
  });

  test("claims that are words apart by spaces", async () => {
    const some = [{ ...issuers[0]!, spaceDelimitedClaims: ["groups"] }];
    const { spec } = (await make({ authentication: { issuers: some } })).get(
      tokens,
      "access-service-payments-tokens",
    ).inputs;
    assert.deepEqual(spec.jwtRules[0].spaceDelimitedClaims, ["groups"]);
  });

  test("an expiry is asked for at the gateway, and inside where tokens are", async () => {
    const some = { issuers: issuers.slice(0, 1), requireExpiry: true };
    const filters = async (values: object) =>
      objects(await make({ authentication: some, ...values })).filter((o) => /^EnvoyF/.test(o));
    assert.deepEqual(await filters({}), [
      "EnvoyFilter bank/require-expiry",
      "EnvoyFilter istio-system/require-expiry",
    ]);
    assert.deepEqual(await filters({ services: [services[0]] }), [
      "EnvoyFilter istio-system/require-expiry",
    ]);
  });

  test("mesh-wide default deny stands in Istio's root namespace", async () => {
    const made = objects(await make({ meshDefaultDeny: true }));
    assert.ok(made.includes("AuthorizationPolicy istio-system/mesh-default-deny"));
  });
});

describe("SigningKeys", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicKeyPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

  test("a key and a random id for each name in config, of own issuers alone", async () => {
    const outputs = {
      "tls:index/privateKey:PrivateKey": () => ({ publicKeyPem, privateKeyPem }),
      "random:index/randomId:RandomId": () => ({ hex: "0a0b0c0d" }),
    };
    const recording = await record(() => new SigningKeys("tokens", { issuers }), { outputs });
    assert.deepEqual(recording.below("tokens"), [
      "random:index/randomId:RandomId tokens-bank.k1-id",
      "random:index/randomId:RandomId tokens-bank.k2-id",
      "tls:index/privateKey:PrivateKey tokens-bank.k1-key",
      "tls:index/privateKey:PrivateKey tokens-bank.k2-key",
    ]);
  });

  test("a token of the stack's key is good by the published set, and by no other", async () => {
    const key = { kid: "k1-0a", privateKeyPem };
    const request = {
      ...{ issuer: "https://issuer.bank", audiences: ["bank"], subject: "ann" },
      ...{ lifetimeSeconds: 600, claims: { scope: "a b" } },
    };
    const token = await signToken(request, key);
    const set = (pem: string, kid: string) =>
      createLocalJWKSet(
        JSON.parse(jwksOf([{ kid, publicKeyPem: pem }])) as Parameters<typeof createLocalJWKSet>[0],
      );
    const expected = { issuer: "https://issuer.bank", audience: "bank" };
    const { payload } = await jwtVerify(token, set(publicKeyPem, "k1-0a"), expected);
    assert.deepEqual(
      [payload.sub, payload.scope, payload.exp! - payload.iat!, payload.aud],
      ["ann", "a b", 600, "bank"],
    );
    assert.deepEqual(decodeProtectedHeader(token), { alg: "RS256", typ: "JWT", kid: "k1-0a" });
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    const otherPem = other.export({ type: "spki", format: "pem" }).toString();
    await assert.rejects(jwtVerify(token, set(otherPem, "k1-0a"), expected), /signature/);
    await assert.rejects(jwtVerify(token, set(publicKeyPem, "k2"), expected), /no applicable key/);
  });

  test("a key set shows nothing but public halves", () => {
    const { keys } = JSON.parse(jwksOf([{ kid: "k", publicKeyPem }])) as { keys: object[] };
    assert.deepEqual(Object.keys(keys[0]!), ["kty", "use", "alg", "kid", "n", "e"]);
  });
});

describe("npm run token", () => {
  test("lifetimes", () => {
    assert.deepEqual(["90s", "10m", "24h"].map(lifetime), [90, 600, 86400]);
    for (const wrong of ["0s", "25h", "10", "1d", "-1m", ""])
      assert.throws(() => lifetime(wrong), UserError, wrong);
  });

  test("further claims are a JSON object", () => {
    assert.deepEqual(claimsOf('{"a":{"b":1}}'), { a: { b: 1 } });
    for (const wrong of ["[1]", "x", "null", '"a"'])
      assert.throws(() => claimsOf(wrong), UserError);
    assert.deepEqual(claimsOf('{"role":["admin"]}', ["scope"]), { role: ["admin"] });
    assert.throws(() => claimsOf('{"exp":1,"sub":"a"}'), /exp \(--ttl .*\), sub \(--sub\)/);
    assert.throws(() => claimsOf('{"role":"a"}', ["role"]), /role \(--role is there\)/);
  });

  test("only an own issuer signs", () => {
    assert.equal(ownIssuer("dev", issuers, undefined).name, "bank");
    assert.equal(ownIssuer("dev", issuers, "bank").name, "bank");
    assert.throws(() => ownIssuer("dev", issuers, "partner"), /its keys are not this stack's/);
    assert.throws(() => ownIssuer("dev", issuers, "x"), /there are bank, partner/);
    assert.throws(() => ownIssuer("dev", [], undefined), /has no issuer of its own/);
  });
});
