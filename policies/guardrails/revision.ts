import { type Revision, isInRevision } from "../../meaning/manifests/revision.ts";
import type { Workload } from "./pods.ts";
import type { KubernetesObject } from "./resource.ts";
import { isUnknown } from "./unknown.ts";

/** The revision of the stack's istiod; undefined where it has none, more than one, or one that is not known yet. */
export function revisionAmong(
  workloads: readonly Workload[],
  objects: readonly KubernetesObject[],
): Revision | undefined {
  const names = new Set(
    workloads
      .filter((w) => known(() => w.isControlPlane) === true)
      .map((w) => known(() => nameOf(w))),
  );
  const [name] = names;
  if (names.size !== 1 || name === undefined) return undefined;
  const tags = objects.flatMap((o) => {
    const { "istio.io/tag": tag, "istio.io/rev": of } = known(() => o.labels) ?? {};
    return o.kind === "MutatingWebhookConfiguration" && tag && of === name ? [tag] : [];
  });
  return { name, tags };
}

/** Whether istiod reads an object, as far as that is known: what it does not read protects nobody, and harms nobody. */
export function isRead(object: KubernetesObject, revision: Revision | undefined): boolean {
  const { kind, apiVersion } = object;
  const labels = known(() => object.labels) ?? {};
  const place = { file: "", line: 0 };
  return (
    isInRevision({ kind, apiVersion, metadata: { name: "", labels }, place }, revision) ?? true
  );
}

function nameOf(istiod: Workload): string | undefined {
  const variables = istiod.containers.flatMap((c) => c.env ?? []);
  const named = variables.find((v) => v.name === "REVISION");
  return named ? named.value : "default";
}

/** What is read; undefined while it is known only after the update. */
function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (e) {
    if (isUnknown(e)) return undefined;
    throw e;
  }
}
