import { prefixOf } from "./prefix.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

/** Namespace of the gateway. */
export const gatewayNamespace = "istio-system";
/** Identity of the gateway. */
export const gatewayPrincipal = `cluster.local/ns/${gatewayNamespace}/sa/istio-ingressgateway`;

type Reach = Pick<Settings, "rollout" | "namespace">;

/** Whether a service's own proxy asks its rules at this step of the rollout. */
export function rolledOut(s: Reach, service: string): boolean {
  return reached(s, service, s.namespace);
}

/** Whether the gateway asks a service's rules at this step of the rollout. */
export function rolledOutAtGateway(s: Reach, service: string): boolean {
  return reached(s, service, gatewayNamespace);
}

/** Whether the rollout has reached the gateway at all: it asks the rules of some service that it leads to. */
export function gatewayRolledOut(s: Reach & Pick<Settings, "services">): boolean {
  return s.services.some((x) => prefixOf(x) !== undefined && rolledOutAtGateway(s, x.name));
}

/** Whether anybody asks a service's rules at this step of the rollout: its own proxy, or the gateway that leads to it. */
export function isAsked(s: Reach, service: ServiceSettings): boolean {
  const atGateway = prefixOf(service) !== undefined && rolledOutAtGateway(s, service.name);
  return atGateway || rolledOut(s, service.name);
}

/** A service is named with all its rules; a namespace with those that its own proxies ask. */
function reached({ rollout }: Reach, service: string, namespace: string): boolean {
  if (rollout.mode === "all") return true;
  const named = rollout.services.includes(service) || rollout.namespaces.includes(namespace);
  return named === (rollout.mode === "only");
}

/**
 * Whether the rollout has reached all workloads of the bank's namespace, those of others too: so it is once it has
 * reached every service, however they are named.
 */
export function wholeNamespace(s: Reach & Pick<Settings, "services">): boolean {
  return s.services.every(({ name }) => rolledOut(s, name));
}
