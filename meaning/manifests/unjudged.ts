import { type Labels, type Manifest, type Place, nameOf, namespaceOf, selects } from "./objects.ts";

/** Whose requests hang on something that cannot be judged. */
export interface Scope {
  /** Every request to these pods; undefined: of all namespaces. */
  readonly namespace?: string;
  readonly labels?: Labels;
  /** Also pods without a proxy of their own. */
  readonly bare?: true;
  /** Only what comes in by a gateway. */
  readonly edge?: true;
  /** Pods that stand in no manifest, and no others: whoever reaches them, does so by a Service that selects them. */
  readonly own?: true;
}

/** Something that nobody here can foresee the effect of. */
export interface Unjudged {
  readonly object: string;
  readonly place: Place;
  readonly text: string;
  readonly scope: Scope;
}

/** Pods that something may be about. */
interface Pods {
  readonly namespace: string;
  readonly labels: Labels;
}

/** Whether what cannot be judged is about these pods. */
export function concerns({ namespace, labels, own }: Scope, pods: Pods): boolean {
  if (own) return false;
  return (namespace === undefined || namespace === pods.namespace) && selects(labels, pods.labels);
}

/**
 * Everything that an object may be about, as its namespace and its selector say.
 *
 * @param root Istio's root namespace, whose policies are about all
 */
export function scopeOf(object: Manifest, root: string): Scope {
  const { selector, workloadSelector, targetRef, targetRefs } = (object.spec ?? {}) as Partial<
    Record<"selector" | "workloadSelector", { matchLabels?: unknown; labels?: unknown }>
  > & { targetRef?: unknown; targetRefs?: unknown };
  const asked = selector?.matchLabels ?? workloadSelector?.matchLabels ?? workloadSelector?.labels;
  const namespace = namespaceOf(object);
  return {
    ...(namespace !== root && { namespace }),
    // what names a target may be about any pod of the namespace
    ...(isLabels(asked) && !targetRef && !targetRefs && { labels: asked }),
  };
}

/** Whether a value is a map of texts. */
export function isLabels(value: unknown): value is Labels {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((v) => typeof v === "string")
  );
}

export function unjudged(object: Manifest, text: string, scope: Scope): Unjudged {
  return { object: nameOf(object), place: object.place, text, scope };
}
