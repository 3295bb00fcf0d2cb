import type { Rule } from "../../policies/rule-spec.ts";

/** Pairs of one rule at most. */
const mostPairs = 24;

/** Rules, and how many more there would be. */
export interface Alternatives {
  readonly rules: readonly Rule[];
  readonly leftOut: number;
}

/** A rule as several that have one of its `from` and one of its `to` each: a request is asked for both at once. */
export function alternativesOf(rule: Rule): Alternatives {
  const { from = [], to = [] } = rule;
  if (from.length < 2 && to.length < 2) return { rules: [rule], leftOut: 0 };
  const [callers, operations] = [from.length || 1, to.length || 1];
  const pairs = Array.from({ length: callers * operations }, (_, n) => {
    const [i, j] = [Math.floor(n / operations), n % operations];
    return { i, j, far: (i - j) % Math.min(callers, operations) !== 0 };
  });
  // each of either side comes first, with some of the other
  const ordered = [...pairs.filter((p) => !p.far), ...pairs.filter((p) => p.far)];
  return {
    rules: ordered.slice(0, mostPairs).map(({ i, j }) => ({
      ...rule,
      ...(from.length > 0 && { from: [from[i]!] }),
      ...(to.length > 0 && { to: [to[j]!] }),
    })),
    leftOut: Math.max(0, ordered.length - mostPairs),
  };
}
