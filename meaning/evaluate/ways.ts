import type { Answer, Way } from "./request.ts";

/** The containers that a request reaches; none where it is refused, or ends at a gateway. */
export function waysOf({ verdict, reached, mtls, tokenSeen, ways }: Answer): readonly Way[] {
  if (verdict !== "open" || reached === undefined) return [];
  return ways ?? [{ reached, mtls: mtls === true, tokenSeen: tokenSeen === true }];
}

/**
 * One answer for a request that takes one of several ways, nobody knows which: what is open in one is open, and reaches
 * all that are.
 */
export function together(answers: readonly Answer[]): Answer {
  if (answers.length < 2) return answers[0] ?? nowhere("a route without destination");
  const of = (verdict: Answer["verdict"]) => answers.find((a) => a.verdict === verdict);
  const [open, unknown] = [of("open"), of("unknown")];
  if (!open) return unknown ?? answers[0]!;
  const ways = merged(answers.flatMap(waysOf));
  const unsure = unknown?.by ?? answers.find((a) => a.unsure !== undefined)?.unsure;
  return {
    ...open,
    ...(ways.length > 0 && {
      reached: ways.map((w) => w.reached).join(", "),
      mtls: ways.every((w) => w.mtls),
      tokenSeen: ways.some((w) => w.tokenSeen),
    }),
    ...(ways.length > 1 && { ways }),
    ...(unsure !== undefined && { unsure }),
  };
}

/** Each container once, by the worst way that leads to it. */
function merged(ways: readonly Way[]): Way[] {
  const found = new Map<string, Way>();
  for (const way of ways) {
    const known = found.get(way.reached) ?? way;
    found.set(way.reached, {
      reached: way.reached,
      mtls: known.mtls && way.mtls,
      tokenSeen: known.tokenSeen || way.tokenSeen,
    });
  }
  return [...found.values()].sort((a, b) => (a.reached < b.reached ? -1 : 1));
}

/** What a gateway answers for a host that it does not reach. */
export function nowhere(by: string): Answer {
  return { verdict: "closed", reason: "no-upstream", at: "gateway", by };
}
