import { columns } from "../../scripts/columns.ts";
import type { Outcome } from "../runner.ts";
import { nameOf } from "./judge.ts";
import type { Mutation } from "./mutation.ts";
import type { MutationResult } from "./run.ts";

/** Which probes noticed it, each with its reason and the number of its questions. */
export function noticedBy(caught: readonly Outcome[]): string {
  const words = [...Map.groupBy(caught, (o) => `${o.id} [${o.got}]`)];
  return words.map(([word, of]) => (of.length > 1 ? `${word} ×${of.length}` : word)).join(", ");
}

/** One mutation in one line, and below it what is wrong with it. */
export function lineOf(result: MutationResult, widthOfIds: number): string {
  const { mutation, verdict, finding, noticedAfter, seconds } = result;
  const after = noticedAfter === undefined ? "" : `after ${noticedAfter.toFixed(1)} s`;
  const line = [
    verdict.toUpperCase().padEnd("NOT ASKED".length),
    mutation.id.padEnd(widthOfIds),
    `${seconds.toFixed(1)} s`.padStart(7),
    [noticedBy(finding.caught), after].filter(Boolean).join(", "),
  ];
  return [line.join("  ").trimEnd(), ...problemsOf(result).map((text) => `    ${text}`)].join("\n");
}

function problemsOf({ verdict, mutation, finding, left, error }: MutationResult): string[] {
  const others = finding.others.length > 0 ? [`also red: ${finding.others.join(", ")}`] : [];
  if (verdict !== "missed") return others;
  return [
    `while ${mutation.breaks}:`,
    ...(error === undefined ? [] : [`it could not be made: ${error}`]),
    ...finding.missed,
    ...left.map((o) => `still red once it was undone: ${nameOf(o.id, o.item)}: ${o.text}`),
    ...others,
  ];
}

/** Mutations that are not for the stack, each with its reason. */
export function notForLines(reasons: readonly (readonly [Mutation, string])[]): string[] {
  if (reasons.length === 0) return [];
  return [
    "not for this stack:",
    ...columns(reasons.map(([{ id }, reason]) => [`  ${id}`, reason])),
  ];
}

export function summaryOf(results: readonly MutationResult[], notFor: number): string {
  const count = (verdict: MutationResult["verdict"]) =>
    results.filter((r) => r.verdict === verdict).length;
  const parts = [
    `${count("caught")} caught`,
    `${count("missed")} missed`,
    ...(count("not asked") > 0 ? [`${count("not asked")} not asked`] : []),
    `${notFor} not for this stack`,
  ];
  return parts.join(", ");
}

/** What came of one round of a platform that nobody broke. */
export interface UnbrokenRound {
  readonly outcomes: readonly Outcome[];
  readonly seconds: number;
}

/** Figures of all rounds, and below them each question that was red, with the rounds in which it was. */
export function unbrokenSummary(rounds: readonly UnbrokenRound[]): string {
  const seconds = rounds.reduce((sum, r) => sum + r.seconds, 0);
  const asked = rounds.reduce((sum, r) => sum + r.outcomes.length, 0);
  const red = rounds.flatMap(({ outcomes }, i) =>
    outcomes.filter((o) => o.verdict !== "holds").map((o) => ({ o, round: i + 1 })),
  );
  const figures = `${rounds.length} rounds, ${asked} questions, ${red.length} red, in ${seconds.toFixed(0)} s`;
  const lines = [...Map.groupBy(red, ({ o }) => nameOf(o.id, o.item))].map(
    ([name, of]) =>
      `    ${name}, round ${of.map(({ round }) => round).join(", ")}: ${of[0]!.o.text}`,
  );
  return [figures, ...lines].join("\n");
}
