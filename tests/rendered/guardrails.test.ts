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

/** Previews them, held against the guardrails. */
async function previewOf(resources: readonly Resource[], name: string) {
  const stack = await givenStack(resources, path.join(scratch, name), process.env);
  const { code, log } = await run(stack, "preview", guardrailFlags(stack.name), true);
  return { code, ...(await told(log)) };
}

const active = rules.filter((rule) => !rule.disabled);
const judged = (ids: readonly string[]) => checkResources(together(ids), { rules: active });
const isSeen = (ids: readonly string[], id: string) => judged(ids).some((v) => v.rule === id);
/** What the project's own exemptions cover wherever it is found. */
const exempt = active.map(({ id }) => id).filter((id) => !isSeen([id], id));

/** Few stacks, in each of which every rule that it is for is violated: what one rule misses, another's case may bring. */
function bad(): string[][] {
  const stacks: string[][] = [];
  for (const { id } of active.filter((rule) => !exempt.includes(rule.id))) {
    const fits = (ids: readonly string[]) => {
      const seen = new Set(judged([...ids, id]).map((v) => v.rule));
      return [...ids, id].every((wanted) => seen.has(wanted));
    };
    const home = stacks.find(fits);
    if (home) home.push(id);
    else stacks.push([id]);
  }
  return stacks;
}

describe("stacks that violate what rules are about, in the engine", () => {
  const stacks = bad();
  for (const [i, ids] of stacks.entries())
    test(`stack ${i + 1} of ${stacks.length}: exactly what the rules say of the same resources`, async () => {
      const { code, violations, text } = await previewOf(together(ids), `bad-${i}`);
      const count = (of: readonly { readonly rule: string }[]) =>
        Object.fromEntries(
          [...Map.groupBy(of, (v) => v.rule)].map(([rule, all]) => [rule, all.length]).sort(),
        );
      assert.deepEqual(count(violations), count(judged(ids)));
      for (const id of ids) assert.ok(violations.some((v) => v.rule === id), `${id}\n${text}`);
      assert.notEqual(code, 0, "a mandatory rule is violated");
    });

  test("each rule has its stack that is neither disabled nor exempted everywhere", () => {
    assert.deepEqual(exempt, ["wl-06", "ist-03"]);
    assert.equal(stacks.flat().length, active.length - exempt.length);
  });
});
