import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { normalizePath } from "../../meaning/evaluate/path-normalization.ts";
import { templateMatcher, templateProblem } from "../../meaning/evaluate/path-template.ts";
import type { Normalization } from "../../meaning/manifests/mesh-config.ts";

/** Rows of Istio's own test of normalization: what is sent, then what NONE, BASE, MERGE and DECODE make of it. */
const rows = [
  ["/", "/", "/", "/", "/"],
  ["/app#foo", "/app", "/app", "/app", "/app"],
  ["/app/", "/app/", "/app/", "/app/", "/app/"],
  ["/app/../admin", "/app/../admin", "/admin", "/admin", "/admin"],
  ["/app//", "/app//", "/app//", "/app/", "/app/"],
  ["/app/%2f", "/app/%2f", "/app/%2f", "/app/%2f", "/app/"],
  ["/app%2f/", "/app%2f/", "/app%2f/", "/app%2f/", "/app/"],
  ["/xyz%30..//abc", "/xyz%30..//abc", "/xyz0..//abc", "/xyz0../abc", "/xyz0../abc"],
  ["/app/%2E./admin", "/app/%2E./admin", "/admin", "/admin", "/admin"],
  ["/app\\admin", "/app\\admin", "/app/admin", "/app/admin", "/app/admin"],
  ["/app/\\/\\/\\admin", "/app/\\/\\/\\admin", "/app//////admin", "/app/admin", "/app/admin"],
  [
    "/%2Fapp%5cadmin%5Cabc",
    "/%2Fapp%5cadmin%5Cabc",
    "/%2Fapp%5cadmin%5Cabc",
    "/%2Fapp%5cadmin%5Cabc",
    "/app/admin/abc",
  ],
  [
    "/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc",
    "/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc",
    "/%5Capp%2f%5c%2F..%2fadmin%5c/abc",
    "/%5Capp%2f%5c%2F..%2fadmin%5c/abc",
    "/app/admin/abc",
  ],
  ["/app//../admin", "/app//../admin", "/app/admin", "/app/admin", "/app/admin"],
  ["/app//../../admin", "/app//../../admin", "/admin", "/admin", "/admin"],
] as const;
const columns: readonly Normalization[] = [
  "NONE",
  "BASE",
  "MERGE_SLASHES",
  "DECODE_AND_MERGE_SLASHES",
];

describe("a path before anything is asked about it", () => {
  for (const [sent, ...made] of rows)
    test(sent, () =>
      assert.deepEqual(
        columns.map((n) => normalizePath(sent, n)),
        made,
      ),
    );

  for (const [sent, made] of [
    ["/%c0%2e%c0%2e/admin", "/%c0.%c0./admin"],
    ["/%c0%2fadmin", "/%c0/admin"],
    ["/0x2e0x2e/admin", "/0x2e0x2e/admin"],
    ["/%25c0%25ae%25c1%259cadmin", "/%25c0%25ae%25c1%259cadmin"],
    ["/%252e%252e/admin", "/%252e%252e/admin"],
    ["/%c0%ae%c0%ae/admin", "/%c0%ae%c0%ae/admin"],
    ["/.../admin", "/.../admin"],
    ["/..;/admin", "/admin"],
    ["/;/admin", "/;/admin"],
    ["/admin;a=b/xyz", "/admin;a=b/xyz"],
    ["/ADMIN", "/ADMIN"],
    ["/admin?x=/../y", "/admin"],
    ["/admin%00", undefined],
  ] as const)
    test(`${sent}, decoded`, () =>
      assert.equal(normalizePath(sent, "DECODE_AND_MERGE_SLASHES"), made));

  test("every encoded character is decoded if it is unreserved or a slash, and only then", () => {
    for (let i = 1; i <= 0xff; i += 1) {
      const sent = `/admin%${i.toString(16).padStart(2, "0")}`;
      const char = String.fromCharCode(i);
      const made = /[A-Za-z0-9._~-]/.test(char)
        ? `/admin${char}`
        : /[/\\]/.test(char)
          ? "/admin/"
          : sent;
      assert.equal(normalizePath(sent, "DECODE_AND_MERGE_SLASHES"), made);
    }
  });
});

describe("a path template", () => {
  const templates = ["/allow/admin/{**}", "/foo/{*}/bar/{**}", "/store/{**}/cart"].map(
    templateMatcher,
  );
  for (const [path, matches] of [
    ["/allow/admin/", true],
    ["/allow/admin", false],
    ["/allow/user/", false],
    ["/allow", false],
    ["/allow/admin/temp", true],
    ["/allow/admin/temp.txt", true],
    ["/allow/admin/foo/temp.txt", true],
    ["/foo/buzz/bar/bat.txt", true],
    ["/foo/buzz/bar/bat/fuzz.txt", true],
    ["/foo/bar/bat.txt", false],
    ["/foo//bar/bat.txt", false],
    ["/foo/buzz/bar/bat", true],
    ["/store//cart", true],
    ["/store/cart", false],
    ["/store/foo/cart", true],
    ["/store/foo/bar/cart", true],
  ] as const)
    test(`${path}: ${matches ? "inside" : "outside"}`, () =>
      assert.equal(
        templates.some((t) => t(path)),
        matches,
      ));

  for (const [path, problem] of [
    ["/{*}/{*}/{**}", undefined],
    ["/{**}/{*}", "{**} has to be the last operator"],
    ["/{**}/{**}", "{**} has to be the last operator"],
    ["/a{*}", "braces stand for nothing but {*} and {**}"],
    ["/{name}", "braces stand for nothing but {*} and {**}"],
    ["/{*}/a*b", '"a*b" cannot stand in a template'],
  ] as const)
    test(`${path}: ${problem ?? "is one"}`, () => assert.equal(templateProblem(path), problem));
});
