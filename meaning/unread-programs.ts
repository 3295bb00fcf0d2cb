import type { Container, PodTemplate } from "./manifests/pod-templates.ts";
import { readArguments, readVariables } from "./read-fields.ts";

/** A program's settings as texts, by what they are called. */
type Settings = ReadonlyMap<string, string>;

/**
 * What changed in the variables and arguments of istiod and of gateways' proxies: they set what no object of the mesh
 * says. Those of other pods are their own affair.
 */
export function programChanges(before: PodTemplate, after: PodTemplate): string[] {
  const [old, now] = [settingsOf(before), settingsOf(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.filter((n) => old.get(n) !== now.get(n)).map((n) => `spec.containers.${n}`);
}

function settingsOf(template: PodTemplate): Settings {
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const templates = (annotations["inject.istio.io/templates"] ?? "").split(",");
  const { containers = [], initContainers = [] } = template.spec ?? {};
  const all = labels.istio === "pilot" || templates.includes("gateway");
  const mine = [...initContainers, ...containers].filter((c) => all || c.name === "istio-proxy");
  return new Map(mine.flatMap(settingsIn));
}

function settingsIn(container: Container, index: number): [name: string, text: string][] {
  const { name = String(index), env = [], envFrom = [], command = [], args = [] } = container;
  const variables = env.filter((v) => !readVariables.includes(v.name));
  const lists = { envFrom, command, args: args.filter((a) => !readArguments.test(a)) };
  return [
    ...variables.map((v) => [`env.${v.name}`, v] as const),
    ...Object.entries(lists).filter(([, list]) => list.length > 0),
  ].map(([field, value]) => [`${name}.${field}`, JSON.stringify(value)]);
}
