import * as assert from "node:assert/strict";
import { table } from "../../../verify/report";
import type { Outcome } from "../../../verify/runner";
import type { Verifier } from "../../../verify/verifier";
import type { TestStack } from "./stack";

/** Asks every probe that applies; all must hold. */
export async function assertAllHold(verifier: Verifier, stack: TestStack): Promise<Outcome[]> {
  const outcomes = await verifier.ask(await stack.subject());
  assert.ok(outcomes.length > 0, "no probe applies");
  assert.ok(
    outcomes.every((o) => o.verdict === "holds"),
    `probes on stack ${stack.name}:\n${table(outcomes)}`,
  );
  return outcomes;
}

/** Ids of the probes that were asked, each once. */
export function idsOf(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.map((o) => o.id))];
}
