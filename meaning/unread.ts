import { parse } from "yaml";
import { type Manifest, groupOf, nameOf } from "./manifests/objects.ts";
import { alsoNew, readFields } from "./read-fields.ts";
import { podChanges } from "./unread-pods.ts";
import { serviceChanges } from "./unread-services.ts";
import { isIstiod } from "./manifests/revision.ts";

/** An object in which something changed that the evaluator does not read. */
export interface Unread {
  readonly object: Manifest;
  /** Fields that differ, as paths below the object. */
  readonly fields: readonly string[];
}

/** Longest list of fields that is shown. */
const shown = 6;

/** Objects in which something changed that nothing here reads: no answer tells what that does. */
export function unreadChanges(
  before: readonly Manifest[],
  after: readonly Manifest[],
): readonly Unread[] {
  const key = (o: Manifest) => `${groupOf(o)} ${nameOf(o)}`;
  const old = new Map(before.map((o) => [key(o), o]));
  return after.flatMap((object) => {
    const was = old.get(key(object)) ?? settingsLike(object, before);
    const fields = [
      ...[...fieldsApart(was, object), ...podChanges(was, object)],
      ...serviceChanges(was, object),
    ];
    return fields.length > 0 ? [{ object, fields: [...new Set(fields)] }] : [];
  });
}

/** istiod, the mesh's settings, or its injector's, under another name: as far as a revision differs from those before. */
function settingsLike(object: Manifest, before: readonly Manifest[]): Manifest | undefined {
  if (isIstiod(object)) return before.find(isIstiod);
  const subject = object.kind === "ConfigMap" ? subjectOf(object, undefined) : undefined;
  if (subject === undefined) return undefined;
  return before.find((o) => subjectOf(o, undefined) === subject);
}

/** What the mesh hangs on, of which no object of its kind is left: its injector, and its settings. */
export function settingsGone(
  before: readonly Manifest[],
  after: readonly Manifest[],
): readonly Manifest[] {
  const subjects = ["MutatingWebhookConfiguration", "injector", "mesh"];
  const left = new Set(after.map((o) => subjectOf(o, undefined)));
  return before.filter((o) => {
    const subject = subjectOf(o, undefined);
    return subject !== undefined && subjects.includes(subject) && !left.has(subject);
  });
}

/** Fields in words, the first few of them. */
export function unreadText({ fields }: Unread): string {
  const more = fields.length - shown;
  const names = fields.slice(0, shown).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `${names} changed, and what ${fields.length === 1 ? "it does" : "they do"} is not read here`;
}

function fieldsApart(was: Manifest | undefined, object: Manifest): string[] {
  const read = readFields[subjectOf(object, was) ?? ""];
  if (!read) return [];
  const known = new Set(read);
  if (!was) return onlyNew(fresh(content(object), "", known));
  // both sides of a comparison share what they have in common
  const same = ["spec", "data", "webhooks"] as const;
  if (same.every((part) => was[part] === object[part])) return [];
  return apart(content(was), content(object), "", known);
}

/** Whose fields an object's are; undefined for what decides nothing, or is said not to be judged elsewhere. */
function subjectOf(object: Manifest, was: Manifest | undefined): string | undefined {
  const { kind, metadata } = object;
  if (groupOf(object).endsWith(".istio.io")) return kind;
  if (kind === "Service" && object.apiVersion === "v1") return kind;
  if (kind === "MutatingWebhookConfiguration")
    return [object, was].some((o) => o && injects(o)) ? kind : undefined;
  if (kind !== "ConfigMap") return undefined;
  if (/^istio-sidecar-injector(-|$)/.test(metadata.name)) return "injector";
  return /^istio(-|$)/.test(metadata.name) && object.data?.mesh !== undefined ? "mesh" : undefined;
}

function injects({ webhooks = [] }: Manifest): boolean {
  return webhooks.some(({ name }) => String(name).endsWith("sidecar-injector.istio.io"));
}

/** What of an object is compared: settings as they are meant, whatever their text, and a filter's providers as a list. */
function content(object: Manifest): unknown {
  const { kind, spec, data, webhooks } = object;
  if (kind === "EnvoyFilter") return { spec: listed(spec) };
  if (kind !== "ConfigMap") return { spec, webhooks };
  const entries = Object.entries(data ?? {}).map(([key, text]) => [key, meant(text)] as const);
  return { data: Object.fromEntries(entries) };
}

function meant(text: unknown): unknown {
  if (typeof text !== "string") return text;
  try {
    return parse(text, { logLevel: "error" }) as unknown;
  } catch {
    return text;
  }
}

function listed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(listed);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [
      key,
      key === "providers" && isObject(v)
        ? Object.entries(v).map(([name, p]) => ({ ...(p as object), key: name }))
        : listed(v),
    ]),
  );
}

type Fields = ReadonlySet<string>;

/** Paths of what differs, without what is read. */
function apart(left: unknown, right: unknown, at: string, read: Fields): string[] {
  if (left === right || isRead(at, read)) return [];
  if (isList(left) || isList(right)) {
    const known = areEntries(left) && areEntries(right) && isReadBelow(at, read);
    if (!known) return JSON.stringify(left) === JSON.stringify(right) ? [] : [at];
    const pairs = paired((left ?? []) as object[], (right ?? []) as object[]);
    return pairs.flatMap(([l, r, i]) => {
      const place = `${at}.${i}`;
      // an entry that is new is read as far as anything of it is
      return l ? apart(l, r, place, read) : onlyNew(fresh(r, place, read));
    });
  }
  if (isObject(left ?? {}) && isObject(right ?? {})) {
    const [l, r] = [left ?? {}, right ?? {}] as [object, object];
    const keys = [...new Set([...Object.keys(l), ...Object.keys(r)])];
    return keys.flatMap((key) =>
      apart(Reflect.get(l, key), Reflect.get(r, key), at === "" ? key : `${at}.${key}`, read),
    );
  }
  return JSON.stringify(left) === JSON.stringify(right) ? [] : [at];
}

function isRead(at: string, read: Fields): boolean {
  return read.has(general(at));
}

/** Whether anything of a list's entries is read, so that requests tell what a new one does. */
function isReadBelow(at: string, read: Fields): boolean {
  const begin = `${general(at)}.*`;
  return [...read].some((field) => field.startsWith(begin));
}

function general(at: string): string {
  return at.replace(/\.\d+(?=\.|$)/g, ".*");
}

/** What may stand beside a list of objects: one as well, or nothing. */
function areEntries(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(isObject));
}

/** Whether a value is a list of objects; any other list is a value as a whole. */
function isList(value: unknown): value is object[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Pair = readonly [left: object | undefined, right: object, index: number];

/** Entries of two lists that are the same: in full, then by name, and what is left over in its order. */
function paired(left: readonly object[], right: readonly object[]): Pair[] {
  const found: Pair[] = [];
  let [olds, news] = [[...left.entries()], [...right.entries()]];
  for (const key of [(o: object) => JSON.stringify(o), identity, () => "any"]) {
    const waiting = new Map<string, [number, object][]>();
    for (const entry of olds)
      waiting.set(key(entry[1]), [...(waiting.get(key(entry[1])) ?? []), entry]);
    news = news.filter(([i, r]) => {
      const match = waiting.get(key(r))?.shift();
      if (match) found.push([match[1], r, i]);
      return !match;
    });
    olds = [...waiting.values()].flat();
  }
  return [...found, ...news.map(([i, r]): Pair => [undefined, r, i])];
}

/** What tells an entry of a list from the others. */
function identity(entry: object): string {
  const { issuer, name, port, match, key } = entry as Record<string, unknown>;
  return JSON.stringify(key ?? issuer ?? port ?? name ?? match ?? entry);
}

/** All paths of what is new, without what is read. */
function fresh(value: unknown, at: string, read: Fields): string[] {
  if (value === undefined || value === null || isRead(at, read)) return [];
  if (alsoNew.test(at)) return [at];
  const entries = isObject(value) || isList(value) ? Object.entries(value) : [];
  if (entries.length === 0) return [at];
  return entries.flatMap(([key, v]) => fresh(v, at === "" ? key : `${at}.${key}`, read));
}

function onlyNew(paths: readonly string[]): string[] {
  return paths.filter((path) => alsoNew.test(path));
}
