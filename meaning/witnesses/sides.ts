import type { Rule } from "../../policies/rule-spec.ts";
import { policiesAbout } from "../evaluate/authorization.ts";
import type { Caller } from "../evaluate/request.ts";
import { type Issuer, tokenCheckOf } from "../evaluate/tokens.ts";
import { principalOf } from "../evaluate/transport.ts";
import type { Platform } from "../manifests/platform.ts";
import type { Workload } from "../manifests/workloads.ts";
import { alternativesOf } from "./alternatives.ts";
import type { DraftContext } from "./drafts.ts";
import { unique } from "./literals.ts";
import { strangersAccount } from "./question.ts";

/** Both platforms of a comparison. */
export type Sides = readonly [base: Platform, head: Platform];

/** A rule with one `from` and one `to` at most, and what it does. */
export interface NamedRule {
  readonly rule: Rule;
  readonly action: string;
  readonly namespace: string;
  /** Whether one side alone has it. */
  readonly changed: boolean;
}

/** Rules, those that one side alone has in front, and how many were left out. */
export interface NamedRules {
  readonly rules: readonly NamedRule[];
  readonly leftOut: number;
}

/** Ids of the workloads of either side, and whether a gateway's proxy is among its pods. */
export function workloadIds(sides: Sides): string[] {
  return unique(sides.flatMap((p) => [...p.workloads.keys()])).sort();
}

/** A workload as either side has it. */
export function formsOf(sides: Sides, id: string): { platform: Platform; workload: Workload }[] {
  return sides.flatMap((platform) => {
    const workload = platform.workloads.get(id);
    return workload ? [{ platform, workload }] : [];
  });
}

const rulesKnown = new WeakMap<Sides, Map<string, NamedRules>>();

/** Rules about a workload on either side, each once. */
export function rulesAbout(sides: Sides, id: string): NamedRules {
  const mine = rulesKnown.get(sides) ?? new Map<string, NamedRules>();
  rulesKnown.set(sides, mine);
  const found = mine.get(id) ?? makeRules(sides, id);
  mine.set(id, found);
  return found;
}

function makeRules(sides: Sides, id: string): NamedRules {
  const bySide = sides.map((platform) => {
    const workload = platform.workloads.get(id);
    const rules = (workload ? policiesAbout(platform, workload) : []).flatMap(
      ({ spec, namespace }) =>
        (spec.rules ?? []).map((rule) => ({ rule, action: spec.action ?? "ALLOW", namespace })),
    );
    return new Map(rules.map((r) => [JSON.stringify(r), r]));
  });
  const all = new Map(bySide.flatMap((m) => [...m]));
  const split = [...all].map(([text, { rule, action, namespace }]) => {
    const { rules, leftOut } = alternativesOf(rule);
    const changed = bySide.some((m) => !m.has(text));
    return { leftOut, rules: rules.map((r) => ({ rule: r, action, namespace, changed })) };
  });
  return {
    rules: changedFirst(
      split.flatMap((s) => s.rules),
      (r) => r.changed,
    ),
    leftOut: split.reduce((sum, s) => sum + s.leftOut, 0),
  };
}

/** What differs between the sides comes first, so that a cut leaves out the rest. */
export function changedFirst<T>(all: readonly T[], changed: (one: T) => boolean): T[] {
  return [...all.filter(changed), ...all.filter((one) => !changed(one))];
}

/** Issuers whose tokens a workload looks at on either side, each once. */
export function issuersOf(sides: Sides, id: string): Issuer[] {
  return distinct(
    formsOf(sides, id).flatMap(
      ({ platform, workload }) => tokenCheckOf(platform, workload).issuers,
    ),
  );
}

/** Whether a workload looks at other tokens than before; then tokens are asked about whatever rules say. */
export function issuersDiffer(sides: Sides, id: string): boolean {
  const [before, after] = sides.map((platform) => {
    const workload = platform.workloads.get(id);
    return workload && JSON.stringify(tokenCheckOf(platform, workload).issuers);
  });
  return before !== after && before !== undefined && after !== undefined;
}

export function distinct<T>(values: readonly T[]): T[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const text = JSON.stringify(value);
    return seen.has(text) ? false : seen.add(text);
  });
}

export function strangerOf(namespace: string): Caller {
  return { kind: "mesh", namespace, account: strangersAccount };
}

const accounts = new WeakMap<Platform, ReadonlyMap<string, readonly string[]>>();

/** Ids of the workloads with an identity, on either side. */
function workloadsWith(sides: Sides, principal: string): string[] {
  return unique(
    sides.flatMap((platform) => {
      const known =
        accounts.get(platform) ??
        Map.groupBy(platform.workloads.keys(), (id) =>
          principalOf(platform, platform.workloads.get(id)!),
        );
      accounts.set(platform, known);
      return known.get(principal) ?? [];
    }),
  );
}

/** What rules of a namespace know beside what they ask for. */
export function contextOf(
  sides: Sides,
  namespace: string,
  more: Pick<DraftContext, "issuers" | "path" | "host" | "ports">,
): DraftContext {
  const { trustDomains } = sides[1].mesh;
  const trustDomain = trustDomains[0]!;
  const all = unique(sides.flatMap((p) => p.mesh.trustDomains));
  return {
    ...{ namespace, trustDomain, trustDomains, ...more },
    otherDomains: all.filter((d) => d !== trustDomain),
    callersWith: (principal) => {
      const workloads = workloadsWith(sides, principal);
      if (workloads.length > 0)
        return workloads.map((workload): Caller => ({ kind: "workload", workload }));
      const [domain, , ns = "any", , ...account] = principal.split("/");
      return [
        {
          ...{ kind: "mesh", namespace: ns, account: account.join("/") || "any" },
          ...(domain !== trustDomain && domain !== undefined && { trustDomain: domain }),
        },
      ];
    },
  };
}
