import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expressionProblem } from "../../meaning/manifests/check-routing.ts";

describe("an expression that RE2 and JavaScript may not read alike", () => {
  for (const [regex, alike] of [
    ["/users/[0-9]+", true],
    [".*Bearer .*", true],
    ["(?:a|b)*\\.json", true],
    ["[\\w-]+/\\d{2,3}", true],
    ["(?i)abc", false],
    ["(?=a)b", false],
    ["(?P<n>a)", false],
    ["(a)\\1", false],
    ["\\pL", false],
    ["[[:alpha:]]", false],
    ["(a+)+", false],
    ["a(", false],
  ] as const)
    test(`${regex}: ${alike ? "alike" : "not"}`, () =>
      assert.equal(expressionProblem(regex) === undefined, alike));
});
