import type { Comparison } from "../compare.ts";
import { judged, opens } from "../compare.ts";
import { type Group, effectWords, few, groupsOf } from "./groups.ts";
import { blindText, countText, sentence, unknownTexts, verdictText } from "./words.ts";

/** Groups that are shown; a pull request's comment has an end. */
const most = 60;

/** A comparison for a pull request. */
export function markdownReport(name: string, comparison: Comparison): string {
  const groups = groupsOf(comparison);
  const mark = opens(comparison) ? "⚠️" : judged(comparison) ? "✅" : "❔";
  const loud = groups.filter((g) => g.effect === "opens" || g.effect === "weakens");
  const unknown = [...comparison.blind.map(blindText), ...unknownTexts(comparison)];
  const rest = groups.length - most;
  return [
    `### ${mark} ${escaped(name)}: ${verdictText(comparison)}`,
    "",
    `${countText(comparison)}.`,
    ...(loud.length > 0
      ? [
          "",
          "**What opens up**",
          "",
          ...loud.slice(0, most).map((g) => `- ${escaped(sentence(g))}`),
        ]
      : []),
    ...(groups.length > 0 ? ["", ...table(groups.slice(0, most))] : []),
    ...(rest > 0 ? ["", `And ${rest} more groups.`] : []),
    ...(unknown.length > 0
      ? ["", "**Cannot be judged**", "", ...unknown.map((u) => `- ${escaped(u)}`)]
      : []),
    "",
  ].join("\n");
}

function table(groups: readonly Group[]): string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", "caller", "to", "requests", "before", "after"]),
    row(["---", "---", "---", "---", "---", "---"]),
    ...groups.map((g) => {
      const loud = g.effect === "opens" || g.effect === "weakens";
      const words = loud ? `⚠️ **${effectWords[g.effect]}**` : effectWords[g.effect];
      return row([words, ...[g.who, g.about, few(g.what), g.before, g.after].map(escaped)]);
    }),
  ];
}

/** A text that is read as it stands: names come from manifests that anybody may have written. */
function escaped(text: string): string {
  return (
    text
      .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ")
      .replace(/[\\`*_{}[\]<>|]/g, (c) => `\\${c}`)
      // which would call people, and lead to tickets
      .replace(/[@#]/g, (c) => `${c}\u200b`)
  );
}
