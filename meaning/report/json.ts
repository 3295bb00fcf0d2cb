import type { Comparison } from "../compare.ts";
import { countsOf } from "./groups.ts";
import { verdictText } from "./words.ts";

/** All of a comparison, for programs. */
export function jsonReport(name: string, comparison: Comparison): object {
  const { changes, blind, notJudged, leftOut, asked } = comparison;
  const counts = countsOf(comparison);
  return {
    name,
    verdict: verdictText(comparison),
    counts,
    asked,
    leftOut,
    changes,
    blind,
    notJudged,
  };
}
