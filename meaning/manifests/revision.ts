import { type Manifest, groupOf } from "./objects.ts";
import { podOf } from "./pod-templates.ts";

/** The istiod that reads a mesh's objects. */
export interface Revision {
  /** Its own name; empty: it reads the objects of all. */
  readonly name: string;
  /** Further names that lead pods to it. */
  readonly tags: readonly string[];
}

const label = "istio.io/rev";

/** The revision of the istiod among objects; undefined where there is none, or more than one. */
export function revisionOf(objects: readonly Manifest[]): Revision | undefined {
  const names = new Set(objects.filter(isIstiod).map(nameIn));
  const [name] = names;
  if (names.size !== 1 || name === undefined) return undefined;
  const tags = objects.flatMap(({ kind, metadata: { labels } }) => {
    const tag = kind === "MutatingWebhookConfiguration" ? labels?.["istio.io/tag"] : undefined;
    return tag !== undefined && labels?.[label] === name ? [tag] : [];
  });
  return { name, tags };
}

/**
 * Whether istiod reads an object: not one whose label names another revision. Undefined where nobody can tell: without
 * its revision, or where the label is a tag, which is made for pods.
 *
 * @see https://istio.io/latest/docs/reference/config/labels/#IoIstioRev
 */
export function isInRevision(
  object: Manifest,
  revision: Revision | undefined,
): boolean | undefined {
  const asked = object.metadata.labels?.[label];
  if (asked === undefined || !groupOf(object).endsWith(".istio.io")) return true;
  if (!revision) return undefined;
  if (revision.name === "" || revision.name === asked) return true;
  return revision.tags.includes(asked) ? undefined : false;
}

/** Whether an object makes istiod's pods, whatever its revision is called. */
export function isIstiod(object: Manifest): boolean {
  return podOf(object)?.metadata?.labels?.istio === "pilot";
}

/** Undefined where the name comes from somewhere else. */
function nameIn(istiod: Manifest): string | undefined {
  const variables = (podOf(istiod)?.spec?.containers ?? []).flatMap((c) => c.env ?? []);
  const named = variables.find((v) => v.name === "REVISION");
  // without one, it reads the objects of all
  return named ? named.value : "";
}
