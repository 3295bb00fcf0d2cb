import type { Make, Made } from "./edge-drafts.ts";
import { type NamedRule, changedFirst } from "./sides.ts";

/** Rules that refuse, and requests that each is tried with, at most. */
const mostRules = 300;
const mostTried = 200;
/** Of those, the ones that are asked with what is around them; of the others, the request alone. */
const mostWhole = 10;

export interface Crossed {
  readonly found: readonly {
    readonly made: Made;
    /** Whether it is asked without what is around it. */
    readonly alone: boolean;
  }[];
  readonly leftOut: number;
}

/** What a gateway refuses first, as requests that something else lets in. */
export function refusals(
  rules: readonly NamedRule[],
  allowed: readonly Made[],
  make: Make,
): Crossed {
  const refusing = rules.filter((r) => r.action !== "ALLOW");
  const segments = Map.groupBy(allowed, ({ centre }) => segment(centre.path));
  let leftOut = Math.max(0, refusing.length - mostRules);
  const found = refusing.slice(0, mostRules).flatMap((rule) => {
    const own = make(rule, { method: "GET", path: "/" }).centre.path;
    // most refusals name a path, and what is let in there
    const near = own === "/" ? allowed : (segments.get(segment(own)) ?? []);
    const tried = apart(
      changedFirst(near, (n) => n.changed).map(({ centre }) => make(rule, centre)),
    );
    leftOut += Math.max(0, tried.length - mostTried);
    return tried.slice(0, mostTried).map((made, i) => ({ made, alone: i >= mostWhole }));
  });
  return { found, leftOut };
}

function segment(path: string): string {
  return path.split(/[/?]/)[1] ?? "";
}

/** Requests that differ; most of what lets them in is lost where the refusal names its own. */
function apart(all: readonly Made[]): Made[] {
  return [...new Map(all.map((made) => [JSON.stringify(made.centre), made])).values()];
}
