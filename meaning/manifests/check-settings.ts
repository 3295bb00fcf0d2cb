import { parse } from "yaml";
import type { Manifest } from "./objects.ts";
import { type Scope, type Unjudged, isLabels, unjudged } from "./unjudged.ts";

type Settings = Readonly<Record<string, unknown>>;

/** Settings of the mesh that decide what callers get, and whom they are about. */
const ofMesh: readonly (readonly [name: string, scope: Scope])[] = [
  ["defaultVirtualServiceExportTo", { edge: true }],
  ["defaultServiceExportTo", {}],
  ["defaultDestinationRuleExportTo", {}],
  // policies of other namespaces count for nothing
  ["discoverySelectors", {}],
];

/** Settings of the mesh and of the injector that nothing here reads, where they are set at all. */
export function settingProblems(objects: readonly Manifest[]): Unjudged[] {
  return objects.flatMap((object) => {
    if (object.kind !== "ConfigMap") return [];
    const { name } = object.metadata;
    if (/^istio-sidecar-injector(-|$)/.test(name)) return injectorProblems(object);
    return /^istio(-|$)/.test(name) && object.data?.mesh ? meshProblems(object) : [];
  });
}

function meshProblems(object: Manifest): Unjudged[] {
  const mesh = settingsIn(object.data!.mesh);
  const { interceptionMode } = (mesh.defaultConfig ?? {}) as { interceptionMode?: string };
  return [
    ...ofMesh
      .filter(([name]) => isSet(mesh[name]))
      .map(([name, scope]) => unjudged(object, notRead(`data.mesh.${name}`), scope)),
    ...(interceptionMode === "NONE"
      ? [unjudged(object, "pods' traffic is not taken to their sidecars", {})]
      : []),
  ];
}

function injectorProblems(object: Manifest): Unjudged[] {
  const said = (name: string) => {
    const selectors = topLevel(object.data?.config, name);
    return isSet(selectors) ? (selectors as readonly unknown[]) : [];
  };
  const problems = (name: string, more: Scope) =>
    said(name).map((selector) =>
      unjudged(object, notRead(`data.config.${name}`), { ...scopeOf(selector), ...more }),
    );
  return [
    ...problems("neverInjectSelector", {}),
    // about pods that seem to have no sidecar
    ...problems("alwaysInjectSelector", { bare: true }),
  ];
}

/** Pods that a selector takes; all of them where that takes more than labels to tell. */
function scopeOf(selector: unknown): Scope {
  const { matchLabels, matchExpressions } = (selector ?? {}) as Settings;
  return isLabels(matchLabels) && !isSet(matchExpressions) ? { labels: matchLabels } : {};
}

function notRead(name: string): string {
  return `${name} is set, and what it does is not read here`;
}

/** Whether a list says anything: all namespaces is what nothing means, too. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return !Array.isArray(value) || (value.length > 0 && value.join() !== "*");
}

/** One setting of a text that is long for its templates: the rest of it is not parsed. */
function topLevel(text: unknown, name: string): unknown {
  if (typeof text !== "string") return undefined;
  if (/^\s*\{/.test(text)) return settingsIn(text)[name];
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${name}:`));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => /^[^\s#-]/.test(line));
  const end = length < 0 ? lines.length : start + 1 + length;
  return settingsIn(lines.slice(start, end).join("\n"))[name];
}

/** Settings as they are meant; a text that is no YAML is named elsewhere. */
function settingsIn(text: unknown): Settings {
  try {
    return (parse(String(text), { logLevel: "error" }) ?? {}) as Settings;
  } catch {
    return {};
  }
}
