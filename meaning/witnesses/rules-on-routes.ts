import type { Draft } from "./drafts.ts";
import { pathInside, unique } from "./literals.ts";
import type { Base } from "./route-drafts.ts";
import type { NamedRule } from "./sides.ts";

/** Routes that a rule with paths of its own is tried with, beside the first, at most. */
const mostTried = 30;

export interface RulesOnRoutes {
  readonly found: readonly { readonly rule: NamedRule; readonly draft: Draft }[];
  readonly leftOut: number;
}

/** Requests of one host, method, query and headers: a rule's own path makes one of them. */
interface Alike {
  readonly draft: Draft;
  readonly takes: ((path: string) => boolean)[];
}

/**
 * Rules that name paths, each with the first route, and with each further host, method, query or headers that lead one of
 * its paths on: somewhere else it may let in what the first host has no route for.
 */
export function rulesOnRoutes(rules: readonly NamedRule[], bases: readonly Base[]): RulesOnRoutes {
  const [first, ...others] = kindsOf(bases);
  let leftOut = 0;
  const found = rules.flatMap((rule) => {
    const paths = others.length > 0 ? pathsIn(rule) : [];
    const led = others.filter(({ takes }) => takes.some((t) => paths.some(t)));
    leftOut += Math.max(0, led.length - mostTried);
    const drafts = [
      first?.draft ?? { method: "GET", path: "/" },
      ...led.slice(0, mostTried).map((k) => k.draft),
    ];
    return drafts.map((draft) => ({ rule, draft }));
  });
  return { found, leftOut };
}

function kindsOf(bases: readonly Base[]): Alike[] {
  const kinds = new Map<string, Alike>();
  for (const { draft, takes } of bases) {
    const { host, method, headers, path } = draft;
    const key = JSON.stringify([host, method, headers, path.split("?")[1]]);
    const kind = kinds.get(key) ?? { draft, takes: [] };
    kind.takes.push(takes);
    kinds.set(key, kind);
  }
  return [...kinds.values()];
}

function pathsIn({ rule: { to = [] } }: NamedRule): string[] {
  return unique(to.flatMap(({ operation = {} }) => (operation.paths ?? []).map(pathInside)));
}
