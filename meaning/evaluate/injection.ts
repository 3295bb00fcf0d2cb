import { parse } from "yaml";
import type { Labels, Manifest } from "../manifests/objects.ts";

/** Who puts sidecars into pods, and into which. */
export interface Injector {
  /** Revisions of istiod and tags that lead to them; empty where the manifests do not say which there are. */
  readonly revisions: readonly string[];
  /** Whether a revision takes namespaces that say nothing. */
  readonly byDefault: boolean;
  /** Whether pods that say nothing get one, in namespaces that ask for it. */
  readonly policy: boolean;
}

export interface Pod {
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly hostNetwork: boolean;
}

/** Namespaces of Kubernetes' own, which no injector touches. */
const ignored = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/** The injectors that istiod's chart brings. */
export function injectorOf(objects: readonly Manifest[]): Injector {
  const webhooks = objects.filter(
    (o) =>
      o.kind === "MutatingWebhookConfiguration" &&
      o.webhooks?.some((w) => String(w.name).endsWith("sidecar-injector.istio.io")),
  );
  const revisions = webhooks.flatMap(({ metadata: { labels = {} } }) =>
    [labels["istio.io/tag"] ?? labels["istio.io/rev"]].filter((r) => r !== undefined),
  );
  const byDefault = webhooks.some((o) =>
    o.webhooks!.some((w) => String(w.name).startsWith("auto.")),
  );
  const settings = objects.find(
    (o) => o.kind === "ConfigMap" && /^istio-sidecar-injector(-|$)/.test(o.metadata.name),
  );
  return { revisions, byDefault, policy: policyOf(settings) };
}

function policyOf(settings: Manifest | undefined): boolean {
  const config = settings?.data?.config;
  const policy = typeof config === "string" && /^policy:.*$/m.exec(config)?.[0];
  if (!policy) return true;
  return (parse(policy) as { policy?: string }).policy !== "disabled";
}

/**
 * Whether a pod gets a proxy: one of the webhooks has to select it, and the pod may not refuse.
 *
 * @see https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy
 */
export function isInjected(injector: Injector, pod: Pod): boolean {
  if (pod.hostNetwork || ignored.includes(pod.namespace)) return false;
  const wish = pod.labels[sidecar];
  if (wish === "false" || !isSelected(injector, pod)) return false;
  // the label comes before the annotation, which is its older form; other words than these two count for nothing
  const word = wish ?? pod.annotations[sidecar];
  return word === "true" || (word !== "false" && injector.policy);
}

const sidecar = "sidecar.istio.io/inject";

function isSelected({ revisions, byDefault }: Injector, pod: Pod): boolean {
  const serves = (revision: string) => revisions.length === 0 || revisions.includes(revision);
  const legacy = pod.namespaceLabels["istio-injection"];
  // this label of a namespace leads to the default revision alone, and comes before the other
  if (legacy !== undefined) return legacy === "enabled" && serves("default");
  const namespaceRevision = pod.namespaceLabels["istio.io/rev"];
  if (namespaceRevision !== undefined) return serves(namespaceRevision);
  const podRevision = pod.labels["istio.io/rev"];
  if (podRevision !== undefined) return serves(podRevision);
  const wish = pod.labels[sidecar];
  return (wish === "true" || (wish === undefined && byDefault)) && serves("default");
}
