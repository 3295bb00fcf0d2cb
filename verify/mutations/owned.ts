import type { KubernetesObject } from "../callers/objects.ts";

/** Who applied an object, and what of it. */
export interface Applied {
  /** Field manager. */
  readonly manager: string;
  /** What that manager applied: the object without what others and the cluster wrote into it. */
  readonly object: KubernetesObject;
}

/** Fields as Kubernetes writes them down: `f:name`, `k:{…}` and `v:…` with those below them, `.` for the whole. */
interface Fields {
  readonly [key: string]: Fields;
}

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly apiVersion: string;
  readonly fieldsV1?: Fields;
}

/**
 * What the object's manager applied: that is what can be changed and put back under the same name, so that the next
 * update of the stack finds its own fields where it left them.
 *
 * @throws Error when nobody applied it server-side
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function appliedBy(live: KubernetesObject): Applied {
  const { name, namespace } = live.metadata;
  const managed = (live.metadata.managedFields ?? []) as readonly ManagedFields[];
  const own = managed
    .filter((e) => e.operation === "Apply" && !e.subresource && e.fieldsV1)
    .sort((a, b) => sizeOf(b.fieldsV1!) - sizeOf(a.fieldsV1!))[0];
  if (!own)
    throw new Error(
      `${live.kind} ${namespace}/${name} was not applied by anybody who could be named`,
    );
  const part = extract(live, own.fieldsV1!) as Partial<KubernetesObject>;
  const object = {
    ...part,
    ...{ apiVersion: own.apiVersion, kind: live.kind },
    metadata: { ...part.metadata, name, ...(namespace !== undefined && { namespace }) },
  };
  return { manager: own.manager, object };
}

function sizeOf(fields: Fields): number {
  return JSON.stringify(fields).length;
}

/** The part of a value that these fields are; without any below it, all of it. */
function extract(value: unknown, fields: Fields): unknown {
  const keys = Object.keys(fields).filter((key) => key !== ".");
  if (keys.length === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.flatMap((one, i) => element(one, i, keys, fields));
  const map = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    keys.flatMap((key) => {
      const name = key.slice("f:".length);
      return key.startsWith("f:") && name in map ? [[name, extract(map[name], fields[key]!)]] : [];
    }),
  );
}

/** An element of a list, in its live place: named by its keys, by itself or by its index; empty where it is not ours. */
function element(one: unknown, index: number, keys: readonly string[], fields: Fields): unknown[] {
  const key = keys.find((k) => names(k, one, index));
  if (key === undefined) return [];
  if (!key.startsWith("k:")) return [extract(one, fields[key]!)];
  const identity = JSON.parse(key.slice(2)) as object;
  const rest = Object.keys(fields[key]!).some((k) => k !== ".");
  return [rest ? { ...identity, ...(extract(one, fields[key]!) as object) } : identity];
}

function names(key: string, one: unknown, index: number): boolean {
  const text = key.slice(2);
  if (key.startsWith("i:")) return Number(text) === index;
  const wanted = JSON.parse(text) as unknown;
  if (key.startsWith("v:")) return one === wanted;
  return Object.entries(wanted as object).every(
    ([k, v]) => (one as Readonly<Record<string, unknown>>)[k] === v,
  );
}
