import type { Rule } from "../../policies/rule-spec.ts";
import { policiesAbout } from "../evaluate/authorization.ts";
import type { Caller } from "../evaluate/request.ts";
import { type Issuer, tokenCheckOf } from "../evaluate/tokens.ts";
import { principalOf } from "../evaluate/transport.ts";
import type { Platform } from "../manifests/platform.ts";
import type { Workload } from "../manifests/workloads.ts";
import type { DraftContext } from "./drafts.ts";
import { unique } from "./literals.ts";
import { strangersAccount } from "./question.ts";

/** Both platforms of a comparison. */
export type Sides = readonly [base: Platform, head: Platform];

/** A rule, and what it does. */
export interface NamedRule {
  readonly rule: Rule;
  readonly action: string;
  readonly namespace: string;
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

/** Rules about a workload on either side, each once. */
export function rulesAbout(sides: Sides, id: string): NamedRule[] {
  const rules = formsOf(sides, id).flatMap(({ platform, workload }) =>
    policiesAbout(platform, workload).flatMap(({ spec, namespace }) =>
      (spec.rules ?? []).map((rule) => ({ rule, action: spec.action ?? "ALLOW", namespace })),
    ),
  );
  return distinct(rules);
}

/** Issuers whose tokens a workload looks at on either side, each once. */
export function issuersOf(sides: Sides, id: string): Issuer[] {
  return distinct(
    formsOf(sides, id).flatMap(
      ({ platform, workload }) => tokenCheckOf(platform, workload).issuers,
    ),
  );
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

const accounts = new WeakMap<object, ReadonlyMap<string, string>>();

/** Workloads by their identities, on either side. */
function workloadWith(sides: Sides, principal: string): string | undefined {
  for (const platform of sides) {
    const known =
      accounts.get(platform) ??
      new Map([...platform.workloads.values()].map((w) => [principalOf(platform, w), w.id]));
    accounts.set(platform, known);
    const found = known.get(principal);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What rules of a namespace know beside what they ask for. */
export function contextOf(
  sides: Sides,
  namespace: string,
  issuers: readonly Issuer[],
  path: string,
): DraftContext {
  const trustDomain = sides[1].mesh.trustDomains[0]!;
  return {
    ...{ namespace, trustDomain, issuers, path, strangerOf },
    callerWith: (principal) => {
      const workload = workloadWith(sides, principal);
      if (workload !== undefined) return { kind: "workload", workload };
      const [domain, , ns = "any", , ...account] = principal.split("/");
      return {
        ...{ kind: "mesh", namespace: ns, account: account.join("/") || "any" },
        ...(domain !== trustDomain && domain !== undefined && { trustDomain: domain }),
      };
    },
  };
}
