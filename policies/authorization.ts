import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  prefixOf,
  refusedAt,
  rolledOutAtGateway,
} from "../settings/index.ts";
import { type GatewayProxy, stackGateway } from "./gateway.ts";
import {
  type AuthorizationPolicySpec,
  type Rule,
  type Source,
  operation,
  ruleSpec,
} from "./rule-spec.ts";

export type { AuthorizationPolicySpec } from "./rule-spec.ts";

/** What of a stack decides its policies. */
export type AccessSettings = Pick<
  Settings,
  "services" | "namespace" | "authentication" | "rollout" | "gatewayTls"
>;

/** Identity of a service of the stack. */
export function principalOf(service: string, namespace: string): string {
  return `cluster.local/ns/${namespace}/sa/${service}-sa`;
}

/** Lets nobody in: an ALLOW without rules. What other policies allow is allowed all the same. */
export const allowNothing: AuthorizationPolicySpec = {};

/** Whether rules at the gateway ask for the address of who connects to it, because no proxy stands in front. */
export function asksForPeerAddress(
  s: Pick<Settings, "authorization" | "trustedProxies" | "services">,
): boolean {
  const rules = s.services.flatMap((x) => [...(x.allowFrom ?? []), ...(x.denyFrom ?? [])]);
  return s.authorization !== "off" && s.trustedProxies === 0 && rules.some((r) => r.remoteIpBlocks);
}

/**
 * Who may call a service: one object, whatever the number of rules. `from`, `to` and `when` stand in one rule, for two
 * rules would mean "or".
 *
 * @see https://istio.io/latest/docs/reference/config/security/authorization-policy/
 */
export function serviceAllow(
  s: AccessSettings,
  service: ServiceSettings,
  version?: string,
  gateway = stackGateway,
): AuthorizationPolicySpec {
  const rules = (service.allowFrom ?? [])
    .filter((rule) => rule.version === version)
    .map((rule) => insideRule(s, service, rule, gateway));
  const exempt = version === undefined ? exemptInside(s, service, gateway) : [];
  return { ...about(service, version), action: "ALLOW", rules: [...rules, ...exempt] };
}

/** What is refused before anything is allowed; undefined when there is nothing. */
export function serviceDeny(
  s: AccessSettings,
  service: ServiceSettings,
  version?: string,
  gateway = stackGateway,
): AuthorizationPolicySpec | undefined {
  const inside = (service.denyFrom ?? []).filter(
    (rule) => rule.version === version && refusedAt(rule) !== "gateway",
  );
  if (inside.length === 0) return undefined;
  return {
    ...about(service, version),
    action: "DENY",
    rules: inside.map((rule) => everyPort(insideRule(s, service, rule, gateway))),
  };
}

/**
 * All policies of a service, by name: one for each action, and the same again for a version that rules name, whose
 * selector asks for it.
 */
export function servicePolicies(
  s: AccessSettings,
  service: ServiceSettings,
  gateway = stackGateway,
): (readonly [name: string, spec: AuthorizationPolicySpec])[] {
  const rules = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])];
  const versions = new Set([undefined, ...rules.map((rule) => rule.version)]);
  return [...versions].flatMap((version) => {
    // names of objects know no capitals; a dot, because there may be a service users-v2
    const suffix = version?.toLowerCase().replaceAll("_", "-");
    const name = suffix === undefined ? service.name : `${service.name}.${suffix}`;
    const allow = serviceAllow(s, service, version, gateway);
    const deny = serviceDeny(s, service, version, gateway);
    // an ALLOW without rules lets nobody in; for the service as a whole that is what is meant
    const allows = version === undefined || allow.rules!.length > 0;
    return [
      ...(allows ? [[`allow-${name}`, allow] as const] : []),
      ...(deny ? [[`deny-${name}`, deny] as const] : []),
    ];
  });
}

/**
 * What the gateway lets in: the routed prefixes alone, with the methods, tokens and claims that the services' rules
 * ask for. Port 80 only redirects once TLS is on, so everybody may be told where to go.
 */
export function gatewayAllow(
  s: AccessSettings,
  { selector } = stackGateway,
): AuthorizationPolicySpec {
  const redirect: Rule[] =
    s.gatewayTls === "NONE" ? [] : [{ to: [{ operation: { ports: ["80"] } }] }];
  const routed = s.services.filter((service) => prefixOf(service) !== undefined);
  const exempt: Rule[] = s.authentication.exempt.length
    ? [{ to: [{ operation: { paths: [...s.authentication.exempt] } }] }]
    : [];
  return {
    selector: { matchLabels: { ...selector } },
    action: "ALLOW",
    rules: [...redirect, ...exempt, ...routed.flatMap((service) => edgeRules(s, service))],
  };
}

/** What the gateway refuses first; undefined when there is nothing. */
export function gatewayDeny(
  s: AccessSettings,
  { selector } = stackGateway,
): AuthorizationPolicySpec | undefined {
  const rules = s.services
    .filter((service) => rolledOutAtGateway(s, service.name) && prefixOf(service) !== undefined)
    .flatMap((service) =>
      (service.denyFrom ?? [])
        .filter((rule) => rule.gateway && refusedAt(rule) !== "service")
        .map((rule) => everyPort(edgeRule(s, service, rule))),
    );
  if (rules.length === 0) return undefined;
  return { selector: { matchLabels: { ...selector } }, action: "DENY", rules };
}

function about({ name }: ServiceSettings, version: string | undefined): AuthorizationPolicySpec {
  return { selector: { matchLabels: { app: name, ...(version && { version }) } } };
}

function edgeRules(s: AccessSettings, service: ServiceSettings): Rule[] {
  const everything = { to: [{ operation: { paths: routePaths(service) } }] };
  if (!rolledOutAtGateway(s, service.name)) return [everything];
  return (service.allowFrom ?? [])
    .filter((rule) => rule.gateway)
    .map((rule) => edgeRule(s, service, rule));
}

/** A rule as the gateway asks it. The service's ports are not the gateway's. */
function edgeRule(s: AccessSettings, service: ServiceSettings, rule: AllowRule | DenyRule): Rule {
  const { ports, remoteIpBlocks, ...rest } = rule;
  void ports;
  const source = remoteIpBlocks ? { remoteIpBlocks: [...remoteIpBlocks] } : {};
  return ruleSpec(s.authentication, source, operation(rest, routePaths(service)), rule);
}

/** Port of a proxy's own metrics, which no rule is about. */
const metricsPort = "15090";

/**
 * A refusal that names no port is about all of them; without a word about ports istioctl warns that it refuses bytes
 * as well (IST0133), which is meant: what is not looked at is not let past a refusal.
 */
function everyPort(rule: Rule): Rule {
  const to = (rule.to ?? [{}]).map(({ operation: o }) => ({
    operation: o?.ports ? o : { ...o, notPorts: [metricsPort] },
  }));
  return { ...rule, to };
}

function insideRule(
  s: AccessSettings,
  service: ServiceSettings,
  rule: AllowRule | DenyRule,
  proxy: GatewayProxy,
): Rule {
  const { gateway, namespace, principal } = rule;
  const source: Source = {
    ...(gateway && { principals: [proxy.principal] }),
    ...(rule.service && { principals: [principalOf(rule.service, s.namespace)] }),
    ...(principal && { principals: [principal] }),
    ...(namespace && { namespaces: [namespace] }),
  };
  return ruleSpec(
    s.authentication,
    source,
    operation(rule, gateway ? routePaths(service) : undefined),
    rule,
  );
}

/** Requests that need no token at the edge bring none inside either. */
function exemptInside(
  s: AccessSettings,
  service: ServiceSettings,
  { principal }: GatewayProxy,
): Rule[] {
  const prefix = prefixOf(service);
  const { exempt } = s.authentication;
  const mine = exempt.filter((p) => prefix !== undefined && within(p, prefix));
  if (mine.length === 0) return [];
  return [
    {
      from: [{ source: { principals: [principal] } }],
      to: [{ operation: { paths: mine } }],
    },
  ];
}

function within(pattern: string, prefix: string): boolean {
  return pattern.startsWith("*") || pattern === prefix || pattern.startsWith(`${prefix}/`);
}

/** Paths of a service at the gateway: the prefix itself and what is below it. */
export function routePaths(service: ServiceSettings): string[] | undefined {
  const prefix = prefixOf(service);
  return prefix === undefined ? undefined : [prefix, `${prefix}/*`];
}
