import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { proxyVersions, requireExpiration } from "../../policies/expiry.ts";
import { validateSpec } from "../../policies/schema.ts";
import { parseSettings } from "../../settings/index.ts";
import { keySet, settings } from "./support/settings.ts";

const issuers = [
  {
    name: "partner",
    issuer: "https://z.partner",
    audiences: ["bank"],
    jwks: keySet,
  },
  {
    ...{ name: "bank", issuer: "https://a.bank", audiences: ["bank", "shop"], keyIds: ["k1"] },
    claimHeaders: { "X-Jwt-Sub": "sub" },
  },
];
const rules = {
  authorization: "enforce",
  services: [{ name: "users", allowFrom: [{ gateway: true }] }],
};
const s = settings({ authentication: { issuers, requireExpiry: true } });
const args = { issuers: s.authentication.issuers, ownKeys: { bank: "own keys" }, forward: true };

interface Patches {
  readonly configPatches: readonly {
    readonly match: { readonly context: string };
    readonly patch: { readonly value: { readonly typed_config: { readonly providers: object } } };
  }[];
}

describe("requireExpiration", () => {
  const spec = requireExpiration({ ...args, context: "GATEWAY", selector: { istio: "x" } });
  const [patch] = (spec as Patches).configPatches;

  test("is an EnvoyFilter that the CRD allows, for the proxies that it names", () => {
    assert.deepEqual(validateSpec("EnvoyFilter", spec), []);
    assert.deepEqual(Reflect.get(spec, "workloadSelector"), { labels: { istio: "x" } });
    assert.equal(patch!.match.context, "GATEWAY");
  });

  test("is for proxies of istiod's minor version and the one before; of one that is found, for all", () => {
    const [own] = (
      requireExpiration({ ...args, context: "GATEWAY", istioVersion: "1.31.1" }) as Patches
    ).configPatches;
    const proxyVersion = "^1\\.(30|31)\\.";
    assert.deepEqual(Reflect.get(own!.match, "proxy"), { proxyVersion });
    assert.ok(!("proxy" in patch!.match));
    const takes = (version: string) =>
      new RegExp(proxyVersions("1.31.0-git.eed52ebb66ad")).test(version);
    for (const version of ["1.31.0-git.eed52ebb66ad", "1.31.1", "1.30.4"])
      assert.ok(takes(version));
    for (const version of ["1.29.7", "1.32.0", "1.310.1", "11.31.0"]) assert.ok(!takes(version));
  });

  test("writes each issuer's part as istiod does, in the order of the issuers, and asks for an expiry", () => {
    const common = {
      payload_in_metadata: "payload",
      normalize_payload_in_metadata: { space_delimited_claims: ["permission", "scope"] },
      from_headers: [{ name: "Authorization", value_prefix: "Bearer " }],
      forward: true,
      require_expiration: true,
      clear_route_cache: true,
    };
    assert.deepEqual(patch!.patch.value.typed_config.providers, {
      "origins-0": {
        issuer: "https://a.bank",
        audiences: ["bank", "shop"],
        local_jwks: { inline_string: "own keys" },
        claim_to_headers: [{ header_name: "X-Jwt-Sub", claim_name: "sub" }],
        ...common,
      },
      "origins-1": {
        issuer: "https://z.partner",
        audiences: ["bank"],
        local_jwks: { inline_string: keySet },
        ...common,
      },
    });
  });

  test("is refused for keys that istiod fetches", () => {
    const fetched = [{ name: "far", issuer: "https://far", audiences: ["bank"] }];
    const { problems } = parseSettings(
      "dev",
      { ...rules, authentication: { issuers: fetched, requireExpiry: true } },
      process.env,
    );
    assert.deepEqual(
      problems.map((p) => p.key),
      ["authentication.requireExpiry"],
    );
  });

  test("is refused where it would do nothing", () => {
    const allowed = (values: Record<string, unknown>) =>
      parseSettings("dev", values, process.env).problems.map((p) => p.allowed);
    const authentication = { issuers: [issuers[1]], requireExpiry: true };
    assert.deepEqual(allowed({ ...rules, authentication }), []);
    assert.match(allowed({ authentication }).join(), /^false while authorization is off/);
    const none = { ...rules, authentication: { requireExpiry: true } };
    assert.match(allowed(none).join(), /^false without issuers/);
  });
});
