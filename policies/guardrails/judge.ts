import type { Resource } from "./resource.ts";
import { type Finding, type Rule, type RuleSettings, at, unjudgedFinding } from "./rule.ts";
import { isUnknown } from "./unknown.ts";
import { Inventory, World } from "./world.ts";

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
  const find = () => rule.resource?.(resource, settings) ?? [];
  return collect(find, () => at(resource));
}

/**
 * What a rule says of all resources together.
 *
 * @param resources the same inventory for all rules spares each to look through them
 */
export function judgeStack(
  rule: Rule,
  resources: readonly Resource[] | Inventory,
  settings: RuleSettings,
): Judgement {
  const { stack } = rule;
  if (!stack) return { findings: [], unknowns: [] };
  const inventory = resources instanceof Inventory ? resources : new Inventory(resources);
  const world = new World(inventory, settings);
  return collect(
    () => stack(world),
    () => ({ about: "Stack" }),
    world,
  );
}

/**
 * What was found before an unknown value was met counts; a value that is met is never taken for a good one, and neither
 * is an object that a rule falls over.
 */
function collect(
  find: () => Iterable<Finding>,
  where: () => Pick<Finding, "about" | "urn">,
  met: Pick<World, "unknowns" | "faults"> = { unknowns: [], faults: [] },
): Judgement {
  const findings: Finding[] = [];
  try {
    for (const finding of find()) findings.push(finding);
  } catch (e) {
    if (isUnknown(e)) met.unknowns.push(e);
    else met.faults.push(unjudgedFinding(where(), e));
  }
  const faults = new Map(met.faults.map((fault) => [`${fault.about} ${fault.what}`, fault]));
  const unknowns = new Set(met.unknowns.map((e) => (e as Error).message));
  return { findings: [...findings, ...faults.values()], unknowns: [...unknowns] };
}

/** One line for people: the resource, what is wrong, how to mend it, where to read on. */
export function messageOf(rule: Rule, { about, what, fix }: Finding): string {
  return `${about}: ${what}. Fix: ${fix}. See ${rule.url}`;
}
