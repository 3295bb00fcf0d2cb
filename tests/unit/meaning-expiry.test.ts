import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tokenCheckOf } from "../../meaning/evaluate/tokens.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { requireExpiration } from "../../policies/expiry.ts";
import { deployment, injected, manifest, service } from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const selector = { matchLabels: { app: "users" } };
const issuer = (name: string, audiences = [name]) => ({ issuer: `https://${name}`, audiences });
const tokens = (...jwtRules: object[]) =>
  manifest("RequestAuthentication", "users", { selector, jwtRules });

/** The program's own filter about issuers. */
const filterOf = (issuers: object[], more: Json = {}) =>
  requireExpiration({
    ...{ issuers: issuers as never, ownKeys: {}, forward: false, context: "SIDECAR_INBOUND" },
    ...{ selector: { app: "users" }, ...more },
  }) as Json;

function read(rules: object[], spec: object, more: object[] = []) {
  const filter = manifest("EnvoyFilter", "expiry", spec);
  const objects = [injected(), deployment("users"), service("users"), tokens(...rules), filter];
  const platform = platformOf([...objects, ...(more as typeof objects)]);
  const { expiry } = tokenCheckOf(platform, platform.workloads.get("bank/users")!);
  return { expiry, said: platform.unjudged.map((u) => u.text) };
}

describe("an EnvoyFilter that refuses tokens without an expiry", () => {
  const [a, b] = [issuer("a"), issuer("b")];

  test("is read where its providers are the pods' issuers", () =>
    assert.deepEqual(read([b, a], filterOf([a, b])), { expiry: true, said: [] }));

  for (const [what, rules, filtered] of [
    ["another issuer", [a], [b]],
    ["another audience", [a], [issuer("a", ["other"])]],
    ["no audience", [a], [issuer("a", [])]],
    ["an issuer beside those", [a], [a, b]],
    ["an issuer that it leaves out", [a, b], [a]],
  ] as const)
    test(`is not judged with ${what}`, () => {
      const { said } = read([...rules], filterOf([...filtered]));
      assert.equal(said.length, 1);
      assert.match(said[0]!, /providers: are not the issuers that bank\/users has/);
    });

  test("counts for proxies of its context alone", () => {
    const atGateways = filterOf([a], { context: "GATEWAY" });
    assert.deepEqual(read([a], atGateways), { expiry: false, said: [] });
  });

  const values = (tag: string) => ({
    ...manifest("ConfigMap", "istio-sidecar-injector", {}, { namespace: "istio-system" }),
    data: { values: JSON.stringify({ global: { tag } }, null, 2) },
  });
  test("is about proxies of istiod's version and of the one before", () => {
    const spec = filterOf([a], { istioVersion: "1.31.1" });
    assert.deepEqual(read([a], spec, [values("1.31.1")]), { expiry: true, said: [] });
    assert.deepEqual(read([a], spec).said, []);
    assert.match(read([a], spec, [values("1.33.0")]).said[0]!, /is not about proxies of 1\.33\.0/);
    const odd = structuredClone(spec);
    odd.configPatches[0].match.proxy.proxyVersion = "^9";
    assert.match(read([a], odd).said[0]!, /which proxies "\^9" is about is not read here/);
  });

  test("is any other filter where it does more", () => {
    const more = filterOf([a]);
    more.configPatches[0].match.proxy = { metadata: { a: "b" } };
    assert.match(read([a], more).said[0]!, /what an EnvoyFilter does cannot be read/);
  });
});
