import { type Problem, setCommand, show } from "./problems.ts";
import type { MtlsMode, ServiceSettings, Settings } from "./schema.ts";

/** Who speaks mTLS, on both sides. Pure: settings in, problems out. */
export function mtlsChecks(stack: string, s: Settings): Problem[] {
  return [...workloadChecks(stack, s), ...destinationRuleChecks(stack, s)];
}

/**
 * Mode in which a port of a service's container receives traffic.
 *
 * @param port the container's. @default that of the first
 */
export function modeOf(
  s: Pick<Settings, "workloadMtls" | "mtlsMode">,
  service: ServiceSettings,
  port = service.ports?.[0]?.targetPort ?? 8080,
): MtlsMode {
  const own = s.workloadMtls.find((w) => w.service === service.name);
  return own?.ports?.[String(port)] ?? own?.mode ?? s.mtlsMode;
}

function workloadChecks(stack: string, s: Settings): Problem[] {
  const problems: Problem[] = [];
  s.workloadMtls.forEach((w, i) => {
    const service = s.services.find((x) => x.name === w.service);
    if (!service) {
      problems.push({
        key: `workloadMtls[${i}].service`,
        value: show(w.service),
        allowed: `one of ${s.services.map((x) => x.name).join(", ")}`,
        fix: setCommand(stack, `workloadMtls[${i}].service`, s.services[0]!.name),
      });
      return;
    }
    const twin = s.workloadMtls.findIndex((other) => other.service === w.service);
    if (twin < i) {
      problems.push({
        key: `workloadMtls[${i}].service`,
        value: show(w.service),
        allowed: `a service of its own; workloadMtls[${twin}] has the same`,
        fix: `pulumi config rm --stack ${stack} --path 'bankmesh:workloadMtls[${i}]'`,
      });
    }
    if (w.mode === undefined && w.ports === undefined) {
      problems.push({
        key: `workloadMtls[${i}]`,
        value: show(w),
        allowed: "a mode, or modes by port",
        fix: setCommand(stack, `workloadMtls[${i}].mode`, "STRICT"),
      });
    }
    const open = (service.ports ?? [{ targetPort: 8080 }]).map((p) => String(p.targetPort));
    for (const p of Object.keys(w.ports ?? {}).filter((x) => !open.includes(x))) {
      problems.push({
        key: `workloadMtls[${i}].ports`,
        value: show(p),
        allowed: `container ports of ${w.service}: ${open.join(", ")}`,
        fix: `pulumi config rm --stack ${stack} --path 'bankmesh:workloadMtls[${i}].ports["${p}"]'`,
      });
    }
  });
  return problems;
}

function destinationRuleChecks(stack: string, s: Settings): Problem[] {
  if (!s.destinationRule) return [];
  const { scope, services, except } = s.destinationRule;
  const names = s.services.map((x) => x.name);
  const remove = (key: string) => `pulumi config rm --stack ${stack} --path 'bankmesh:${key}'`;
  const problem = (key: string, value: unknown, allowed: string, fix: string): Problem[] => [
    { key: `destinationRule${key}`, value: show(value), allowed, fix },
  ];
  if (s.mtlsMode === "DISABLE")
    return problem(
      "",
      s.destinationRule,
      "nothing while mtlsMode is DISABLE: clients would dial mTLS to servers that refuse it",
      `pulumi config rm --stack ${stack} destinationRule`,
    );
  const setService = setCommand(stack, "destinationRule.services[0]", names[0]!);
  return [
    ...(scope === "services" && services.length === 0
      ? problem(
          ".services",
          services,
          "at least one service, because scope is services",
          setService,
        )
      : []),
    ...(scope !== "services" && services.length > 0
      ? problem(
          ".services",
          services,
          `nothing while scope is ${scope}: the rule is about every host there`,
          setCommand(stack, "destinationRule.scope", "services"),
        )
      : []),
    ...services.flatMap((name, i) =>
      names.includes(name)
        ? []
        : problem(
            `.services[${i}]`,
            name,
            `one of ${names.join(", ")}`,
            setCommand(stack, `destinationRule.services[${i}]`, names[0]!),
          ),
    ),
    ...except.flatMap((host, i) => {
      const own = s.services.find((x) => host === `${x.name}.${s.namespace}.svc.cluster.local`);
      const strict = own && modeOf(s, own) === "STRICT";
      if (!own || (!strict && s.authorization === "off")) return [];
      const why = strict
        ? `${own.name} takes mTLS alone (STRICT) and would reset every call`
        : `rules about callers of ${own.name} need identities, and calls in plaintext have none`;
      return problem(
        `.except[${i}]`,
        host,
        `a host without a sidecar; ${why}`,
        remove(`destinationRule.except[${i}]`),
      );
    }),
    ...s.services.flatMap((own) => {
      const host = `${own.name}.${s.namespace}.svc.cluster.local`;
      const meant = scope !== "services" || services.includes(own.name);
      if (modeOf(s, own) !== "DISABLE" || !meant || except.includes(host)) return [];
      return problem(
        ".except",
        except,
        `${host} too: ${own.name} takes plaintext alone (DISABLE), and clients would dial mTLS`,
        setCommand(stack, `destinationRule.except[${except.length}]`, host),
      );
    }),
  ];
}
