import type { Tools } from "./access-checks.ts";
import type { Problem } from "./problems.ts";
import type { Rule } from "./rule-checks.ts";
import type { ServiceSettings } from "./schema.ts";

/** A field of HTTP in a rule about TCP never matches in ALLOW, and makes a DENY wider than it reads. */
export function protocolChecks(
  service: ServiceSettings,
  rule: Rule,
  key: string,
  list: "allowFrom" | "denyFrom",
  { problem, remove, set }: Tools,
): Problem[] {
  const ports = service.ports ?? [{ port: 80, targetPort: 8080, protocol: "http" as const }];
  const found: Problem[] = [];
  const open = ports.map((p) => p.targetPort);
  (rule.ports ?? []).forEach((p, i) => {
    if (open.includes(p)) return;
    const allowed = `a container port of ${service.name}: ${open.join(", ")}`;
    found.push(
      problem(`${key}.ports[${i}]`, p, allowed, set(`${key}.ports[${i}]`, String(open[0]))),
    );
  });
  const meant = ports.filter((p) => !rule.ports || rule.ports.includes(p.targetPort));
  const opaque = meant.filter((p) => ["tcp", "tls", "https"].includes(p.protocol));
  const field = (
    ["methods", "paths", "rpcs", "claims", "token", "issuer", "headers"] as const
  ).find((f) => rule[f] !== undefined);
  if (field && opaque.length > 0)
    found.push(
      problem(
        `${key}.${field}`,
        rule[field],
        `nothing on port ${opaque[0]!.targetPort}, which speaks ${opaque[0]!.protocol}: name the ports that speak HTTP`,
        remove(key),
      ),
    );
  if (rule.rpcs && rule.gateway)
    found.push(
      problem(
        `${key}.rpcs`,
        rule.rpcs,
        "nothing for the gateway, which routes by prefix",
        remove(key),
      ),
    );
  if (rule.rpcs && (rule.methods || rule.paths))
    found.push(problem(`${key}.rpcs`, rule.rpcs, "no methods or paths beside it", remove(key)));
  if (rule.rpcs && !meant.some((p) => p.protocol === "grpc"))
    found.push(
      problem(
        `${key}.rpcs`,
        rule.rpcs,
        `nothing, because no port of ${service.name} speaks grpc`,
        remove(key),
      ),
    );
  const grpc = ports.find((p) => p.protocol === "grpc");
  const other = meant.find((p) => ["http", "http2"].includes(p.protocol));
  // a refusal may be wider than it reads
  if (list === "allowFrom" && rule.rpcs && grpc && other && opaque.length === 0)
    found.push(
      problem(
        `${key}.ports`,
        rule.ports,
        `ports that speak grpc alone, such as ${grpc.targetPort}: on port ${other.targetPort}, which speaks ${other.protocol}, the rule would open POST to the methods' paths`,
        rule.ports ? remove(key) : set(`${key}.ports[0]`, String(grpc.targetPort)),
      ),
    );
  return found;
}
