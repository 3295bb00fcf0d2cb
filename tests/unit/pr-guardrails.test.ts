import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { stringify } from "yaml";
import { root } from "../../scripts/paths.ts";
import { type GuardrailTexts, guardrailChanges } from "../../scripts/pr/guardrail-changes.ts";
import { guardrailTexts } from "../../scripts/pr/guardrail-texts.ts";
import { guardrailSection } from "../../scripts/pr/guardrails.ts";
import { ownChanges } from "../../scripts/pr/judge-changes.ts";

const now = new Date("2027-01-15T12:00:00Z");
const demo = {
  ...{ rule: "mesh-02", resource: "PeerAuthentication/bank/*", reason: "a demo" },
  ...{ owner: "platform", expires: "2027-06-30" },
};
const other = { ...demo, rule: "wl-06", resource: "Namespace/bank" };
const side = (exemptions: readonly object[], stacks: Readonly<Record<string, object>> = {}) => ({
  exemptions: stringify(exemptions),
  stacks: new Map(Object.entries(stacks).map(([stack, file]) => [stack, JSON.stringify(file)])),
});
const lines = (before: GuardrailTexts, after: GuardrailTexts) =>
  guardrailChanges(before, after, now).lines;

describe("changes of exemptions", () => {
  test("none where nothing changes, in whatever order", () => {
    const both = [side([demo, other]), side([other, demo])] as const;
    assert.deepEqual(guardrailChanges(...both, now), { lines: [], refused: false });
    const none = guardrailChanges(undefined, undefined, now);
    assert.deepEqual(none, { lines: [], refused: false });
  });

  test("what is exempted now, and no longer, with day, reason and owner", () => {
    assert.deepEqual(lines(side([other]), side([other, demo])), [
      "**exempted now**: rule `mesh-02` for resource `PeerAuthentication/bank/*` until 2027-06-30, because `a demo`; owner `platform`",
    ]);
    assert.deepEqual(lines(side([other, demo]), side([other])), [
      "no longer exempted: rule `mesh-02` for resource `PeerAuthentication/bank/*`, was until 2027-06-30, because `a demo`; owner `platform`",
    ]);
    const [all] = lines(side([]), side([{ ...demo, stacks: ["prod", "dev"] }]));
    assert.match(all!, /\*` in `dev`, `prod` until 2027-06-30/);
    // a base from before there were guardrails
    assert.equal(guardrailChanges(undefined, side([demo]), now).lines.length, 1);
  });

  test("what changes of one, and whether it exempts for more", () => {
    const to = (more: object) => lines(side([demo]), side([{ ...demo, ...more }]));
    const subject = "rule `mesh-02` for resource `PeerAuthentication/bank/*`";
    assert.deepEqual(to({ expires: "2028-06-30" }), [
      `**exempted for more**: ${subject}: until 2028-06-30 (was 2027-06-30); because \`a demo\`; owner \`platform\``,
    ]);
    assert.deepEqual(to({ expires: "2027-02-01", reason: "two", owner: "bank", stacks: ["dev"] }), [
      `exemption changed: ${subject}: until 2027-02-01 (was 2027-06-30); in \`dev\` (was all stacks); because \`two\` (was \`a demo\`); owner \`bank\` (was \`platform\`)`,
    ]);
    const dev = { ...demo, stacks: ["dev"] };
    assert.deepEqual(lines(side([dev]), side([{ ...demo, stacks: ["dev", "prod"] }])), [
      `**exempted for more**: ${subject}: in \`dev\`, \`prod\` (was \`dev\`); because \`a demo\`; owner \`platform\``,
    ]);
  });

  test("several of one rule for one resource are told apart by their stacks", () => {
    const [dev, prod] = ["dev", "prod"].map((stack) => ({ ...demo, stacks: [stack] }));
    const [line, ...rest] = lines(
      side([dev!, prod!]),
      side([{ ...prod!, reason: "another" }, dev!]),
    );
    assert.match(line!, /: because `another` \(was `a demo`\); owner `platform`$/);
    assert.deepEqual(rest, []);
    assert.match(
      lines(side([dev!]), side([dev!, prod!])).join("\n"),
      /^\*\*exempted now.*`prod`.*$/,
    );
  });

  test("one that has expired says so, old or new", () => {
    const over = { ...demo, expires: "2027-01-14" };
    assert.deepEqual(lines(side([over]), side([over])), [
      "exemption expired on 2027-01-14: rule `mesh-02` for resource `PeerAuthentication/bank/*`; owner `platform`",
    ]);
    assert.match(lines(side([]), side([over]))[0]!, /until 2027-01-14, which is over, because/);
    const today = { ...demo, expires: "2027-01-15" };
    assert.deepEqual(lines(side([today]), side([today])), []);
  });

  test("what cannot be read is said, and may not pass", () => {
    const bad = guardrailChanges(side([demo]), side([{ ...demo, owner: "" }]), now);
    assert.equal(bad.refused, true);
    assert.deepEqual(bad.lines, [
      "`policies/guardrails/exemptions.yaml` of the head **cannot be read**: `exemptions[0]: owner has to be a text`",
    ]);
    const noFile = guardrailChanges(side([demo]), { ...side([]), exemptions: undefined }, now);
    assert.match(noFile.lines[0]!, /there is no such file/);
    const mended = guardrailChanges({ ...side([]), exemptions: "- 1" }, side([demo]), now);
    assert.match(mended.lines.join("\n"), /of the base \*\*cannot[^]*\*\*exempted now/);
    assert.equal(mended.refused, false);
    const gone = guardrailChanges(side([demo]), undefined, now);
    assert.match(gone.lines[0]!, /^\*\*there are no guardrails any more\*\*/);
    assert.equal(gone.refused, true);
  });

  test("rules of another commit may have other names; text of others is shown as it is", () => {
    const [line] = lines(side([{ ...demo, rule: "old-01" }]), side([]));
    assert.match(line!, /rule `old-01`/);
    const [evil] = lines(side([]), side([{ ...demo, reason: "`</details>`\n@all" }]));
    assert.ok(evil!.includes("because `` `</details>` @all ``;"), evil);
  });
});

describe("changes of levels", () => {
  const levels = (before: object | undefined, after: object | undefined) =>
    lines(side([], before && { prod: before }), side([], after && { prod: after }));

  test("weighs less or more, against the rule's own level where a file says nothing", () => {
    assert.deepEqual(levels({ "mesh-02": "mandatory" }, {}), [
      "**weighs less**: rule `mesh-02` in `prod`, now `advisory`, was `mandatory`",
    ]);
    assert.deepEqual(levels(undefined, { "mesh-02": "mandatory" }), [
      "weighs more: rule `mesh-02` in `prod`, now `mandatory`, was `advisory`",
    ]);
    assert.deepEqual(levels({ "mesh-01": "mandatory" }, undefined), [], "it is mandatory anyway");
    const same = { enforcementLevel: "mandatory" };
    assert.deepEqual(levels({ "wl-03": "mandatory" }, { "wl-03": same }), []);
  });

  test("turned off and on; `all` is every rule that is not named", () => {
    assert.deepEqual(levels({}, { "mesh-01": "disabled" }), [
      "**turned off**: rule `mesh-01` in `prod`, was `mandatory`",
    ]);
    assert.deepEqual(levels({ "mesh-01": "disabled" }, {}), [
      "turned on: rule `mesh-01` in `prod`, now `mandatory`",
    ]);
    const off = levels({}, { all: "disabled", "mesh-01": "mandatory" });
    assert.ok(off.includes("**turned off**: rule `gw-01` in `prod`, was `mandatory`"));
    assert.ok(!off.some((line) => line.includes("mesh-01")));
  });

  test("values that a rule takes", () => {
    const entry = (leafHours?: number) => ({
      "pki-01": { enforcementLevel: "mandatory", ...(leafHours && { leafHours }) },
    });
    assert.deepEqual(levels(entry(2160), entry(9000)), [
      "**another value**: rule `pki-01` in `prod`, `leafHours` `9000` (was `2160`)",
    ]);
    assert.match(levels(entry(2160), entry())[0]!, /`leafHours` the rule's own \(was `2160`\)$/);
  });

  test("a file that is no JSON, or no map of levels, is said to be so, and may not pass", () => {
    for (const [text, why] of [
      ["{", /JSON/],
      ["[]", /a map of rules is expected/],
      ['{ "mesh-01": 3 }', /mesh-01: a level, or a map with one, is expected/],
    ] as const) {
      const head = { ...side([]), stacks: new Map([["prod", text]]) };
      const { lines, refused } = guardrailChanges(side([]), head, now);
      assert.match(lines[0]!, why);
      assert.ok(
        lines[0]!.startsWith("`policies/guardrails/stacks/prod.json` of the head **cannot"),
      );
      assert.equal(refused, true);
    }
  });
});

describe("changes of what judges", () => {
  type Files = Readonly<Record<string, string>>;
  const shipped = {
    "policies/guardrails/exemptions.yaml": "[]",
    "policies/guardrails/rules/gateway.ts": 'level: "mandatory"',
    "policies/guardrails/rules/index.ts": "ownHosts(), httpsOnly()",
    "meaning/evaluate/doors.ts": "export const doors = 1;",
    "index.ts": "one",
  };

  function writeFiles(folder: string, files: Files): void {
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), text);
    }
  }

  /** What is said of a head with these files, where the base has the shipped ones. */
  function linesOf(files: Files, alter: (head: string) => void = () => {}): readonly string[] {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-judges-"));
    const [base, head] = ["base", "head"].map((side) => path.join(scratch, side));
    try {
      writeFiles(base!, shipped);
      writeFiles(head!, files);
      alter(head!);
      const { lines, refused } = ownChanges(base!, head!, now);
      assert.equal(refused, false, "whoever reads it may want it");
      return lines;
    } finally {
      fs.rmSync(scratch, { recursive: true });
    }
  }

  test("none where no such file differs, whatever else does", () => {
    assert.deepEqual(linesOf({ ...shipped, "index.ts": "two" }), []);
    assert.deepEqual(ownChanges(root, root, new Date("2026-12-01")), { lines: [], refused: false });
  });

  test("another level in a rule's code, a rule that is taken out, and one that is emptied", () => {
    for (const [file, text] of [
      ["policies/guardrails/rules/gateway.ts", 'level: "advisory"'],
      ["policies/guardrails/rules/index.ts", "ownHosts()"],
      ["policies/guardrails/rules/gateway.ts", ""],
      ["meaning/evaluate/doors.ts", "export const doors = 0;"],
    ] as const)
      assert.deepEqual(linesOf({ ...shipped, [file]: text }), [
        `**what judges this change differs from the base**: 1 file: \`${file}\``,
      ]);
  });

  test("what is gone comes first, what is new last; a few are named, all are counted", () => {
    const more = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [`meaning/${i}.ts`, ""] as const),
    );
    const [line, ...others] = linesOf(
      { ...shipped, ...more, "policies/guardrails/rules/index.ts": "" },
      (head) => fs.rmSync(path.join(head, "meaning/evaluate/doors.ts")),
    );
    assert.deepEqual(others, []);
    assert.equal(
      line,
      "**what judges this change differs from the base**: 8 files: `meaning/evaluate/doors.ts` (gone), `policies/guardrails/rules/index.ts`, `meaning/0.ts` (new), `meaning/1.ts` (new), `meaning/2.ts` (new), and 3 more",
    );
  });

  test("a link in place of a file is another file, wherever it leads", () => {
    const file = "meaning/evaluate/doors.ts";
    const [line] = linesOf(shipped, (head) => {
      fs.rmSync(path.join(head, file));
      fs.symlinkSync("../../nowhere", path.join(head, file));
    });
    assert.match(line!, /: 1 file: `meaning\/evaluate\/doors\.ts`$/);
  });

  test("exemptions and levels have lines of their own, after that", () => {
    const told = {
      ...shipped,
      "policies/guardrails/exemptions.yaml": stringify([demo]),
      "policies/guardrails/stacks/prod.json": '{ "mesh-01": "disabled" }',
    };
    const own = linesOf(told);
    assert.equal(own.length, 2);
    assert.match(own.join("\n"), /^\*\*exempted now[^]*\n\*\*turned off/);
    const [first, ...rest] = linesOf({ ...told, "meaning/new.ts": "" });
    assert.match(first!, /: 1 file: `meaning\/new\.ts` \(new\)$/);
    assert.deepEqual(rest, own);
  });

  test("guardrails that are gone are refused as ever, and counted", () => {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-judges-"));
    try {
      writeFiles(scratch, { "policies/guardrails/exemptions.yaml": "[]", "meaning/a.ts": "" });
      const { lines, refused } = ownChanges(scratch, path.join(scratch, "none"), now);
      assert.equal(refused, true);
      assert.match(lines.join("\n"), /`meaning\/a\.ts` \(gone\)\n\*\*there are no guardrails/);
    } finally {
      fs.rmSync(scratch, { recursive: true });
    }
  });
});

describe("changes of the guardrails, in their section", () => {
  test("they come before what the guardrails find", () => {
    const none = guardrailSection([], () => []);
    assert.equal(none.section.summary, "");
    const change = { stack: "prod", before: new Map(), after: new Map(), preview: undefined };
    const own = { lines: ["**turned off**: x", "turned on: y"], refused: false };
    const { section, refused } = guardrailSection([change], () => [], own);
    assert.equal(
      section.summary,
      `Changes of the guardrails themselves:

- **turned off**: x
- turned on: y

What they find:

- \`prod\`: none`,
    );
    assert.equal(refused, false, "whoever reads it may want it");
    assert.equal(guardrailSection([change], () => [], { ...own, refused: true }).refused, true);
  });

  test("the shipped ones are read from a program's folder; one without them has none", () => {
    const texts = guardrailTexts(root)!;
    assert.deepEqual([...texts.stacks.keys()], ["prod"]);
    assert.deepEqual(guardrailChanges(texts, texts, new Date("2026-12-01")), {
      lines: [],
      refused: false,
    });
    const empty = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-texts-"));
    try {
      assert.equal(guardrailTexts(empty), undefined);
    } finally {
      fs.rmSync(empty, { recursive: true });
    }
  });
});
