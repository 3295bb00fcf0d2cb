import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { policiesAbout, rulingOf } from "../../meaning/evaluate/authorization.ts";
import type { Seen } from "../../meaning/evaluate/request.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { manifest, meshSettings } from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const pod = { namespace: "bank", labels: { app: "users" } };
const plain: Seen = {
  ...{ pod, port: 8080, principal: "cluster.local/ns/shop/sa/web", serverName: "sni.example" },
  ...{ peerAddress: "10.1.2.3", remoteAddress: "203.0.113.7", method: "GET", path: "/users" },
  ...{ host: "Users.Example", headers: {}, claims: undefined, words: [], http: true },
};
const token = { iss: "https://issuer/a", sub: "ann", aud: ["bank"], azp: "app" };

/** What one rule, or several policies, say of a request. */
function ruled(policies: Json[], seen: Partial<Seen> = {}, mesh: Json = {}) {
  const objects = policies.map(({ annotations, namespace, ...spec }, i) =>
    manifest("AuthorizationPolicy", `p${i}`, spec, {
      ...(annotations && { annotations }),
      ...(namespace && { namespace }),
    }),
  );
  const platform = platformOf([...objects, meshSettings(mesh)]);
  assert.deepEqual(platform.unjudged, []);
  return rulingOf(platform, { ...plain, ...seen }).allowed;
}
const allowed = (rule: object, seen: Partial<Seen> = {}, mesh: Json = {}) =>
  ruled([{ rules: [rule] }], seen, mesh);
const from = (source: object) => ({ from: [{ source }] });
const to = (operation: object) => ({ to: [{ operation }] });
const when = (key: string, ...values: string[]) => ({ when: [{ key, values }] });
const unless = (key: string, ...notValues: string[]) => ({ when: [{ key, notValues }] });

describe("one rule that allows", () => {
  for (const [what, rule, seen, expected] of [
    ["nothing asked", {}, {}, true],
    ["a principal", from({ principals: ["cluster.local/ns/shop/sa/web"] }), {}, true],
    ["another", from({ principals: ["cluster.local/ns/shop/sa/web2"] }), {}, false],
    ["its begin", from({ principals: ["cluster.local/ns/shop/*"] }), {}, true],
    ["its end", from({ principals: ["*/sa/web"] }), {}, true],
    ["an end that is none", from({ principals: ["*/sa/we"] }), {}, false],
    ["any principal", from({ principals: ["*"] }), {}, true],
    ["any principal, plaintext", from({ principals: ["*"] }), { principal: undefined }, false],
    ["no principal of these", from({ notPrincipals: ["*"] }), { principal: undefined }, true],
    ["no principal of these, one of them", from({ notPrincipals: ["*/sa/web"] }), {}, false],
    ["a namespace", from({ namespaces: ["shop"] }), {}, true],
    ["a namespace is no part of one", from({ namespaces: ["sho"] }), {}, false],
    ["a namespace with a wildcard", from({ namespaces: ["s*p"] }), {}, true],
    ["a namespace, dots are dots", from({ namespaces: ["s..p"] }), {}, false],
    ["not a namespace", from({ notNamespaces: ["bank"] }), {}, true],
    [
      "not a namespace, plaintext",
      from({ notNamespaces: ["bank"] }),
      { principal: undefined },
      true,
    ],
    ["an account with its namespace", from({ serviceAccounts: ["shop/web"] }), {}, true],
    ["an account of the policy's", from({ serviceAccounts: ["web"] }), {}, false],
    ["no end of an account", from({ serviceAccounts: ["shop/we"] }), {}, false],
    ["a trust domain", from({ trustDomains: ["cluster.local"] }), {}, true],
    ["another trust domain", from({ trustDomains: ["cluster"] }), {}, false],
    ["the end of a trust domain", from({ trustDomains: ["*.local"] }), {}, true],
    ["an address", from({ ipBlocks: ["10.1.2.3"] }), {}, true],
    ["a block", from({ ipBlocks: ["10.1.0.0/16"] }), {}, true],
    ["outside of it", from({ ipBlocks: ["10.2.0.0/16"] }), {}, false],
    ["a client's address", from({ remoteIpBlocks: ["203.0.113.0/28"] }), {}, true],
    ["not a client's address", from({ notRemoteIpBlocks: ["203.0.113.7"] }), {}, false],
    ["all that one source says", from({ namespaces: ["shop"], ipBlocks: ["10.2.0.1"] }), {}, false],
    ["a host in any case", to({ hosts: ["users.EXAMPLE"] }), {}, true],
    ["the end of a host", to({ hosts: ["*.example"] }), {}, true],
    ["the begin of a host", to({ hosts: ["USERS.*"] }), {}, true],
    ["another host", to({ hosts: ["users.example.org"] }), {}, false],
    ["a method", to({ methods: ["GET"] }), {}, true],
    ["methods know case", to({ methods: ["get"] }), {}, false],
    ["the begin of a method", to({ methods: ["G*"] }), {}, true],
    ["not a method", to({ notMethods: ["GET"] }), {}, false],
    ["a path", to({ paths: ["/users"] }), {}, true],
    ["below it", to({ paths: ["/users/*"] }), {}, false],
    ["a template", to({ paths: ["/{*}"] }), {}, true],
    ["not a path", to({ notPaths: ["/admin*"] }), {}, true],
    ["a port", to({ ports: ["8080"] }), {}, true],
    ["another port", to({ ports: ["80"] }), {}, false],
    ["not a port", to({ notPorts: ["8080"] }), {}, false],
    [
      "one of several operations",
      { to: [{ operation: { methods: ["PUT"] } }, { operation: { paths: ["/users"] } }] },
      {},
      true,
    ],
    ["both parts", { ...from({ namespaces: ["shop"] }), ...to({ methods: ["PUT"] }) }, {}, false],
    ["a header", when("request.headers[X-Foo]", "foo"), { headers: { "x-foo": "foo" } }, true],
    [
      "another value",
      when("request.headers[x-foo]", "foo"),
      { headers: { "x-foo": "bar" } },
      false,
    ],
    ["no header", when("request.headers[x-foo]", "foo"), {}, false],
    [
      "a header that is there",
      when("request.headers[x-foo]", "*"),
      { headers: { "x-foo": "" } },
      true,
    ],
    [
      "one of two of a name",
      when("request.headers[x-foo]", "foo"),
      { headers: { "x-foo": ["a", "foo"] } },
      true,
    ],
    ["not a value, none there", unless("request.headers[x-foo]", "bar"), {}, true],
    [
      "not a value, that is there",
      unless("request.headers[x-foo]", "bar"),
      { headers: { "x-foo": "bar" } },
      false,
    ],
    ["source.ip", when("source.ip", "10.1.2.0/24"), {}, true],
    ["remote.ip", when("remote.ip", "10.1.2.0/24"), {}, false],
    ["source.namespace", when("source.namespace", "shop"), {}, true],
    ["not source.namespace", unless("source.namespace", "shop"), {}, false],
    ["source.principal", when("source.principal", "*web"), {}, true],
    ["source.serviceAccount", when("source.serviceAccount", "shop/web"), {}, true],
    ["source.trustDomain", unless("source.trustDomain", "bad.example.com"), {}, true],
    ["destination.port", when("destination.port", "8080", "9090"), {}, true],
    ["connection.sni", when("connection.sni", "*.example"), {}, true],
    ["destination.ip", when("destination.ip", "10.0.0.1"), {}, undefined],
    [
      "what nobody knows, and what does not hold",
      { ...when("destination.ip", "10.0.0.1"), ...to({ methods: ["PUT"] }) },
      {},
      false,
    ],
    ["metadata of filters", when("experimental.envoy.filters.a.b[c]", "x"), {}, undefined],
    [
      "a token's principal",
      from({ requestPrincipals: ["https://issuer/a/ann"] }),
      { claims: token },
      true,
    ],
    ["any subject", from({ requestPrincipals: ["https://issuer/a/*"] }), { claims: token }, true],
    [
      "the begin of a subject",
      from({ requestPrincipals: ["https://issuer/a/a*"] }),
      { claims: token },
      true,
    ],
    ["any issuer", from({ requestPrincipals: ["*/ann"] }), { claims: token }, true],
    ["the end of an issuer", from({ requestPrincipals: ["*/a/ann"] }), { claims: token }, true],
    [
      "another subject",
      from({ requestPrincipals: ["https://issuer/a/bob"] }),
      { claims: token },
      false,
    ],
    ["any token", from({ requestPrincipals: ["*"] }), { claims: token }, true],
    ["any token, none there", from({ requestPrincipals: ["*"] }), {}, false],
    [
      "any token, one without subject",
      from({ requestPrincipals: ["*"] }),
      { claims: { iss: "x" } },
      false,
    ],
    ["no token of these", from({ notRequestPrincipals: ["*"] }), {}, true],
    ["request.auth.principal", when("request.auth.principal", "*"), { claims: token }, true],
    ["an audience", when("request.auth.audiences", "bank"), { claims: token }, true],
    ["a presenter", when("request.auth.presenter", "app"), { claims: token }, true],
    ["a claim", when("request.auth.claims[role]", "admin"), { claims: { role: "admin" } }, true],
    [
      "a claim in a list",
      when("request.auth.claims[role]", "admin"),
      { claims: { role: ["x", "admin"] } },
      true,
    ],
    [
      "a claim that is a number",
      when("request.auth.claims[level]", "3"),
      { claims: { level: 3 } },
      false,
    ],
    [
      "a nested claim",
      when("request.auth.claims[a][b]", "v*"),
      { claims: { a: { b: "v1" } } },
      true,
    ],
    [
      "a claim with its URL",
      when("request.auth.claims[https://x/roles]", "r"),
      { claims: { "https://x/roles": ["r"] } },
      true,
    ],
    [
      "words of a claim",
      when("request.auth.claims[scope]", "b"),
      { claims: { scope: "a b" }, words: ["scope"] },
      true,
    ],
    [
      "words of a claim as a whole",
      when("request.auth.claims[scope]", "a b"),
      { claims: { scope: "a b" }, words: ["scope"] },
      false,
    ],
    [
      "words of another claim",
      when("request.auth.claims[role]", "b"),
      { claims: { role: "a b" }, words: ["scope"] },
      false,
    ],
    ["not a claim", unless("request.auth.claims[role]", "admin"), {}, true],
    [
      "each condition",
      { when: [...when("source.namespace", "shop").when, ...when("source.ip", "9.9.9.9").when] },
      {},
      false,
    ],
  ] as readonly (readonly [string, object, Partial<Seen>, boolean | undefined])[])
    test(`${what}: ${expected}`, () => assert.equal(allowed(rule, seen), expected));

  test("a principal of the mesh's own trust domain is meant in each of its names", () => {
    const mesh = { trustDomain: "new.example", trustDomainAliases: ["old.example"] };
    const rule = from({ principals: ["cluster.local/ns/shop/sa/web"] });
    const by = (domain: string) => ({ principal: `${domain}/ns/shop/sa/web` });
    assert.equal(allowed(rule, by("new.example"), mesh), true);
    assert.equal(allowed(rule, by("old.example"), mesh), true);
    assert.equal(allowed(rule, by("other.example"), mesh), false);
    assert.equal(
      allowed(from({ principals: ["other.example/ns/shop/sa/web"] }), by("new.example"), mesh),
      false,
    );
  });
});

describe("several policies", () => {
  const deny = { action: "DENY", rules: [to({ methods: ["GET"] })] };
  const allow = { rules: [to({ methods: ["GET"] })] };
  for (const [what, policies, expected] of [
    ["none", [], true],
    ["an ALLOW without rules", [{}], false],
    ["an ALLOW with an empty rule", [{ rules: [{}] }], true],
    ["another lets it in", [{}, allow], true],
    ["DENY before ALLOW", [allow, deny], false],
    ["a DENY without rules", [{ action: "DENY" }], true],
    ["a DENY with an empty rule", [{ action: "DENY", rules: [{}] }], false],
    ["AUDIT refuses nothing", [{ action: "AUDIT", rules: [{}] }], true],
    ["a dry run refuses nothing", [{ ...deny, annotations: { "istio.io/dry-run": "true" } }], true],
    [
      "a dry run allows nothing",
      [{}, { ...allow, annotations: { "istio.io/dry-run": "1" } }],
      false,
    ],
    ["a dry run that says no", [{ ...deny, annotations: { "istio.io/dry-run": "false" } }], false],
    ["the root namespace's", [{ ...deny, namespace: "istio-system" }], false],
    ["another namespace's", [{ ...deny, namespace: "shop" }], true],
    ["one for these labels", [{ ...deny, selector: { matchLabels: { app: "users" } } }], false],
    ["one for other labels", [{ ...deny, selector: { matchLabels: { app: "orders" } } }], true],
    [
      "one for a gateway of the Gateway API",
      [{ ...deny, targetRefs: [{ kind: "Gateway", name: "x" }] }],
      true,
    ],
    [
      "CUSTOM by one that the mesh does not know",
      [{ action: "CUSTOM", provider: { name: "x" }, rules: [{}] }],
      false,
    ],
  ] as readonly (readonly [string, Json[], boolean])[])
    test(`${what}: ${expected}`, () => assert.equal(ruled(policies), expected));

  test("CUSTOM is nobody's to foresee, but what the others refuse stays refused", () => {
    const mesh = { extensionProviders: [{ name: "opa" }] };
    const custom = {
      action: "CUSTOM",
      provider: { name: "opa" },
      rules: [to({ paths: ["/users"] })],
    };
    assert.equal(ruled([custom], {}, mesh), undefined);
    assert.equal(ruled([custom], { path: "/other" }, mesh), true);
    assert.equal(ruled([custom, deny], {}, mesh), false);
    assert.equal(ruled([custom, {}], {}, mesh), false);
  });

  test("policiesAbout leaves out what is in a dry run", () => {
    const annotations = { "istio.io/dry-run": "true" };
    const platform = platformOf([manifest("AuthorizationPolicy", "p", {}, { annotations })]);
    assert.deepEqual(policiesAbout(platform, pod), []);
  });
});

// testdata/tcp of Istio's builder: rules about bytes
describe("bytes", () => {
  const bytes = { http: false };
  for (const [what, policy, expected] of [
    ["an ALLOW that asks for HTTP matches nothing", { rules: [to({ methods: ["GET"] })] }, false],
    ["nor one that asks for a token", { rules: [from({ requestPrincipals: ["*"] })] }, false],
    [
      "nor one with a port beside it",
      { rules: [to({ ports: ["8080"], methods: ["GET"] })] },
      false,
    ],
    [
      "an ALLOW by namespace and port",
      { rules: [{ ...from({ namespaces: ["shop"] }), ...to({ ports: ["8080"] }) }] },
      true,
    ],
    [
      "a DENY that asks for HTTP alone refuses all",
      { action: "DENY", rules: [to({ methods: ["PUT"] })] },
      false,
    ],
    [
      "a DENY with a port is about the port",
      { action: "DENY", rules: [to({ ports: ["9090"], methods: ["GET"] })] },
      true,
    ],
    [
      "a DENY by namespace",
      { action: "DENY", rules: [{ ...from({ namespaces: ["mall"], requestPrincipals: ["*"] }) }] },
      true,
    ],
  ] as const)
    test(`${what}: ${expected}`, () => assert.equal(ruled([policy], bytes), expected));
});
