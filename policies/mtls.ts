import type { IDestinationRule } from "@kubernetes-models/istio/networking.istio.io/v1/DestinationRule" with {
  "resolution-mode": "import",
};
import type { IPeerAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/PeerAuthentication" with {
  "resolution-mode": "import",
};
import type { MtlsMode, Settings, WorkloadMtls } from "../settings/index.ts";

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

/** One rule about how clients dial. */
export interface ClientRule {
  /** What it is for, unique within a stack. */
  readonly role: string;
  readonly name: string;
  readonly namespace: string;
  readonly spec: DestinationRuleSpec;
}

/**
 * Clients dial mTLS for the hosts of `scope`, and plaintext for those of `except`, which have no sidecar. Istio does so
 * by itself (auto mTLS); the rules are for those who want it written down. For the whole mesh (`*.local`) they stand in
 * Istio's root namespace, and whatever has no sidecar and is not excepted cannot be called any more.
 *
 * @see https://istio.io/latest/docs/reference/config/networking/destination-rule/
 */
export function clientRules(
  { destinationRule, namespace }: Pick<Settings, "destinationRule" | "namespace">,
  rootNamespace: string,
): ClientRule[] {
  if (!destinationRule) return [];
  const { scope, services, except } = destinationRule;
  const at = scope === "mesh" ? rootNamespace : namespace;
  const rule = (role: string, name: string, host: string, mode: "ISTIO_MUTUAL" | "DISABLE") => ({
    ...{ role, name, namespace: at },
    spec: { host, trafficPolicy: { tls: { mode } } },
  });
  const inside = `${namespace}.svc.cluster.local`;
  const dialled =
    scope === "services"
      ? services.map((s) => rule(`${s}-client-mtls`, `${s}-mtls`, `${s}.${inside}`, "ISTIO_MUTUAL"))
      : [
          rule(
            "client-mtls",
            "dr-mesh-mtls",
            scope === "mesh" ? "*.local" : `*.${inside}`,
            "ISTIO_MUTUAL",
          ),
        ];
  const excepted = except.map((host) => {
    const role = host.replaceAll(".", "-");
    return rule(`${role}-plaintext`, `plaintext-${role}`, host, "DISABLE");
  });
  return [...dialled, ...excepted];
}
