import { type Fault, type Rule, objectRule } from "../rule.ts";

/** Kinds of Istio with the version that is current; all others of these groups are at v1. */
const others: Readonly<Record<string, string>> = {
  EnvoyFilter: "networking.istio.io/v1alpha3",
  ProxyConfig: "networking.istio.io/v1beta1",
  WasmPlugin: "extensions.istio.io/v1alpha1",
  TrafficExtension: "extensions.istio.io/v1alpha1",
};
const current = [
  ...["Gateway", "VirtualService", "DestinationRule", "ServiceEntry", "Sidecar", "WorkloadEntry"],
  ...["WorkloadGroup", "PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy"],
  "Telemetry",
];

/** dep-01 */
export function currentVersions(): Rule {
  const about = {
    id: "dep-01",
    level: "advisory",
    description: "Istio's objects are of the current API version",
    url: "https://istio.io/latest/blog/2024/v1-apis/",
  } as const;
  const kinds = [...current, ...Object.keys(others)];
  return objectRule(about, kinds, function* (object): Iterable<Fault> {
    const [group] = object.apiVersion.split("/");
    if (!group?.endsWith(".istio.io")) return;
    const wanted = others[object.kind] ?? `${group}/v1`;
    if (object.apiVersion !== wanted)
      yield { what: `is of ${object.apiVersion}`, fix: `write apiVersion: ${wanted}` };
  });
}
