import { type Blind, type Comparison, judged, opens } from "../compare.ts";
import { type Group, countsOf, few } from "./groups.ts";

/** What came of a stack's comparison in one sentence. */
export function verdictText(comparison: Comparison): string {
  const { opens: open, weakens, closes, strengthens, differs, unchanged } = countsOf(comparison);
  const doubt = judged(comparison) ? "" : ", as far as it can be judged";
  const more = open + weakens;
  if (opens(comparison))
    return `${count(more, "request")} ${more === 1 ? "gets" : "get"} more than before${doubt}`;
  const perhaps = mayOpen(comparison);
  if (perhaps > 0)
    return `${count(perhaps, "request")} may get more than before, which cannot be judged`;
  if (closes + strengthens > 0) return `nothing opens up, and something closes${doubt}`;
  if (differs > 0) return `nothing opens up or closes${doubt}`;
  return `nobody gets anything else than before, by ${count(unchanged, "question")}${doubt}`;
}

/** Requests that were refused, and may be let in now for all that is known. */
function mayOpen({ notJudged }: Pick<Comparison, "notJudged">): number {
  return notJudged.filter(
    ({ before, after }) => before.verdict === "closed" && after.verdict === "unknown",
  ).length;
}

/** Numbers of each effect, those that are none left out. */
export function countText(comparison: Comparison): string {
  const c = countsOf(comparison);
  const parts = [
    [c.opens, "refused → allowed"],
    [c.weakens, "allowed with less protection"],
    [c.closes, "allowed → refused"],
    [c.strengthens, "allowed with more protection"],
    [c.differs, "otherwise refused, or elsewhere"],
  ] as const;
  return [
    ...parts.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`),
    `${c.unchanged} unchanged`,
    `${c.notJudged} cannot be judged`,
    ...(comparison.leftOut > 0 ? [`${comparison.leftOut} not asked, there were too many`] : []),
  ].join(", ");
}

/** A group as a sentence. */
export function sentence({ effect, who, about, what, before, after, by }: Group): string {
  const asked = what.length === 1 ? what[0]! : few(what, 2);
  const because = by === "" ? "" : `, by ${by}`;
  switch (effect) {
    case "opens":
      return isOpen(before)
        ? `${who} → ${about}: ${asked} now ${after} (before: ${before})`
        : `${who} → ${about}: may now ${asked} (before: ${before}${because})`;
    case "closes":
      return `${who} → ${about}: may no longer ${asked} (now: ${after}${because})`;
    case "weakens":
      return `${who} → ${about}: less protection for ${asked} (${before} → ${after})`;
    case "strengthens":
      return `${who} → ${about}: more protection for ${asked} (${before} → ${after})`;
    case "differs":
      return `${who} → ${about}: ${asked}: ${before} → ${after}${because}`;
  }
}

/** Whether a group of requests reached containers before, too: others, then. */
function isOpen(before: string): boolean {
  return before.startsWith("reaches ");
}

/** Something that cannot be judged, with its place. */
export function blindText({ side, object, place, text }: Blind): string {
  const when = { before: " (before)", after: "", both: " (before and after)" }[side];
  return `${place}: ${object}${when}: ${text}`;
}

/** What is unknown about the requests that have no answer, and how many it is about. */
export function unknownTexts({ notJudged }: Comparison): string[] {
  const counts = new Map<string, number>();
  for (const { about, before, after } of notJudged) {
    const unknown = [after, before].find((a) => a.verdict === "unknown");
    const why = unknown ? unknown.by : (after.unsure ?? before.unsure);
    const text = `${about}: ${why ?? "unknown"}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, n]) => `${text} (${count(n, "request")})`);
}

export function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}
