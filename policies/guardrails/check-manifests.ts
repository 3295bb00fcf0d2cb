import {
  type Exemption,
  expiredFindings,
  forStack,
  shippedExemptions,
  unexempted,
} from "./exemptions.ts";
import { defaultSettings, judgeResource, judgeStack, messageOf } from "./judge.ts";
import { type Manifest, type Resource, resourceOf } from "./resource.ts";
import { type Finding, type Level, type Rule, type RuleSettings, unjudged } from "./rule.ts";
import { exemptionRule, rules as all } from "./rules/index.ts";
import { Inventory } from "./world.ts";

/** What is wrong, by which rule, and how much it weighs. */
export interface Violation {
  readonly rule: string;
  readonly level: Level;
  readonly about: string;
  readonly message: string;
}

export interface CheckOptions {
  /** Stack that exemptions are looked up for. @default none: those of all stacks alone */
  readonly stack?: string;
  /** Values that the rules take. @default the pack's */
  readonly settings?: Partial<RuleSettings>;
  /** @default those of exemptions.yaml */
  readonly exemptions?: readonly Exemption[];
  readonly now?: Date;
  /** @default every rule that is not disabled */
  readonly rules?: readonly Rule[];
}

/**
 * Holds plain Kubernetes objects, such as rendered manifests, against every rule that is about Kubernetes.
 *
 * @returns what is wrong, in the order of the rules
 */
export function checkManifests(
  objects: readonly Manifest[],
  options: CheckOptions = {},
): Violation[] {
  return checkResources(objects.map(resourceOf), options);
}

/** The same for records of resources of any kind. */
export function checkResources(
  resources: readonly Resource[],
  options: CheckOptions = {},
): Violation[] {
  const { now = new Date(), rules = all.filter((rule) => !rule.disabled) } = options;
  const settings = { ...defaultSettings, ...options.settings };
  const exemptions = forStack(options.exemptions ?? shippedExemptions(all), options.stack);
  const inventory = new Inventory(resources);
  const found = rules.flatMap((rule) => {
    const findings = [
      ...resources.flatMap((resource) => judgeResource(rule, resource, settings).findings),
      ...judgeStack(rule, inventory, settings).findings,
    ];
    return unexempted(rule, findings, exemptions, now).map((finding) => violation(rule, finding));
  });
  const expired = expiredFindings(exemptions, now).map((f) => violation(exemptionRule, f));
  return [...found, ...expired];
}

function violation(rule: Rule, finding: Finding): Violation {
  // even advice may be needed where nobody can tell
  const level = finding.part === unjudged ? "mandatory" : rule.level;
  return { rule: rule.id, level, about: finding.about, message: messageOf(rule, finding) };
}
