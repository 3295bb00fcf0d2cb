import type { Tools } from "./access-checks.ts";
import type { Problem } from "./problems.ts";
import { gatewayNamespace, isAsked, rolledOut, rolledOutAtGateway } from "./rollout.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

/** Where rules apply while they are rolled out, held against what there is. */
export function rolloutChecks(s: Settings, { problem, remove, set }: Tools): Problem[] {
  const { mode, services, namespaces } = s.rollout;
  const names = s.services.map((x) => x.name);
  const known = { services: names, namespaces: [s.namespace, gatewayNamespace] };
  const unknown = (["services", "namespaces"] as const).flatMap((list) =>
    s.rollout[list].flatMap((name, i) => {
      const key = `rollout.${list}[${i}]`;
      const allowed = `one of ${known[list].join(", ")}`;
      return known[list].includes(name) ? [] : [problem(key, name, allowed, remove(key))];
    }),
  );
  if (s.meshDefaultDeny && (mode !== "all" || s.authorization === "off"))
    unknown.push(
      problem(
        "meshDefaultDeny",
        true,
        "false, unless authorization is on and rollout.mode is all: it would refuse what has no policy yet",
        set("meshDefaultDeny", "false"),
      ),
    );
  if (mode === "all")
    return [
      ...unknown,
      ...(["services", "namespaces"] as const).flatMap((list) => {
        const key = `rollout.${list}`;
        const allowed = "nothing while rollout.mode is all";
        return s.rollout[list].length > 0
          ? [problem(key, s.rollout[list], allowed, remove(key))]
          : [];
      }),
    ];
  if (services.length > 0 || namespaces.length > 0) {
    const asked = s.authorization === "off" || s.services.some((service) => isAsked(s, service));
    if (asked || unknown.length > 0) return unknown;
    const key = services.length > 0 ? "rollout.services" : "rollout.namespaces";
    const given = { services, namespaces };
    const allowed = `something that leaves a service: ${mode} with these applies no rule at all; authorization: off says so plainly`;
    return [problem(key, given, allowed, set("authorization", "off"))];
  }
  const allowed = "at least one service, or rollout.namespaces";
  const fix = set("rollout.services[0]", names[0]!);
  return [...unknown, problem("rollout.services", services, allowed, fix)];
}

/** Addresses of clients are known to the gateway alone: where only the service asks, the rule would ask for none. */
export function addressChecks(
  s: Settings,
  service: ServiceSettings,
  key: string,
  { problem, set }: Tools,
): Problem[] {
  if (!rolledOut(s, service.name) || rolledOutAtGateway(s, service.name)) return [];
  return (["allowFrom", "denyFrom"] as const).flatMap((list) =>
    (service[list] ?? []).flatMap((rule, i) =>
      rule.remoteIpBlocks
        ? [
            problem(
              `${key}.${list}[${i}].remoteIpBlocks`,
              rule.remoteIpBlocks,
              "nothing before the rollout has reached the gateway, which alone knows clients' addresses",
              set("rollout.mode", "all"),
            ),
          ]
        : [],
    ),
  );
}
