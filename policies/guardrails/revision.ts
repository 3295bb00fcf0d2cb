import type { Workload } from "./pods.ts";
import type { KubernetesObject } from "./resource.ts";
import { isUnknown } from "./unknown.ts";

/** The revision of the stack's istiod: its name; undefined where it has none, or more than one; why, where it is not known yet. */
export type Revision = string | Error | undefined;

/** Revision of the istiod among workloads. */
export function revisionAmong(workloads: readonly Workload[]): Revision {
  try {
    const names = new Set(workloads.filter((w) => w.isControlPlane).map(nameOf));
    return names.size === 1 ? [...names][0] : undefined;
  } catch (e) {
    if (isUnknown(e)) return e;
    throw e;
  }
}

/**
 * Whether istiod reads an object: what is labelled for another revision protects nobody, and harms nobody. An error says
 * why nobody can tell.
 *
 * @see https://istio.io/latest/docs/reference/config/labels/#IoIstioRev
 */
export function isRead(object: KubernetesObject, revision: Revision): boolean | Error {
  if (!object.apiVersion.split("/")[0]!.endsWith(".istio.io")) return true;
  let asked: string | undefined;
  try {
    asked = object.labels["istio.io/rev"];
  } catch (e) {
    if (isUnknown(e)) return e;
    throw e;
  }
  // an istiod without a revision reads the objects of all
  if (asked === undefined || revision === "" || revision === asked) return true;
  if (revision instanceof Error) return revision;
  return revision === undefined
    ? new Error(`it is for revision ${asked}, and which istiod reads it is not among the resources`)
    : false;
}

function nameOf(istiod: Workload): string | undefined {
  const variables = istiod.containers.flatMap((c) => c.env ?? []);
  const named = variables.find((v) => v.name === "REVISION");
  return named ? named.value : "";
}
