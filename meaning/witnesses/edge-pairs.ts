import type { Rule } from "../../policies/rule-spec.ts";
import { takes } from "./asking.ts";
import type { Parts } from "./drafts.ts";
import type { EdgeDrafts, Made } from "./edge-drafts.ts";
import { otherMethod, unique } from "./literals.ts";
import { type Changed, pairsOf, union } from "./pairs.ts";
import { ledBy } from "./route-drafts.ts";
import { type Sides, formsOf } from "./sides.ts";

/** Requests of changed rules that differ in two things from their own, at most. */
const mostPaired = 6000;
/** Routes that such a rule is tried with then: where it is hidden at one, it mostly is at all of them. */
const mostRoutes = 10;

/** What changed rules take at a gateway, and another one may decide as well. */
export function edgePairs(
  sides: Sides,
  door: string,
  found: readonly Made[],
): EdgeDrafts["drafts"] {
  // at a door that is new everything opens that is open at all
  if (formsOf(sides, door).length < 2) return [];
  const changed = found.flatMap((made) => (made.changed ? (asking(made) ?? []) : []));
  const [first] = changed;
  if (!first) return [];
  const others = found.flatMap((made) => asking(made) ?? []);
  const times = new Map<Rule, number>();
  const rules = changed.flatMap((one): Changed[] => {
    const { rule, context, base } = one.asked;
    const time = times.get(rule) ?? 0;
    times.set(rule, time + 1);
    if (time >= mostRoutes) return [];
    const own = withoutCallers(one.made.parts);
    // with other rules' paths once, whatever the route
    const pool = { ...poolFor(one, others), ...(time > 0 && { paths: [] }) };
    const led = (parts: Parts) => ledBy(base, parts);
    return [{ rule, context, centre: one.made.centre, own, pool, led }];
  });
  const around = pairsOf(sides, rules, mostPaired);
  return [{ centre: first.made.centre, around, route: false }];
}

/** A rule's request, with its paths as the rule knows them. */
interface Asking {
  readonly made: Made;
  readonly asked: NonNullable<Made["asked"]>;
  readonly paths: readonly string[];
  readonly takes: (path: string) => boolean;
}

/** Of each rule; many routes ask for the same ones. */
const tests = new WeakMap<Rule, ReturnType<typeof takes>>();

function asking(made: Made): Asking | undefined {
  const { asked } = made;
  if (!asked) return undefined;
  const test = tests.get(asked.rule) ?? takes(asked.rule, "paths", asked.context);
  tests.set(asked.rule, test);
  return {
    ...{ made, asked, takes: (path) => test({ path }) },
    paths: unique([made.centre.path, ...made.parts.paths].map((p) => p.split("?")[0]!)),
  };
}

/** What rules speak of that may decide a request of this one: not those of other paths. */
function poolFor(one: Asking, others: readonly Asking[]): Parts {
  const mine = one.paths.filter(one.takes);
  const near = others.filter((o) => o.paths.some(one.takes) || mine.some(o.takes));
  const all = union(near.map(({ made }) => withoutCallers(made.parts)));
  return {
    ...all,
    methods: [...all.methods, ...otherMethod(all.methods)],
    paths: unique(near.flatMap((o) => o.paths)),
  };
}

/** Nobody outside has an identity of the mesh, or a choice of the port behind the one that he dials. */
export function withoutCallers(parts: Parts): Parts {
  return { ...parts, callers: [], ports: [] };
}
