import type { Settings } from "../../settings/index.ts";
import type { KubernetesObject } from "../callers/objects.ts";
import type { Reason } from "../classify.ts";
import type { Authority } from "../strangers.ts";

/** Which object it is. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** What a mutation does to the cluster. Objects are as their manager applied them: without what others wrote into them. */
export interface Change {
  /** In place of what the stack applied. */
  readonly changed?: readonly KubernetesObject[];
  /** Taken away; they are among those that the mutation reads. */
  readonly deleted?: readonly ObjectRef[];
  /** Beside the stack's own. */
  readonly added?: readonly KubernetesObject[];
}

/** What is at hand when a change is made. */
export interface Materials {
  readonly settings: Settings;
  /** A CA that the probes' client certificate "other-ca" comes from. */
  readonly otherCa: Authority;
  /** A CA of the name of the stack's, and another key; some probes trust it. */
  readonly namesakeCa: Authority;
}

/** One probe that has to be red, and the reason that it has to give. */
export interface Expected {
  /** Id of the probe. */
  readonly probe: string;
  /** Its items that have to be red, every one. @default all that it has */
  readonly items?: readonly string[];
  /** @default fails */
  readonly verdict?: "fails" | "inconclusive";
  /** What the probe's request got. */
  readonly got: Reason;
  /** What the verdict or the client's own message says. @default not asked */
  readonly says?: RegExp;
}

/** One way to break a running platform, and what has to notice. */
export interface Mutation {
  readonly id: string;
  /** What is wrong while it lasts. */
  readonly breaks: string;
  /** Why there is nothing to break, or nobody to notice, on a stack of these settings; undefined where there is. */
  readonly notFor: (settings: Settings) => string | undefined;
  /** Live objects that it is made from. */
  readonly reads: (settings: Settings) => readonly ObjectRef[];
  /** The change, from the objects that it reads, in their order. */
  readonly change: (live: readonly KubernetesObject[], materials: Materials) => Change;
  readonly expected: (settings: Settings) => readonly Expected[];
  /** Deployments whose pods are made anew by it, and again when it is over. @default none */
  readonly restarts?: (settings: Settings) => readonly ObjectRef[];
  /** Whether the new pods become ready while it lasts. @default true */
  readonly restartsReady?: boolean;
  /** Whether istiod has to see another ConfigMap, which the kubelet puts before it only now and then. @default false */
  readonly remounts?: boolean;
  /** The CA that clients trust while it lasts. @default the stack's */
  readonly trusts?: "namesake";
}
