import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { coversRule } from "../../settings/rule-covers.ts";

type Rule = Parameters<typeof coversRule>[0];
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
  [{ claims: { a: ["1"] } }, { ...orders, claims: { a: ["1"], b: ["2"] } }, false],
  [{ headers: { a: ["1"] } }, orders, false],
];

describe("a rule that takes in everything of another one", () => {
  for (const [wide, narrow, covers] of cases)
    it(`${JSON.stringify(wide)} over ${JSON.stringify(narrow)}: ${covers}`, () =>
      assert.equal(coversRule(wide, narrow), covers));
});
