import type { Rule } from "../../policies/rule-spec.ts";
import type { Caller, Seen } from "../evaluate/request.ts";
import { claimsOf } from "../evaluate/tokens.ts";
import { principalOf } from "../evaluate/transport.ts";
import { type Part, takes } from "./asking.ts";
import type { Draft, DraftContext, Parts } from "./drafts.ts";
import { type Sides, distinct, formsOf } from "./sides.ts";
import { neighbours } from "./vary.ts";

/** A rule that one side alone has, and the request that it asks for. */
export interface Changed {
  readonly rule: Rule;
  readonly context: DraftContext;
  readonly centre: Draft;
  readonly own: Parts;
  /** What rules speak of that may stand beside this one. */
  readonly pool: Parts;
  /** What leads such values to where the request goes. */
  readonly led?: (parts: Parts) => Parts;
}

export const noParts: Parts = {
  ...{ callers: [], methods: [], paths: [], hosts: [], headers: [] },
  ...{ tokens: [], addresses: [], ports: [], serverNames: [] },
};

/** All that several rules speak of, each value once. */
export function union(all: readonly Parts[]): Parts {
  const of = <K extends keyof Parts>(key: K) =>
    distinct(all.flatMap((p) => p[key] as readonly unknown[])) as unknown as Parts[K];
  return {
    ...{ callers: of("callers"), methods: of("methods"), paths: of("paths") },
    ...{ hosts: of("hosts"), headers: of("headers"), tokens: of("tokens") },
    ...{ addresses: of("addresses"), ports: of("ports"), serverNames: of("serverNames") },
  };
}

/**
 * Requests that a changed rule takes and that differ in two things from its own: another rule may decide that one, and
 * each that differs in one thing, so that nobody sees what this one does. What it does not take it changes nothing of.
 *
 * @param most pairs at most, the first of each rule before the second of any; what lies beyond is no question that a rule
 *   asks by itself, and not counted as left out
 */
export function pairsOf(sides: Sides, changed: readonly Changed[], most: number): Draft[] {
  const found = new Map<string, Draft>();
  let open = changed.map((rule) => pairsWith(sides, rule));
  // the same pair may come of many rules
  for (let tried = 0; open.length > 0 && found.size < most && tried < 4 * most;) {
    open = open.filter((pairs) => {
      const { value, done } = pairs.next();
      if (done) return false;
      tried++;
      found.set(JSON.stringify(value), value);
      return true;
    });
  }
  return [...found.values()].slice(0, most);
}

/** One pair after the other: there may be many more than are asked. */
function* pairsWith(sides: Sides, rule: Changed): Generator<Draft, undefined> {
  const own = takenBy(sides, rule, rule.own);
  const { led = (parts) => parts } = rule;
  const pool = led(takenBy(sides, rule, rule.pool));
  for (const near of neighbours(rule.centre, own)) yield* neighbours(near, noParts, pool).slice(1);
  return undefined;
}

/** Values that a rule takes, whatever the rest of the request. */
function takenBy(sides: Sides, { rule, context }: Changed, parts: Parts): Parts {
  const only = <T>(part: Part, values: readonly T[], as: (value: T) => Partial<Seen>) => {
    const test = takes(rule, part, context);
    return values.filter((value) => test(as(value)));
  };
  const { issuers, trustDomain } = context;
  return {
    // names of servers come with ways in, and are no choice of their own
    serverNames: [],
    callers: only("callers", parts.callers, (c) => ({
      principal: identityOf(sides, c, trustDomain),
    })),
    methods: only("methods", parts.methods, (method) => ({ method })),
    paths: only("paths", parts.paths, (path) => ({ path: path.split("?")[0]! })),
    hosts: only("hosts", parts.hosts, (host) => ({ host })),
    headers: only("headers", parts.headers, (headers) => ({ headers: headers ?? {} })),
    tokens: only("tokens", parts.tokens, (token) => ({
      claims: token && claimsOf(token),
      words: issuers.find((i) => i.issuer === token?.issuer)?.words ?? [],
    })),
    addresses: only("addresses", parts.addresses, (a) => ({ peerAddress: a, remoteAddress: a })),
    ports: only("ports", parts.ports, (port) => ({ port })),
  };
}

/** Whose identity somebody has, as rules see it. */
function identityOf(sides: Sides, caller: Caller, trustDomain: string): string | undefined {
  if (caller.kind === "mesh")
    return `${caller.trustDomain ?? trustDomain}/ns/${caller.namespace}/sa/${caller.account}`;
  if (caller.kind !== "workload") return undefined;
  const [form] = formsOf(sides, caller.workload);
  return form && principalOf(form.platform, form.workload);
}
