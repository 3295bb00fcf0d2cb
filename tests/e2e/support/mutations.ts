import * as assert from "node:assert/strict";
import * as path from "node:path";
import { Breakage } from "../../../verify/mutations/breakage.ts";
import { allMutations, reasonAgainst } from "../../../verify/mutations/index.ts";
import { lineOf } from "../../../verify/mutations/report.ts";
import { runMutation } from "../../../verify/mutations/run.ts";
import type { Verifier } from "../../../verify/verifier.ts";
import type { TestStack } from "./stack.ts";

/** Breaks a stack in these ways, one at a time; the probes have to notice each, with the right reason. */
export async function assertAllCaught(
  verifier: Verifier,
  stack: TestStack,
  ids: readonly string[],
): Promise<void> {
  const subject = await stack.subject();
  const { settings } = subject;
  const { otherCa, namesakeCa } = verifier.strangers;
  const breaker = new Breakage(await stack.kubectl(), path.join(stack.backend, "mutation.json"));
  for (const id of ids) {
    const mutation = allMutations.find((m) => m.id === id);
    assert.ok(mutation, `there is no mutation ${id}`);
    assert.equal(reasonAgainst(mutation, settings), undefined, id);
    const result = await runMutation(mutation, settings, {
      ...{ breaker, materials: { settings, otherCa, namesakeCa } },
      ask: (probes, options, trusts) =>
        verifier.ask({ ...subject, ...(trusts && { caPem: namesakeCa.certPem }) }, options, probes),
    });
    process.stdout.write(`    ${stack.name}: ${lineOf(result, id.length)}\n`);
    assert.equal(result.verdict, "caught", lineOf(result, id.length));
  }
}
