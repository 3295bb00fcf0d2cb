import type { Manifest, Metadata } from "./manifests/objects.ts";
import { readAnnotations, unreadLabels } from "./read-fields.ts";

interface Template {
  readonly metadata?: Partial<Metadata>;
  readonly spec?: {
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

interface Container {
  readonly ports?: readonly { readonly hostPort?: number; readonly containerPort?: number }[];
}

const kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod"];

/** What changed in a workload's pods that decides how they are reached, and that nothing here reads. */
export function podChanges(was: Manifest | undefined, object: Manifest): string[] {
  if (!kinds.includes(object.kind)) return [];
  const [before, after] = [was, object].map((o) => (o ? templateOf(o) : undefined));
  const at = object.kind === "Pod" ? "" : "spec.template.";
  const ports =
    hostPorts(before) === hostPorts(after) ? [] : [`${at}spec.containers.ports.hostPort`];
  // a new workload has no settings that were others
  if (!before) return ports;
  const annotations = differing(before, after, "annotations", (name) => {
    const istios = /(^|\.)istio\.io\//.test(name);
    return istios && !readAnnotations.some((r) => r.test(name));
  });
  const labels = differing(before, after, "labels", (name) => unreadLabels.includes(name));
  return [...ports, ...[...annotations, ...labels].map((path) => `${at}${path}`)];
}

function templateOf(object: Manifest): Template {
  const { kind, metadata, spec } = object;
  if (kind === "Pod") return { metadata, spec };
  return (spec as { template?: Template } | undefined)?.template ?? {};
}

/** Ports of nodes that lead to containers, as a text. */
function hostPorts({ spec = {} }: Template = {}): string {
  const { containers = [], initContainers = [] } = spec;
  const ports = [...containers, ...initContainers].flatMap((c) => c.ports ?? []);
  const open = ports.filter((p) => p.hostPort);
  return JSON.stringify(open.map((p) => [p.hostPort, p.containerPort]).sort());
}

function differing(
  before: Template,
  after: Template | undefined,
  part: "annotations" | "labels",
  counts: (name: string) => boolean,
): string[] {
  const [old, now] = [before, after].map((t) => t?.metadata?.[part] ?? {}) as [
    Readonly<Record<string, string>>,
    Readonly<Record<string, string>>,
  ];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names.filter((n) => counts(n) && old[n] !== now[n]).map((n) => `metadata.${part}.${n}`);
}
