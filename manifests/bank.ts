import { bankRoutes } from "../components/bank.ts";
import { deployment, serviceAccount, serviceObject } from "../components/bank-service.ts";
import { namespaceMtls, workloadMtls } from "../policies/mtls.ts";
import { gatewaySpec, virtualServiceSpec } from "../policies/routing.ts";
import { stackGateway } from "../policies/gateway.ts";
import type { Settings } from "../settings/index.ts";
import { type KubernetesObject, istioObjects } from "./object.ts";

/** The services: an account, a Service and a Deployment each. */
export function serviceObjects(
  { namespace, services }: Pick<Settings, "namespace" | "services">,
  echoImage: string,
): KubernetesObject[] {
  return services.flatMap((service) => {
    const args = { service, namespace, echoImage };
    return [
      { apiVersion: "v1", kind: "ServiceAccount", ...serviceAccount(args) },
      { apiVersion: "v1", kind: "Service", ...serviceObject(args) },
      { apiVersion: "apps/v1", kind: "Deployment", ...deployment(args) },
    ] as unknown as KubernetesObject[];
  });
}

/** How the namespace and single workloads take traffic. */
export function mtlsObjects(s: Settings): KubernetesObject[] {
  const make = istioObjects(s.namespace);
  const peers = (name: string, spec: object) =>
    make("security", "v1", "PeerAuthentication", name, spec);
  return [
    peers("default", namespaceMtls(s.mtlsMode)),
    ...s.workloadMtls.map((w) => peers(`${w.service}-mtls`, workloadMtls(w))),
  ];
}

/**
 * What the gateway serves, in the bank's namespace.
 *
 * @param names of the two objects
 * @param gateway the proxy that serves it
 */
export function routeObjects(
  s: Settings,
  names = { gateway: "bank-gw", routes: "bank-vs" },
  gateway = stackGateway,
): KubernetesObject[] {
  const make = istioObjects(s.namespace);
  const routes = virtualServiceSpec({
    ...{ ...s, gatewayName: names.gateway, gatewayNamespace: gateway.namespace },
    routes: bankRoutes(s),
  });
  return [
    make("networking", "v1", "Gateway", names.gateway, gatewaySpec(s.gatewayTls, s.host, gateway)),
    make("networking", "v1", "VirtualService", names.routes, routes),
  ];
}
