import type { Manifest } from "./manifests/objects.ts";
import { type PodTemplate, podOf, podPath } from "./manifests/pod-templates.ts";
import { programChanges } from "./unread-programs.ts";
import { readAnnotations, unreadLabels } from "./read-fields.ts";

/** What changed in a workload's pods that decides how they are reached, and that nothing here reads. */
export function podChanges(was: Manifest | undefined, object: Manifest): string[] {
  const [before, after] = [was, object].map((o) => o && podOf(o));
  if (!after) return [];
  const at = podPath(object);
  const ports =
    hostPorts(before) === hostPorts(after) ? [] : [`${at}spec.containers.ports.hostPort`];
  // a new workload has no settings that were others
  if (!before) return ports;
  const annotations = differing(before, after, "annotations", (name) => {
    const istios = /(^|\.)istio\.io\//.test(name);
    return istios && !readAnnotations.some((r) => r.test(name));
  });
  const labels = differing(before, after, "labels", (name) => unreadLabels.includes(name));
  const programs = programChanges(before, after);
  return [...ports, ...[...annotations, ...labels, ...programs].map((path) => `${at}${path}`)];
}

/** Ports of nodes that lead to containers, as a text. */
function hostPorts({ spec = {} }: PodTemplate = {}): string {
  const { containers = [], initContainers = [] } = spec;
  const ports = [...containers, ...initContainers].flatMap((c) => c.ports ?? []);
  const open = ports.filter((p) => p.hostPort);
  return JSON.stringify(open.map((p) => [p.hostPort, p.containerPort]).sort());
}

function differing(
  before: PodTemplate,
  after: PodTemplate,
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
