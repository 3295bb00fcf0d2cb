import type { IDestinationRule } from "@kubernetes-models/istio/networking.istio.io/v1/DestinationRule" with {
  "resolution-mode": "import",
};
import type { IPeerAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/PeerAuthentication" with {
  "resolution-mode": "import",
};
import type { MtlsMode, WorkloadMtls } from "../settings/index.ts";

export type PeerAuthenticationSpec = NonNullable<IPeerAuthentication["spec"]>;
export type DestinationRuleSpec = NonNullable<IDestinationRule["spec"]>;

/**
 * How every workload of a namespace receives traffic; in Istio's root namespace, of the mesh.
 *
 * @see https://istio.io/latest/docs/reference/config/security/peer_authentication/
 */
export function namespaceMtls(mode: MtlsMode): PeerAuthenticationSpec {
  return { mtls: { mode } };
}

/** How one workload receives traffic, port by port where it says so. Ports are the container's. */
export function workloadMtls(workload: WorkloadMtls): PeerAuthenticationSpec {
  const ports = Object.entries(workload.ports ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  return {
    selector: { matchLabels: { app: workload.service } },
    ...(workload.mode && { mtls: { mode: workload.mode } }),
    ...(ports.length > 0 && {
      portLevelMtls: Object.fromEntries(ports.map(([p, mode]) => [p, { mode }])),
    }),
  };
}

/**
 * Clients dial mTLS for every host of the namespace. Istio does so by itself (auto mTLS); the rule is for those who
 * want it written down, and never wider than the namespace: `*.local` would break calls to hosts outside the mesh.
 */
export function namespaceDestinationRule(namespace: string): DestinationRuleSpec {
  return {
    host: `*.${namespace}.svc.cluster.local`,
    trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } },
  };
}

/** Clients dial plaintext for a host that has no sidecar. */
export function plaintextDestinationRule(host: string): DestinationRuleSpec {
  return { host, trafficPolicy: { tls: { mode: "DISABLE" } } };
}
