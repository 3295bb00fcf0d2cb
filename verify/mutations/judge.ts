import type { Settings } from "../../settings/index.ts";
import { allProbes } from "../probes/index.ts";
import type { Probe } from "../probe.ts";
import type { Outcome } from "../runner.ts";
import type { Expected } from "./mutation.ts";

/** What the probes said of a broken platform. */
export interface Finding {
  /** Outcomes that noticed it, with the right reason. */
  readonly caught: readonly Outcome[];
  /** What should have noticed it and did not, or not with the right reason; empty when it is caught. */
  readonly missed: readonly string[];
  /** Ids of others that noticed it as well. */
  readonly others: readonly string[];
}

/** Holds outcomes against what has to be red, item by item. Each expectation is to be met, and by all of its items. */
export function judgeMutation(
  expected: readonly Expected[],
  outcomes: readonly Outcome[],
): Finding {
  const caught: Outcome[] = [];
  const missed: string[] = [];
  for (const one of expected) {
    const about = outcomes.filter(
      (o) => o.id === one.probe && (one.items?.includes(o.item) ?? true),
    );
    const unasked = one.items?.filter((item) => !about.some((o) => o.item === item)) ?? [];
    for (const item of unasked) missed.push(`${nameOf(one.probe, item)} was not asked`);
    if (about.length === 0 && unasked.length === 0) missed.push(`${one.probe} was not asked`);
    for (const o of about) {
      if (matches(one, o)) caught.push(o);
      else
        missed.push(
          `${nameOf(o.id, o.item)} ${o.verdict} with ${o.got}: ${o.text}; ${wanted(one)}`,
        );
    }
  }
  const red = outcomes.filter((o) => o.verdict !== "holds" && !caught.includes(o));
  const others = [...new Set(red.map((o) => o.id))].filter(
    (id) => !expected.some((one) => one.probe === id),
  );
  return { caught, missed, others };
}

function matches({ verdict = "fails", got, says }: Expected, o: Outcome): boolean {
  if (o.verdict !== verdict || o.got !== got) return false;
  const { message, errorCode = "" } = o.evidence;
  return says === undefined || says.test(`${o.text}\n${message}\n${errorCode}`);
}

function wanted({ verdict = "fails", got, says }: Expected): string {
  return `it should be red (${verdict}) with ${got}${says ? ` and say ${says.source}` : ""}`;
}

export function nameOf(id: string, item: string): string {
  return item === "" ? id : `${id} (${item})`;
}

/** The probes that have to notice, with those of their questions alone. */
export function probesToAsk(expected: readonly Expected[]): Probe[] {
  const items = Map.groupBy(expected, (e) => e.probe);
  return allProbes.flatMap((probe) => {
    const of = items.get(probe.id);
    if (!of) return [];
    if (of.some((e) => e.items === undefined)) return [probe];
    const wantedItems = of.flatMap((e) => e.items!);
    const each = (s: Settings) =>
      (probe.each?.(s) ?? [""]).filter((item) => wantedItems.includes(item));
    return [{ ...probe, each }];
  });
}

/** What can be expected where some probes cannot be asked: here no istioctl, there no way to the gateway. */
export function withoutUnasked(
  expected: readonly Expected[],
  unasked: ReadonlySet<string>,
): Expected[] {
  return expected.filter((one) => !unasked.has(one.probe));
}
