import type { KubernetesObject } from "../resource.ts";
import { type Rule, at, stackRule } from "../rule.ts";
import { rootNamespace } from "../world.ts";

const level = (object: KubernetesObject, mode: string) =>
  object.labels[`pod-security.kubernetes.io/${mode}`];

/** wl-05 */
export function podSecurity(): Rule {
  const about = {
    id: "wl-05",
    level: "mandatory",
    description:
      "Namespaces hold their pods to the restricted standard, and nothing is in `default`",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
  } as const;
  return stackRule(about, function* (world) {
    const meant = [...world.appNamespaces, rootNamespace];
    const namespaces = world.of("Namespace").filter((object) => meant.includes(object.name));
    for (const object of namespaces) {
      const open = ["enforce", "warn", "audit"].filter((m) => level(object, m) !== "restricted");
      for (const mode of open)
        yield {
          ...at(object),
          part: mode,
          what: `${mode} is ${level(object, mode) ?? "not set"}`,
          fix: `label it pod-security.kubernetes.io/${mode}: restricted`,
        };
    }
    const objects = [
      ...world.workloads.map((workload) => workload.object),
      ...world.of("Service", "ServiceAccount", "Secret", "ConfigMap"),
    ];
    for (const object of objects.filter((o) => o.namespace === "default"))
      yield {
        ...at(object),
        what: "is in the namespace default, which has no rules of its own",
        fix: "give it a namespace",
      };
  });
}

interface NetworkPolicySpec {
  readonly podSelector: { readonly matchLabels?: object; readonly matchExpressions?: object };
  readonly policyTypes: readonly string[];
  readonly ingress: readonly object[];
}

/** Whether a policy lets nothing into any pod of its namespace. */
function deniesAll(object: KubernetesObject): boolean {
  const {
    podSelector = {},
    policyTypes = ["Ingress"],
    ingress,
  } = object.field<NetworkPolicySpec>();
  const { matchLabels = {}, matchExpressions = [] } = podSelector;
  const whole = Object.keys({ ...matchLabels, ...matchExpressions }).length === 0;
  return whole && policyTypes.includes("Ingress") && !ingress?.length;
}

/** wl-06 */
export function networkDeny(): Rule {
  const about = {
    id: "wl-06",
    level: "production",
    description: "Each application namespace has a NetworkPolicy that refuses what no other allows",
    url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-traffic",
  } as const;
  return stackRule(about, function* (world) {
    const denied = world.gather(world.of("NetworkPolicy"), (object) =>
      deniesAll(object) ? [object.namespace] : [],
    );
    for (const namespace of world.appNamespaces.filter((ns) => !denied.includes(ns)))
      yield {
        about: `Namespace/${namespace}`,
        what: "has no NetworkPolicy that refuses by default",
        fix: "add one with an empty podSelector and policyTypes: [Ingress]",
      };
  });
}
