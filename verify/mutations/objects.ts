import { type IstioKind, apiVersionOf } from "../../policies/schema.ts";
import type { Settings } from "../../settings/index.ts";
import type { KubernetesObject } from "../callers/objects.ts";
import type { Materials, Mutation, ObjectRef } from "./mutation.ts";

/** An object of Istio's. */
export function istio(kind: IstioKind, name: string, namespace: string): ObjectRef {
  return { apiVersion: apiVersionOf(kind), kind, metadata: { name, namespace } };
}

export function deployment(name: string, namespace: string): ObjectRef {
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace } };
}

/** What tells an object from all others. */
export function keyOf({ kind, metadata }: ObjectRef | KubernetesObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

/** The object without anything that it says. */
export function refOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectRef {
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace! } };
}

/** The same object with another spec. */
export function withSpec<S>(object: KubernetesObject, change: (spec: S) => S): KubernetesObject {
  return { ...object, spec: change(structuredClone((object.spec ?? {}) as S)) };
}

export function annotated(object: KubernetesObject, name: string, value: string): KubernetesObject {
  const annotations = { ...(object.metadata.annotations as object | undefined), [name]: value };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

type Made = Pick<Mutation, "reads" | "change">;
type Where = (s: Settings) => ObjectRef;

/** Another spec for one object. */
export function edits<S>(where: Where, change: (spec: S, materials: Materials) => S): Made {
  return {
    reads: (s) => [where(s)],
    change: ([live], materials) => ({
      changed: [withSpec<S>(live!, (spec) => change(spec, materials))],
    }),
  };
}

/** Objects that are gone. */
export function deletes(where: (s: Settings) => readonly ObjectRef[]): Made {
  return { reads: where, change: (live) => ({ deleted: live.map(refOf) }) };
}

/** An object beside those of the stack. */
export function adds(where: Where, spec: (s: Settings) => object): Made {
  return {
    reads: () => [],
    change: (_, { settings }) => ({ added: [{ ...where(settings), spec: spec(settings) }] }),
  };
}

/** Says why a mutation is not for a stack, unless the condition holds. */
export function needs(condition: (s: Settings) => boolean, otherwise: string): Mutation["notFor"] {
  return (s) => (condition(s) ? undefined : otherwise);
}

/** The first reason of several. */
export function all(...reasons: readonly Mutation["notFor"][]): Mutation["notFor"] {
  return (s) => {
    for (const reason of reasons) {
      const text = reason(s);
      if (text !== undefined) return text;
    }
    return undefined;
  };
}
