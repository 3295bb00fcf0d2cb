import type { Settings } from "./schema.ts";

/** Namespace of the gateway. */
export const gatewayNamespace = "istio-system";

type Reach = Pick<Settings, "rollout" | "namespace">;

/** Whether a service's own proxy asks its rules at this step of the rollout. */
export function rolledOut({ rollout, namespace }: Reach, service: string): boolean {
  if (rollout.mode === "all") return true;
  const named = rollout.services.includes(service) || rollout.namespaces.includes(namespace);
  return named === (rollout.mode === "only");
}

/** Whether the gateway asks a service's rules at this step of the rollout. */
export function rolledOutAtGateway(s: Reach, service: string): boolean {
  const { mode, namespaces } = s.rollout;
  if (!namespaces.includes(gatewayNamespace)) return rolledOut(s, service);
  return mode === "only";
}

/** Whether the rollout has reached all workloads of the bank's namespace, those of others too. */
export function wholeNamespace({ rollout, namespace }: Reach): boolean {
  const { mode, services, namespaces } = rollout;
  if (mode === "all") return true;
  const named = namespaces.includes(namespace);
  return mode === "only" ? named : !named && services.length === 0;
}
