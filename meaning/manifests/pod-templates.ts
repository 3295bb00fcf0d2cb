import type { Manifest, Metadata } from "./objects.ts";

export interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly object[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly containerPort: number;
    readonly hostPort?: number;
  }[];
}

/** What the pods of a workload are made from. */
export interface PodTemplate {
  readonly metadata?: Partial<Metadata>;
  readonly spec?: {
    readonly serviceAccountName?: string;
    /** The older name of the same. */
    readonly serviceAccount?: string;
    readonly hostNetwork?: boolean;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

interface TemplateSpec {
  readonly template?: PodTemplate;
  readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplate } };
}

const templated = [
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "ReplicationController",
  "Job",
];

/** Pods that an object makes, or is; undefined for an object without any. */
export function podOf(object: Manifest): PodTemplate | undefined {
  const { kind, metadata } = object;
  const spec = (object.spec ?? {}) as PodTemplate["spec"] & TemplateSpec;
  if (kind === "Pod") return { metadata, spec };
  if (kind === "CronJob") return spec.jobTemplate?.spec?.template;
  return templated.includes(kind) ? spec.template : undefined;
}

/** Labels of the pods of an object whose kind is not known; undefined for an object without pods. */
export function foreignPods(object: Manifest): Metadata["labels"] | undefined {
  if (podOf(object)) return undefined;
  const spec = (object.spec ?? {}) as TemplateSpec;
  const template = spec.template ?? spec.jobTemplate?.spec?.template;
  return Array.isArray(template?.spec?.containers) ? (template.metadata?.labels ?? {}) : undefined;
}

/** Where its pods stand in an object, as a path with a dot at its end. */
export function podPath({ kind }: Manifest): string {
  if (kind === "Pod") return "";
  return kind === "CronJob" ? "spec.jobTemplate.spec.template." : "spec.template.";
}

/** ServiceAccount of pods, by either of its names: to Kubernetes an empty one is none. */
export function accountOf({ spec = {} }: PodTemplate): string {
  return spec.serviceAccountName || spec.serviceAccount || "default";
}
