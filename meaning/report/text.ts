import { columns } from "../../scripts/columns.ts";
import type { Comparison } from "../compare.ts";
import { type Group, effectWords, few, groupsOf } from "./groups.ts";
import { blindText, countText, sentence, unknownTexts, verdictText } from "./words.ts";

/** Groups that are shown in full; the rest is counted. */
const most = 40;

/** A comparison as text for a terminal. */
export function textReport(name: string, comparison: Comparison): string {
  const groups = groupsOf(comparison);
  const loud = groups.filter((g) => g.effect === "opens" || g.effect === "weakens");
  const quiet = groups.filter((g) => !loud.includes(g));
  const unknown = [...comparison.blind.map(blindText), ...unknownTexts(comparison)];
  return [
    `${name}: ${verdictText(comparison)}`,
    `  ${countText(comparison)}`,
    ...section("what opens up", loud),
    ...section("what else changes", quiet),
    ...(groups.length > 0 ? ["", ...table(groups).map((l) => `  ${l}`)] : []),
    ...(unknown.length > 0 ? ["", "  cannot be judged", ...unknown.map((u) => `    ? ${u}`)] : []),
  ].join("\n");
}

function section(title: string, groups: readonly Group[]): string[] {
  if (groups.length === 0) return [];
  const mark = title === "what opens up" ? "!" : "-";
  const rest = groups.length - most;
  return [
    "",
    `  ${title}`,
    ...groups.slice(0, most).map((g) => `    ${mark} ${sentence(g)}`),
    ...(rest > 0 ? [`    and ${rest} more groups`] : []),
  ];
}

function table(groups: readonly Group[]): string[] {
  const rows = groups
    .slice(0, most)
    .map((g) => [
      effectWords[g.effect],
      g.who,
      g.about,
      g.what.length === 1
        ? g.what[0]!
        : `${few(g.what, 1).split(";")[0]} and ${g.what.length - 1} more`,
      g.before,
      g.after,
    ]);
  return columns([["", "caller", "to", "request", "before", "after"], ...rows]);
}
