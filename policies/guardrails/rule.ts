import { KubernetesObject, type Resource, labelOf } from "./resource.ts";
import type { World } from "./world.ts";

/**
 * How much a rule weighs: `mandatory` everywhere; `production` mandatory in stacks like production, advisory elsewhere;
 * `advisory` everywhere.
 */
export type Level = "mandatory" | "production" | "advisory";

/** What a rule has found. */
export interface Finding {
  /** The resource that it is about, by its label or by a name of its own such as Image/nginx. */
  readonly about: string;
  readonly urn?: string | undefined;
  readonly what: string;
  readonly fix: string;
  /** Part of the rule, so that it can be exempted alone: `wl-05/enforce`. @default the whole rule */
  readonly part?: string;
}

/** What is said of a resource, before it is known which. */
export type Fault = Pick<Finding, "what" | "fix" | "part">;

/** Values that a stack may set for the rules; each belongs to one. */
export interface RuleSettings {
  /** Registries and repositories that images may come from (wl-01, tf-03). */
  readonly registries: readonly string[];
  /** Longest life of a certificate that is no CA, in hours (pki-01). */
  readonly leafHours: number;
  /** Fewest replicas of a workload (wl-03). */
  readonly minReplicas: number;
  /** Whether the cluster is one of kind (gw-11). @default when a KindCluster is among the resources */
  readonly kind?: boolean;
}

export interface About {
  readonly id: string;
  readonly level: Level;
  readonly description: string;
  /** Documentation that it stands on. */
  readonly url: string;
  /** Why it does not run yet. @default it runs */
  readonly disabled?: string;
}

export interface Rule extends About {
  /** What one resource tells by itself; it is refused before it is made. */
  readonly resource?: (resource: Resource, settings: RuleSettings) => Iterable<Finding>;
  /** What all resources tell together, at the end of a preview or an update. */
  readonly stack?: (world: World) => Iterable<Finding>;
}

/** What it weighs in the engine without a configuration: in a stack that is not like production. */
export function levelOf({ disabled, level }: About): "mandatory" | "advisory" | "disabled" {
  if (disabled) return "disabled";
  return level === "mandatory" ? "mandatory" : "advisory";
}

/** A rule about single Kubernetes objects of some kinds. */
export function objectRule(
  about: About,
  kinds: readonly string[] | ((object: KubernetesObject) => boolean),
  check: (object: KubernetesObject, settings: RuleSettings) => Iterable<Fault & Partial<Finding>>,
): Rule {
  return {
    ...about,
    *resource(resource, settings) {
      const object = KubernetesObject.of(resource);
      if (!object) return;
      if (typeof kinds === "function" ? !kinds(object) : !kinds.includes(object.kind)) return;
      for (const fault of check(object, settings)) yield { ...at(resource), ...fault };
    },
  };
}

/** A rule about single resources of Pulumi's own kinds, by the end of their type token. */
export function resourceRule(
  about: About,
  types: readonly string[],
  check: (resource: Resource, settings: RuleSettings) => Iterable<Fault>,
): Rule {
  return {
    ...about,
    *resource(resource, settings) {
      if (!types.some((type) => resource.type.endsWith(`:${type}`))) return;
      for (const fault of check(resource, settings)) yield { ...at(resource), ...fault };
    },
  };
}

/** A rule that needs to see more than one resource. */
export function stackRule(about: About, check: (world: World) => Iterable<Finding>): Rule {
  return { ...about, stack: check };
}

/** Part of every rule: what cannot be read. An exemption has to name it to cover it. */
export const unjudged = "unjudged";

/** What is said of something that a rule falls over: it is no good sign, so it is a finding. */
export function unjudgedFinding(where: Pick<Finding, "about" | "urn">, error: unknown): Finding {
  // parsers of YAML go on with an excerpt
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n");
  const what = `cannot be judged: ${line!.replace(/[:.]$/, "")}`;
  return { ...where, part: unjudged, what, fix: "mend the object" };
}

/** Where a finding is. */
export function at(resource: Resource | KubernetesObject): Pick<Finding, "about" | "urn"> {
  const record = resource instanceof KubernetesObject ? resource.resource : resource;
  return { about: labelOf(record), urn: record.urn };
}
