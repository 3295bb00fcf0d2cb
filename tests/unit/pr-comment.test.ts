import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { exitCodeOf, failureSection } from "../../scripts/commands/pr-comment.ts";
import { code, comment, commentLimit, fenceFor, type Section } from "../../scripts/pr/comment.ts";
import type { StackChange } from "../../scripts/pr/compare.ts";
import { guardrailSection } from "../../scripts/pr/guardrails.ts";
import { manifestDiff, manifestSection } from "../../scripts/pr/manifest-diff.ts";
import { meaningSection } from "../../scripts/pr/meaning.ts";
import { previewSection, tidied } from "../../scripts/pr/preview.ts";
import type { CheckManifests } from "../../scripts/render/guardrails.ts";

const section = (title: string, summary: string, ...texts: string[]): Section => ({
  title,
  summary,
  details: texts.map((text, i) => ({ title: `${title} ${i}`, text, language: "diff" })),
});
const lines = (count: number, word = "line") =>
  Array.from({ length: count }, (_, i) => `+${word} ${i}`).join("\n");

/** Opened and closed folds and fences come in pairs. */
function assertClosed(text: string): void {
  assert.equal(text.split("<details>").length, text.split("</details>").length);
  assert.equal([...text.matchAll(/^`{3,}/gm)].length % 2, 0);
}

describe("comment", () => {
  test("summaries in order, details folded below their own", () => {
    const text = comment([section("A", "- one", "+x"), section("B", "- two")], "see there");
    assert.equal(
      text,
      `<!-- bankmesh: what this change does -->

## What this change does

### A

- one

<details><summary>A 0</summary>

\`\`\`diff
+x
\`\`\`

</details>

### B

- two
`,
    );
  });

  test("at GitHub's limit: summaries whole, the first details whole, then a cut between lines, and it is said", () => {
    const sections = [
      section("A", "- first", lines(100, "short")),
      section("B", "- second", lines(10_000), lines(10)),
      section("C", "- third", lines(10_000)),
    ];
    const text = comment(sections, "elsewhere");
    assert.ok(text.length <= commentLimit && text.length > commentLimit - 100, String(text.length));
    for (const summary of ["- first", "- second", "- third"]) assert.ok(text.includes(summary));
    assert.ok(text.includes("+short 99"));
    assert.match(text, /\n\+line (\d+)\n… \d+ more lines\n```\n/);
    const [, last, left] = /\n\+line (\d+)\n… (\d+) more lines/.exec(text)!;
    assert.equal(Number(last) + 1 + Number(left), 10_000);
    assert.match(text, /_3 of the folded texts had no room here, or not whole: elsewhere_\n$/);
    assertClosed(text);
  });

  test("never longer than the limit, and always closed", () => {
    const sections = [section("A", "- a", lines(50)), section("B", "- b", lines(50), lines(3))];
    for (let limit = 300; limit < 2_000; limit += 7) {
      const text = comment(sections, "there", limit);
      assert.ok(text.length <= limit, `${text.length} of ${limit}`);
      assertClosed(text);
      assert.ok(text.includes("- a") && text.includes("- b"));
    }
  });

  test("summaries that are too long by themselves are cut, and it is said", () => {
    const text = comment([section("A", lines(20_000))], "there");
    assert.ok(text.length <= commentLimit);
    assert.match(text, /\n_There was no room for more: there_\n$/);
  });

  test("text of others closes no fence, opens no fold, mentions nobody", () => {
    const evil = "```\n</details>\n@everyone";
    const text = comment([section("A <b>", "-", evil)], "");
    assert.match(text, /\n````diff\n```\n<\/details>\n@everyone\n````\n/);
    assert.ok(text.includes("<summary>A &lt;b&gt; 0</summary>"));
    assert.equal(fenceFor("a ````` b"), "``````");
    assert.deepEqual(
      [code("a `x` b"), code("`x"), code("a\n@b")],
      ["``a `x` b``", "`` `x ``", "`a @b`"],
    );
  });

  test("what could not be judged comes first, with the reason", () => {
    assert.deepEqual(failureSection([]), []);
    const [only] = failureSection([`it failed:\n${lines(50)}`]);
    assert.equal(only!.title, "Could not tell");
    assert.match(only!.summary, /^```text\nit failed:\n[^]*\+line 38\n… 11 more lines\n```$/);
  });
});

const policy = (mode: string) => `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: bank
spec:
  mtls:
    mode: ${mode}
`;
const file = "1-manifest/security.istio.io_v1-peerauthentication-bank-default.yaml";
const change = (before: string, after: string): StackChange => ({
  ...{ stack: "prod", preview: undefined },
  before: new Map([[file, before]]),
  after: new Map([[file, after]]),
});
const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: peerauthentications.security.istio.io }
spec:
  group: security.istio.io
  names: { kind: PeerAuthentication }
  versions: [{ name: v1, schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object } } } } }]
`;
const withCrd = (c: StackChange): StackChange => {
  const definition = ["0-crd/x.yaml", crd] as const;
  return {
    ...c,
    before: new Map([...c.before, definition]),
    after: new Map([...c.after, definition]),
  };
};

describe("manifests", () => {
  test("a unified diff that names the committed files, the stack's own before its CRDs", async () => {
    const both = withCrd(change(policy("STRICT"), policy("PERMISSIVE")));
    const after = new Map([...both.after].map(([f, t]) => [f, t.replace("names: {", "names:  {")]));
    assert.equal(
      await manifestDiff({ ...both, after }),
      `--- rendered/prod/${file}
+++ rendered/prod/${file}
@@ -5,4 +5,4 @@ metadata:
   namespace: bank
 spec:
   mtls:
-    mode: STRICT
+    mode: PERMISSIVE
--- rendered/prod/0-crd/x.yaml
+++ rendered/prod/0-crd/x.yaml
@@ -3,5 +3,5 @@ kind: CustomResourceDefinition
 metadata: { name: peerauthentications.security.istio.io }
 spec:
   group: security.istio.io
-  names: { kind: PeerAuthentication }
+  names:  { kind: PeerAuthentication }
   versions: [{ name: v1, schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object } } } } }]`,
    );
  });

  test("counts what is new, changed and gone", async () => {
    const { summary, details } = await manifestSection([
      change(policy("STRICT"), policy("STRICT")),
      { ...change("", ""), before: new Map([["a", "1"]]), after: new Map([["b", "1"]]) },
    ]);
    assert.equal(summary, "- `prod`: no change of 1 objects\n- `prod`: 1 new, 1 gone of 1 objects");
    assert.equal(details.length, 0, "neither lies where manifests do");
  });
});

describe("guardrails", () => {
  const check: CheckManifests = (manifests, stack) =>
    manifests.flatMap((manifest) => {
      const { spec } = manifest.object as unknown as { spec: { mtls?: { mode: string } } };
      if (!spec.mtls || spec.mtls.mode === "STRICT") return [];
      const field = ["spec", "mtls", "mode"];
      const rule = { rule: "mesh-02", message: `${stack} takes plaintext` };
      return [{ ...rule, level: "mandatory" as const, manifest, field }];
    });

  test("a mandatory one is shown with file and line, marked when the base had it not, and refuses", () => {
    const opened = withCrd(change(policy("STRICT"), policy("PERMISSIVE")));
    const { section: shown, refused } = guardrailSection([opened], check);
    const line = `\`mesh-02 mandatory: prod takes plaintext (rendered/prod/${file}:8)\``;
    assert.equal(
      shown.summary,
      `- \`prod\`: 1 mandatory, 0 advisory, 1 of them new\n\n- **new** ${line}`,
    );
    assert.equal(refused, true);
    const open = withCrd(change(policy("PERMISSIVE"), `# moved\n${policy("PERMISSIVE")}`));
    const moved = guardrailSection([open], check).section.summary;
    assert.equal(moved, `- \`prod\`: 1 mandatory, 0 advisory\n\n- ${line.replace(":8", ":9")}`);
    const closed = withCrd(change(policy("PERMISSIVE"), policy("STRICT")));
    const { section: good, refused: bad } = guardrailSection([closed], check);
    assert.deepEqual([good.summary, bad], ["- `prod`: none", false]);
  });

  test("what the CRDs refuse may not pass, nor what no CRD is about", () => {
    const { section: shown, refused } = guardrailSection(
      [change(policy("STRICT"), policy("STRICT"))],
      check,
    );
    assert.match(
      shown.summary,
      /the chart has no CRD for security\.istio\.io\/v1 PeerAuthentication/,
    );
    assert.equal(refused, true);
  });
});

describe("meaning", () => {
  test("each stack's own, the details as Markdown; what cannot be read is said", async () => {
    const explain = ({ stack }: StackChange) => ({
      summary: `**1 opens up** in ${stack}`,
      markdown: "| a |",
      judged: true,
    });
    const { section: shown, judged } = await meaningSection([change("", "")], explain);
    const { summary, details } = shown;
    assert.equal(judged, true);
    assert.equal(summary, "- `prod`: **1 opens up** in prod");
    assert.deepEqual(details, [{ title: "prod", text: "| a |", language: "markdown" }]);
    const weaker = await meaningSection([change(policy("STRICT"), policy("PERMISSIVE"))]);
    assert.match(weaker.section.summary, /^- `prod`: /);
    assert.equal(weaker.judged, true);
  });

  test("what cannot be judged is said to whoever asks, in words that are no Markdown", async () => {
    const named = change("", "");
    const evil = "kind: [ # x\n";
    const after = new Map([["a`@all](http://x)<b>.yaml", evil]]);
    const { section: shown, judged } = await meaningSection([{ ...named, after }]);
    assert.equal(judged, false);
    assert.match(shown.summary, /cannot be judged: not all manifests can be read/);
    assert.equal(shown.details[0]!.language, "text");
    assert.match(comment([shown], ""), /\n```text\na`@all\]\(http:\/\/x\)<b>\.yaml:\d: .*\n```\n/);
    const gateways = policy("STRICT").replaceAll("PeerAuthentication", "WasmPlugin");
    const odd = await meaningSection([change(gateways, gateways)]);
    assert.equal(odd.judged, false);
  });

  test("the exit code: what may not pass, and what nobody can judge", () => {
    const code = (failed: boolean, refused: boolean, judged: boolean) =>
      exitCodeOf({ failed, refused, judged });
    assert.deepEqual(
      [code(false, false, true), code(false, true, true), code(false, true, false)],
      [0, 1, 1],
    );
    assert.deepEqual([code(false, false, false), code(true, true, true)], [2, 2]);
  });
});

describe("preview", () => {
  const said = `Previewing update (prod):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:prod::bankmesh::pulumi:pulumi:Stack::bankmesh-prod]
warning: rendered YAML will contain a secret value in plaintext
    ~ b:b:B: (update)
        [id=x]
        [urn=urn:pulumi:prod::bankmesh::b:b:B::second]
        [provider=urn:pulumi:prod::bankmesh::pulumi:providers:kubernetes::cluster::01234567-89ab-cdef-0123-456789abcdef]
      ~ mode: "STRICT" => "PERMISSIVE"
        + a:a:A: (create)
            [urn=urn:pulumi:prod::bankmesh::a:a:A::first]
            folder: "/tmp/x/manifests"
    --outputs:--
  ~ mtlsMode: "STRICT" => "PERMISSIVE"
Resources:
    + 1 to create
    ~ 1 to update
    2 changes. 84 unchanged
`;

  test("less what is of one run alone, in an order of its own", () => {
    assert.equal(
      tidied(said, "/tmp/x"),
      `+ a:a:A first (create)
    folder: "<folder>/manifests"
~ b:b:B second (update)
  ~ mode: "STRICT" => "PERMISSIVE"
    --outputs:--
  ~ mtlsMode: "STRICT" => "PERMISSIVE"
Resources:
    + 1 to create
    ~ 1 to update
    2 changes. 84 unchanged`,
    );
    assert.equal(tidied("Resources:\n    84 unchanged\n", "/x"), "Resources:\n    84 unchanged");
  });

  test("counts what is to come; a stack that is gone says so", () => {
    const of = (preview: string | undefined) => previewSection([{ ...change("", ""), preview }]);
    assert.equal(of(tidied(said, "/tmp/x")).summary, "- `prod`: 1 to create, 1 to update");
    assert.equal(of("Resources:\n    84 unchanged").summary, "- `prod`: no change");
    assert.deepEqual(of("Resources:\n    84 unchanged").details, []);
    assert.match(of(undefined).summary, /the stack is gone/);
  });
});
