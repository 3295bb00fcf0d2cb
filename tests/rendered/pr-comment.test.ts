import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { sectionsOf } from "../../scripts/commands/pr-comment.ts";
import { root } from "../../scripts/paths.ts";
import { comment } from "../../scripts/pr/comment.ts";
import { type Compare, type Side, withBase } from "../../scripts/pr/compare.ts";
import { upgradedProgram } from "./support/upgraded.ts";

// The comments of seven changes, made by the real engine on a throw-away state, beside what they were when somebody last
// looked: BANKMESH_GOLDEN=write npm test -- rendered writes them anew.

const golden = path.join(import.meta.dirname, "golden");
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-golden-"));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

const shipped = (stack: string): Side => ({
  program: root,
  config: fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8"),
});

/** The side with another text in its stack's file. */
function edited({ program, config }: Side, from: string, to: string): Side {
  assert.equal(config!.split(from).length, 2, `"${from}" stands once in the file`);
  return { program, config: config!.replace(from, to) };
}

async function check(name: string, compare: Compare, head: Side, bad = false): Promise<void> {
  const { sections, refused } = await sectionsOf([await compare(head)]);
  assert.equal(refused, bad, "whether something may not pass");
  const text = comment(sections, "`npm run -s pr-comment` prints all of it");
  const file = path.join(golden, `${name}.md`);
  if (process.env.BANKMESH_GOLDEN === "write") fs.writeFileSync(file, text);
  assert.equal(comparable(text), comparable(fs.readFileSync(file, "utf8")), `${name}.md`);
}

/** How a preview is worded is up to the plugins, and only the stand-ins' words were written down. */
function comparable(text: string): string {
  if (process.env.BANKMESH_ROUTE === "airgap") return text;
  return text.replace(/<details><summary>pulumi preview[^]*?<\/details>\n/g, "");
}

describe("the comment of a pull request", () => {
  const staging = shipped("staging");
  const get = "        - { service: orders, methods: [GET] }";
  const rows: [name: string, head: () => Side, refused?: boolean][] = [
    ["strict-to-permissive", () => edited(staging, "mtlsMode: STRICT", "mtlsMode: PERMISSIVE")],
    [
      "new-caller",
      () => edited(staging, get, `${get}\n        - { service: payments, methods: [GET] }`),
    ],
    [
      "claim-dropped",
      // both rules: beside one without a claim, config refuses the other one, which asks for nothing then
      () => {
        const role = "\n        - { gateway: true, methods: [POST], claims: { role: admin } }";
        return edited(staging, `claims: { scope: payments:write } }${role}`, "token: true }");
      },
    ],
    [
      "new-service",
      () => {
        const loans = "    - name: loans\n      prefix: false\n      allowFrom:\n        - { service: orders, methods: [GET] }";
        return edited(staging, "    - name: payments", `${loans}\n    - name: payments`);
      },
    ],
    [
      "chart-upgrade",
      () => ({ ...staging, program: upgradedProgram(path.join(scratch, "upgraded")) }),
      // one chart of three
      true,
    ],
  ];
  test("of five changes of staging, a chart upgrade among them", async (t) => {
    await withBase("staging", staging, process.env, async (compare) => {
      for (const [name, head, bad] of rows)
        await t.test(name, () => check(name, compare, head(), bad));
    });
  });

  test("of a gateway that no longer asks for client certificates, and of certificates that live too long", async () => {
    const prod = shipped("prod");
    const simple = edited(prod, "gatewayTls: MUTUAL", "gatewayTls: SIMPLE");
    // no manifest tells: the engine's guardrails do
    const long = edited(prod, "leafValidityHours: 2160", "leafValidityHours: 8000");
    await withBase("prod", prod, process.env, async (compare) => {
      await check("mutual-to-simple", compare, simple);
      await check("long-lived-certificates", compare, long, true);
    });
  });

  test("a head that cannot be rendered is said to be so, with the program's own words", async () => {
    const staging = shipped("staging");
    const head = edited(staging, "mtlsMode: STRICT", "mtlsMode: ON");
    const wrong = withBase("staging", { ...staging, config: undefined }, process.env, (compare) =>
      compare(head),
    );
    await assert.rejects(wrong, (e: Error) => {
      assert.match(e.message, /^stack "staging" of the head cannot be rendered: /);
      assert.match(e.message, /bankmesh:mtlsMode is/);
      return true;
    });
  });
});
