import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { givenStack, project } from "../../bench/guardrails/given.ts";
import { checkResources } from "../../policies/guardrails/check-manifests.ts";
import type { Resource } from "../../policies/guardrails/resource.ts";
import { rules } from "../../policies/guardrails/rules/index.ts";
import { shippedStacks } from "../../scripts/commands/render.ts";
import { root } from "../../scripts/paths.ts";
import { withThrowAway } from "../../scripts/render/throw-away.ts";
import { guardrailFlags } from "../../scripts/stack/guardrails.ts";
import { run } from "../../scripts/stack/pulumi.ts";
import { cases } from "../unit/support/guardrails/cases.ts";
import { type BadStack, badStacks } from "./support/bad-stacks.ts";

// The pack in the real engine: the shipped stacks pass, and stacks that violate what every rule is about do not.

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-guardrails-"));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A violation as the engine tells of it. */
interface Told {
  readonly rule: string;
  readonly level: string;
}

/** Violations in the output of a run, and what could not be judged. */
async function told(log: string): Promise<{ violations: Told[]; unjudged: string[]; text: string }> {
  const text = await fs.promises.readFile(log, "utf8");
  const lines = text.split("\n");
  const heads = lines.flatMap((line) => {
    const [, level, rule] = /^\s*- \[(mandatory|advisory)\].*?\s{2}([a-z]+-\d+a?)\s{2}/.exec(line) ?? [];
    return level && rule ? [{ level, rule }] : [];
  });
  const unjudged = lines.filter((line) => line.includes("cannot judge until the update"));
  return { violations: heads, unjudged, text };
}

describe("the shipped stacks, in the engine", () => {
  for (const stack of shippedStacks)
    test(stack, () =>
      withThrowAway(stack, root, process.env, async ({ stack: made }) => {
        const flags = ["--yes", "--skip-preview", "--suppress-outputs", ...guardrailFlags(stack)];
        const { code, log } = await run(made, "up", flags, true);
        const { violations, unjudged, text } = await told(log);
        assert.deepEqual(
          violations.filter((v) => v.level === "mandatory"),
          [],
          text,
        );
        assert.equal(code, 0, text);
        assert.deepEqual(unjudged, [], "after an update everything is known");
        // the pack was asked: advice that every stack gets
        assert.ok(violations.some((v) => v.rule === "gw-03a"), text);
      }),
    );
});

/** What the TLS plugin asks for, whatever a rule asks about. */
const completions: Readonly<Record<string, object>> = {
  PrivateKey: { algorithm: "RSA" },
  CertRequest: { privateKeyPem: "x" },
  SelfSignedCert: { privateKeyPem: "x" },
  LocallySignedCert: { caCertPem: "x", caPrivateKeyPem: "x", certRequestPem: "x" },
};

/** What a Kubernetes type says of its version, which the object has to say too. */
function apiVersionOf(type: string): { apiVersion?: string } {
  const [, group, version] = /^kubernetes:([^/]+)\/(\w+):/.exec(type) ?? [];
  if (!group || !version) return {};
  return { apiVersion: group === "core" ? version : `${group}/${version}` };
}

/** The resources of some cases as those of one stack: each with a name of its own. */
function together(ids: readonly string[]): Resource[] {
  return cases
    .filter(([id]) => ids.includes(id))
    .flatMap(([id, , fails]) => {
      const urn = (r: Resource, i: number) => `urn:pulumi:given::${project}::${r.type}::${id}-${i}`;
      return fails.map((resource, i) => ({
        ...resource,
        name: `${id}-${i}`,
        urn: urn(resource, i),
        props: {
          ...completions[resource.type.split(":").at(-1)!],
          ...resource.props,
          ...apiVersionOf(resource.type),
        },
        // as the engine tells of them
        secretOutputs: [],
        dependencies: (resource.dependencies ?? []).map((of) => {
          const at = fails.findIndex((other) => other.urn === of);
          return urn(fails[at]!, at);
        }),
      }));
    });
}

/**
 * Previews them, held against the guardrails.
 *
 * @param program folder of the program whose pack it is. @default this checkout
 */
async function previewOf(resources: readonly Resource[], name: string, program = root) {
  const stack = await givenStack(resources, path.join(scratch, name), process.env);
  const { code, log } = await run(stack, "preview", guardrailFlags(stack.name, program), true);
  return { code, ...(await told(log)) };
}

/** How often each rule is told of, by its id. */
const counts = (rules_: readonly string[]) =>
  Object.fromEntries(
    [...Map.groupBy(rules_, (id) => id)].map(([id, all]) => [id, all.length]).sort(),
  ) as Record<string, number>;

const wanted = ({ cases: of, brought, often }: BadStack) => ({
  ...counts([...of, ...brought]),
  ...often,
});

describe("stacks that violate what rules are about, in the engine", () => {
  for (const [i, stack] of badStacks.entries())
    test(`stack ${i + 1} of ${badStacks.length}: exactly what is written down of it`, async () => {
      const { code, violations, text } = await previewOf(together(stack.cases), `bad-${i}`);
      assert.deepEqual(counts(violations.map((v) => v.rule)), wanted(stack), text);
      assert.notEqual(code, 0, "a mandatory rule is violated");
    });

  test("each rule that is not disabled has its stack", () => {
    const active = rules.filter((rule) => !rule.disabled).map((rule) => rule.id);
    assert.deepEqual(badStacks.flatMap(({ cases: of }) => of).sort(), active.sort());
  });

  test("the same of manifests, without the engine", () => {
    for (const stack of badStacks) {
      const found = checkResources(together(stack.cases)).map((v) => v.rule);
      assert.deepEqual(counts(found), wanted(stack));
    }
  });

  test("an exemption that has expired covers nothing, and is told of (ex-01)", async () => {
    const program = path.join(scratch, "program");
    for (const part of ["policies", "meaning", "lean-start.ts", "package.json"])
      fs.cpSync(path.join(root, part), path.join(program, part), { recursive: true });
    fs.symlinkSync(path.join(root, "node_modules"), path.join(program, "node_modules"));
    fs.appendFileSync(
      path.join(program, "policies", "guardrails", "exemptions.yaml"),
      '- { rule: mesh-07, resource: DestinationRule/*, reason: r, owner: o, expires: "2026-01-01" }\n',
    );
    const { code, violations, text } = await previewOf(together(["mesh-07"]), "expired", program);
    assert.deepEqual(counts(violations.map((v) => v.rule)), { "ex-01": 1, "mesh-07": 1 }, text);
    assert.notEqual(code, 0, text);
  });
});
