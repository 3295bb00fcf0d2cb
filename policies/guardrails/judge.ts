import type { Resource } from "./resource.ts";
import type { Finding, Rule, RuleSettings } from "./rule.ts";
import { isUnknown } from "./unknown.ts";
import { World } from "./world.ts";

/** What a rule found, and what it could not judge because a value is known only after the update. */
export interface Judgement {
  readonly findings: readonly Finding[];
  /** One text a value that is not known yet. */
  readonly unknowns: readonly string[];
}

export const defaultSettings: RuleSettings = {
  registries: ["bankmesh.local", "docker.io", "ghcr.io", "registry.k8s.io"],
  leafHours: 8760,
  minReplicas: 1,
};

/** What a rule says of one resource. */
export function judgeResource(rule: Rule, resource: Resource, settings: RuleSettings): Judgement {
  return collect(rule.resource?.(resource, settings) ?? [], []);
}

/** What a rule says of all resources together. */
export function judgeStack(
  rule: Rule,
  resources: readonly Resource[],
  settings: RuleSettings,
): Judgement {
  if (!rule.stack) return collect([], []);
  const world = new World(resources, settings);
  return collect(rule.stack(world), world.unknowns);
}

/** What was found before an unknown value was met counts; a value that is met is never taken for a good one. */
function collect(found: Iterable<Finding>, met: readonly unknown[]): Judgement {
  const findings: Finding[] = [];
  const unknowns: unknown[] = [];
  try {
    for (const finding of found) findings.push(finding);
  } catch (e) {
    if (!isUnknown(e)) throw e;
    unknowns.push(e);
  }
  const texts = [...met, ...unknowns].map((e) => (e as Error).message);
  return { findings, unknowns: [...new Set(texts)] };
}

/** One line for people: the resource, what is wrong, how to mend it, where to read on. */
export function messageOf(rule: Rule, { about, what, fix }: Finding): string {
  return `${about}: ${what}. Fix: ${fix}. See ${rule.url}`;
}
