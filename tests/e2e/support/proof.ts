import * as assert from "node:assert/strict";
import type { Settings } from "../../../settings/index.ts";
import type { Probe } from "../../../verify/probe.ts";
import { trafficProbes } from "../../../verify/probes/index.ts";
import { summary, table } from "../../../verify/reports/terminal.ts";
import type { Outcome } from "../../../verify/runner.ts";
import type { Verifier } from "../../../verify/verifier.ts";
import type { TestStack } from "./stack.ts";

/** The probes with those of their questions that a step of a test can have changed. */
export function narrowed(keep: (id: string, item: string) => boolean): Probe[] {
  return trafficProbes.flatMap((probe) => {
    const each = (s: Settings) => (probe.each?.(s) ?? [""]).filter((item) => keep(probe.id, item));
    return [{ ...probe, applies: (s: Settings) => probe.applies(s) && each(s).length > 0, each }];
  });
}

/** Asks every probe that applies, of those that traffic answers or of others; all must hold. */
export async function assertAllHold(
  verifier: Verifier,
  stack: TestStack,
  probes: readonly Probe[] = trafficProbes,
): Promise<Outcome[]> {
  const started = performance.now();
  const leftOut: string[] = [];
  const onLeftOut = (id: string, questions: number) => leftOut.push(`${id} (${questions})`);
  const outcomes = await verifier.ask(await stack.subject(), { onLeftOut }, probes);
  assert.deepEqual(leftOut, [], "questions that nobody here can ask");
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`    ${stack.name}: probes ${seconds} s, ${summary(outcomes)}\n`);
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
