import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare } from "../../meaning/compare.ts";
import { inBlocks } from "../../meaning/evaluate/addresses.ts";
import { unnamedAddress } from "../../meaning/evaluate/request.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { addressesAround } from "../../meaning/witnesses/literals.ts";
import { deployment, injected, manifest, service } from "./support/manifests.ts";

const base = [injected(), deployment("users"), service("users")];
const rules = (...all: object[]) => manifest("AuthorizationPolicy", "users", { rules: all });
const tokens = (more: object) =>
  manifest("RequestAuthentication", "tokens", {
    jwtRules: [{ issuer: "https://a", jwks: "{}", ...more }],
  });
const anybody = rules({ from: [{ source: { requestPrincipals: ["https://a/*"] } }] });

/** Requests that opened, in words. */
function opened(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const c = compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
  assert.equal(c.leftOut, 0);
  return c.changes.filter((x) => x.effect === "opens").map((x) => x.what);
}
const some = (lines: readonly string[], part: RegExp) =>
  assert.ok(
    lines.some((l) => part.test(l)),
    lines.join("\n") || "nothing opened",
  );

describe("tokens are asked for", () => {
  const audiences = (...all: string[]) => tokens({ audiences: all });
  const headers = (...all: string[]) =>
    tokens({ fromHeaders: all.map((name) => ({ name, prefix: "" })) });

  test("each audience of an issuer", () =>
    some(
      opened([anybody, audiences("bank")], [anybody, audiences("bank", "shop")]),
      /token of https:\/\/a for shop$/,
    ));

  test("each audience, too, where no rule asks for a token", () =>
    some(
      opened([rules({}), audiences("bank")], [rules({}), audiences("bank", "shop")]),
      /for shop$/,
    ));

  test("each place where an issuer's tokens are looked for", () =>
    some(
      opened([anybody, headers("x-a")], [anybody, headers("x-a", "x-b")]),
      /token of https:\/\/a in header x-b$/,
    ));

  test("the second of the usual places", () =>
    some(
      opened(
        [anybody, tokens({ fromHeaders: [{ name: "authorization", prefix: "Bearer " }] })],
        [anybody, tokens({})],
      ),
      /as parameter access_token$/,
    ));

  for (const [what, key, values] of [
    ["a further value of a claim", "request.auth.claims[role]", ["x", "app*"]],
    ["a presenter", "request.auth.presenter", ["app*"]],
    ["an audience that a rule names", "request.auth.audiences", ["app*"]],
  ] as const)
    test(`a look-alike of ${what}`, () => {
      const asks = (not: string) => rules({ when: [{ key, values, notValues: [not] }] });
      assert.notDeepEqual(opened([asks("app*"), tokens({})], [asks("app1"), tokens({})]), []);
    });
});

describe("addresses of version 6", () => {
  test("the first of a block, and those beside it", () => {
    assert.deepEqual(addressesAround("2001:db8::/64"), [
      ...["2001:db8::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:0:1::"],
      unnamedAddress,
    ]);
    assert.deepEqual(addressesAround("2001:DB8:0:0:0:0:0:1"), [
      ...["2001:db8::1", "2001:db8::", "2001:db8::2", unnamedAddress],
    ]);
    assert.deepEqual(addressesAround("::/0"), ["::", unnamedAddress]);
    const [first, before, after] = addressesAround("::ffff:10.1.2.3/120") as [string, ...string[]];
    const holds = inBlocks(["::ffff:10.1.2.0/120"]);
    assert.deepEqual([first, before!, after!].map(holds), [true, false, false]);
  });

  test("a block that becomes wider opens", () => {
    const from = (block: string) => rules({ from: [{ source: { ipBlocks: [block] } }] });
    some(opened([from("2001:db8::/64")], [from("2001:db8::/48")]), /from 2001:db8:0:1::$/);
  });
});
