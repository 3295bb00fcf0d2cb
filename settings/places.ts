import type { AllowRule, DenyRule } from "./access-schema.ts";

/**
 * Where a rule of denyFrom stands: the gateway does not know the container's ports or its version, and the service does not know the
 * client's address.
 */
export function refusedAt(rule: DenyRule): "gateway" | "service" | "both" {
  if (rule.remoteIpBlocks) return "gateway";
  return rule.ports || rule.version ? "service" : "both";
}

/** Who asks a rule: the service's own proxy, and the gateway those that are about it, as far as refusals stand there. */
export function placesOf(
  list: "allowFrom" | "denyFrom",
  rule: AllowRule | DenyRule,
): ("gateway" | "service")[] {
  const at = list === "denyFrom" ? refusedAt(rule) : "both";
  return [
    ...(rule.gateway && at !== "service" ? (["gateway"] as const) : []),
    ...(at !== "gateway" ? (["service"] as const) : []),
  ];
}
