import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare, judged } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import {
  deployment,
  gatewayObjects,
  injected,
  manifest,
  service,
  usersRoute,
} from "./support/manifests.ts";

const door = { namespace: "istio-system" };
const ofDoor = { selector: { matchLabels: { istio: "ingressgateway" } } };
const tokens = (more: object = {}, place: object = {}) =>
  manifest(
    "RequestAuthentication",
    "tokens",
    { ...more, jwtRules: ["a", "b"].map((i) => ({ issuer: `https://${i}`, jwks: "{}" })) },
    place,
  );
const base = [
  ...[injected(), deployment("users"), service("users"), ...gatewayObjects()],
  ...[tokens(), tokens(ofDoor, door)],
  ...usersRoute(),
];
const places = {
  "at the gateway": (rule: object) =>
    manifest("AuthorizationPolicy", "p", { ...ofDoor, rules: [rule] }, door),
  inside: (rule: object) => manifest("AuthorizationPolicy", "p", { rules: [rule] }),
};

/** What opened, in words; everything has an answer. */
function opened(before: Manifest, after: Manifest): string[] {
  const c = compare(platformOf([...base, before]), platformOf([...base, after]));
  assert.equal(judged(c), true);
  return c.changes.filter((x) => x.effect === "opens").map((x) => x.what);
}
const operation = (o: object) => ({ to: [{ operation: o }] });
const source = (s: object) => ({ from: [{ source: s }] });
const principal = (values: string[]) => when("request.auth.principal", values);
const principals = (requestPrincipals: string[]) => source({ requestPrincipals });
const when = (key: string, values: string[]) => ({ when: [{ key, values }] });

for (const [where, policy] of Object.entries(places))
  describe(`one value more in a list of a rule, ${where}`, () => {
    for (const [what, values, make, asked] of [
      ["a method", ["GET", "POST"], (v) => operation({ methods: v }), /^POST /],
      ["a path", ["/a", "/b/*"], (v) => operation({ paths: v }), /GET \S*\/b\/1/],
      ["a header", ["k1", "k2"], (v) => when("request.headers[x]", v), /x: k2/],
      ["a claim", ["c1", "c2"], (v) => when("request.auth.claims[r]", v), /"r":"c2"/],
      ["a subject", ["https://a/ann", "https://a/joe"], principals, /https:\/\/a about joe/],
      [
        "a subject of another issuer",
        ["https://a/ann", "https://b/bob"],
        principals,
        /b about bob/,
      ],
      ["a subject of a condition", ["https://a/ann", "https://a/joe"], principal, /about joe/],
      ["an address", ["10.0.0.0/8", "11.0.0.0/8"], (v) => source({ remoteIpBlocks: v }), /from 11/],
    ] as const satisfies [string, string[], (values: string[]) => object, RegExp][])
      test(what, () => {
        const [few, all] = [policy(make(values.slice(0, 1))), policy(make([...values]))];
        const lines = opened(few, all);
        assert.ok(
          lines.some((l) => asked.test(l)),
          lines.join("\n") || "nothing opened",
        );
        assert.deepEqual(opened(all, few), []);
      });

    test("whoever may be whom a rule refuses", () => {
      const refused = (...notRequestPrincipals: string[]) => {
        const made = policy(source({ notRequestPrincipals }));
        return { ...made, spec: { ...made.spec, action: "DENY" } };
      };
      const [few, all] = [refused("https://a/ann"), refused("https://a/ann", "https://a/joe")];
      assert.ok(opened(few, all).some((l) => /about joe/.test(l)));
      assert.deepEqual(opened(all, few), []);
    });

    test("all methods, where a rule named all the usual ones", () => {
      const usual = ["GET", "POST", "DELETE", "PUT", "PATCH"];
      for (const n of [4, 5]) {
        const lines = opened(policy(operation({ methods: usual.slice(0, n) })), policy({}));
        assert.ok(
          lines.some((l) => /^(PATCH|HEAD) /.test(l)),
          lines.join("\n") || "nothing",
        );
      }
    });
  });
