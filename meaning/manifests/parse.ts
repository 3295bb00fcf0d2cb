import { YAMLParseError, parse } from "yaml";
import type { Manifest, Place } from "./objects.ts";

/** Text of each file, by its name as people should read it. */
export type Files = ReadonlyMap<string, string>;

/** What could not be read, and where. */
export interface Unreadable {
  readonly place: Place;
  readonly text: string;
}

export interface Parsed {
  readonly objects: readonly Manifest[];
  readonly unreadable: readonly Unreadable[];
}

/** One document of a file, read. */
interface Document {
  readonly values: readonly unknown[];
  readonly problem?: { readonly line: number; readonly text: string };
}

/** The two sides of a comparison have most documents in common; each is read once. */
const known = new Map<string, Document>();

/** Objects of YAML files, several to a file where `---` stands between them. What is no object is named with its place. */
export function parseFiles(files: Files): Parsed {
  const objects: Manifest[] = [];
  const unreadable: Unreadable[] = [];
  for (const [file, text] of files) {
    for (const { line, body } of documents(text)) {
      // nothing in a definition of a kind is about callers, and Istio's are most of all text
      if (/^kind: ["']?CustomResourceDefinition["']?\s*$/m.test(body)) continue;
      const document = known.get(body) ?? read(body);
      known.set(body, document);
      const place = { file, line };
      if (document.problem) {
        const { line: within, text: why } = document.problem;
        unreadable.push({ place: { file, line: line + within - 1 }, text: why });
      }
      for (const value of document.values) {
        const what = wrong(value);
        if (what === undefined) objects.push({ ...(value as Manifest), place });
        else unreadable.push({ place, text: what });
      }
    }
  }
  return { objects, unreadable };
}

/** Documents with the line that each begins in: the first one that says something. */
function documents(text: string): { line: number; body: string }[] {
  const found: { line: number; body: string }[] = [];
  let lines: string[] = [];
  let start = 1;
  const end = (next: number) => {
    const blank = lines.findIndex((l) => l.trim() !== "" && !l.startsWith("#"));
    if (blank >= 0) found.push({ line: start + blank, body: lines.slice(blank).join("\n") });
    lines = [];
    start = next;
  };
  text.split("\n").forEach((line, i) => {
    // at the begin of a line it is never a part of a value
    if (/^---(\s|$)/.test(line)) end(i + 2);
    else lines.push(line);
  });
  end(0);
  return found;
}

function read(body: string): Document {
  try {
    // pictures of errors take time, and so do keys that could be anything; Kubernetes knows texts alone
    const options = { prettyErrors: false, stringKeys: true, logLevel: "error" } as const;
    const value = parse(body, options) as unknown;
    if (value === null || value === undefined) return { values: [] };
    const { kind, items } = value as { kind?: unknown; items?: unknown };
    // what `kubectl get -o yaml` writes
    return { values: kind === "List" && Array.isArray(items) ? items : [value] };
  } catch (e) {
    if (!(e instanceof YAMLParseError)) throw e;
    const line = body.slice(0, e.pos[0]).split("\n").length;
    return { values: [], problem: { line, text: `is not YAML: ${e.message.split("\n")[0]}` } };
  }
}

/** What keeps a value from being an object of Kubernetes. */
function wrong(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return "is no object of Kubernetes";
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  const text = (v: unknown) => typeof v === "string" && v !== "";
  if (!text(apiVersion)) return "has no apiVersion";
  if (!text(kind)) return "has no kind";
  if (typeof metadata !== "object" || metadata === null) return `${kind as string} has no metadata`;
  const { name, namespace, labels, annotations } = metadata as Record<string, unknown>;
  if (!text(name)) return `${kind as string} has no metadata.name`;
  if (namespace !== undefined && typeof namespace !== "string")
    return `${kind as string} ${name as string}: metadata.namespace is no text`;
  for (const [key, map] of Object.entries({ labels, annotations }))
    if (map !== undefined && map !== null && !isTexts(map))
      return `${kind as string} ${name as string}: metadata.${key} has a value that is no text`;
  return undefined;
}

function isTexts(map: unknown): boolean {
  return typeof map === "object" && Object.values(map!).every((v) => typeof v === "string");
}
