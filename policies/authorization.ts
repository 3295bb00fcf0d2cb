import type { IAuthorizationPolicy } from "@kubernetes-models/istio/security.istio.io/v1/AuthorizationPolicy" with {
  "resolution-mode": "import",
};
import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  prefixOf,
  rolledOut,
} from "../settings/index.ts";
import type { Selector } from "./authentication.ts";

export type AuthorizationPolicySpec = NonNullable<IAuthorizationPolicy["spec"]>;
type Rule = NonNullable<AuthorizationPolicySpec["rules"]>[number];
type Source = NonNullable<NonNullable<Rule["from"]>[number]["source"]>;
type Operation = NonNullable<NonNullable<Rule["to"]>[number]["operation"]>;
type Condition = NonNullable<Rule["when"]>[number];

/** What of a stack decides its policies. */
export type AccessSettings = Pick<
  Settings,
  "services" | "namespace" | "authentication" | "rollout" | "gatewayTls"
>;

/** Labels of the gateway's pods. */
export const gatewaySelector: Selector = { istio: "ingressgateway" };
/** Identity of the gateway, as its chart makes it. */
export const gatewayPrincipal = "cluster.local/ns/istio-system/sa/istio-ingressgateway";

/** Identity of a service of the stack. */
export function principalOf(service: string, namespace: string): string {
  return `cluster.local/ns/${namespace}/sa/${service}-sa`;
}

/** Lets nobody in: an ALLOW without rules. What other policies allow is allowed all the same. */
export const allowNothing: AuthorizationPolicySpec = {};

/** Whether a rule asks for a token. */
export function asksForToken(rule: AllowRule | DenyRule): boolean {
  return rule.token === true || rule.issuer !== undefined || rule.claims !== undefined;
}

/** Whether rules at the gateway ask for the address of who connects to it, because no proxy stands in front. */
export function asksForPeerAddress(
  s: Pick<Settings, "authorization" | "trustedProxies" | "services">,
): boolean {
  const rules = s.services.flatMap((x) => [...(x.allowFrom ?? []), ...(x.denyFrom ?? [])]);
  return s.authorization !== "off" && s.trustedProxies === 0 && rules.some((r) => r.remoteIpBlocks);
}

/** Services inside which claims are asked for, so that they need the token from the edge. */
export function needsToken(settings: AccessSettings, service: ServiceSettings): boolean {
  const rules = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])];
  return rolledOut(settings, service.name) && rules.some(asksForToken);
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
): AuthorizationPolicySpec {
  const rules = (service.allowFrom ?? [])
    .filter((rule) => rule.version === version)
    .map((rule) => insideRule(s, service, rule));
  const exempt = version === undefined ? exemptInside(s, service) : [];
  return { ...about(service, version), action: "ALLOW", rules: [...rules, ...exempt] };
}

/** What is refused before anything is allowed; undefined when there is nothing. */
export function serviceDeny(
  s: AccessSettings,
  service: ServiceSettings,
  version?: string,
): AuthorizationPolicySpec | undefined {
  const inside = (service.denyFrom ?? []).filter(
    (rule) => rule.version === version && refusedAt(rule) !== "gateway",
  );
  if (inside.length === 0) return undefined;
  return {
    ...about(service, version),
    action: "DENY",
    rules: inside.map((rule) => insideRule(s, service, rule)),
  };
}

/**
 * All policies of a service, by name: one for each action, and the same again for a version that rules name, whose
 * selector asks for it.
 */
export function servicePolicies(
  s: AccessSettings,
  service: ServiceSettings,
): (readonly [name: string, spec: AuthorizationPolicySpec])[] {
  const rules = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])];
  const versions = new Set([undefined, ...rules.map((rule) => rule.version)]);
  return [...versions].flatMap((version) => {
    // names of objects know no capitals; a dot, because there may be a service users-v2
    const suffix = version?.toLowerCase().replaceAll("_", "-");
    const name = suffix === undefined ? service.name : `${service.name}.${suffix}`;
    const allow = serviceAllow(s, service, version);
    const deny = serviceDeny(s, service, version);
    // an ALLOW without rules lets nobody in; for the service as a whole that is what is meant
    const allows = version === undefined || allow.rules!.length > 0;
    return [
      ...(allows ? [[`allow-${name}`, allow] as const] : []),
      ...(deny ? [[`deny-${name}`, deny] as const] : []),
    ];
  });
}

/**
 * Where a rule of denyFrom stands: the gateway does not know the container's ports or its version, and the service does not know the
 * client's address.
 */
export function refusedAt(rule: DenyRule): "gateway" | "service" | "both" {
  if (rule.remoteIpBlocks) return "gateway";
  return rule.ports || rule.version ? "service" : "both";
}

/**
 * What the gateway lets in: the routed prefixes alone, with the methods, tokens and claims that the services' rules
 * ask for. Port 80 only redirects once TLS is on, so everybody may be told where to go.
 */
export function gatewayAllow(s: AccessSettings): AuthorizationPolicySpec {
  const redirect: Rule[] =
    s.gatewayTls === "NONE" ? [] : [{ to: [{ operation: { ports: ["80"] } }] }];
  const routed = s.services.filter((service) => prefixOf(service) !== undefined);
  const exempt: Rule[] = s.authentication.exempt.length
    ? [{ to: [{ operation: { paths: [...s.authentication.exempt] } }] }]
    : [];
  return {
    selector: { matchLabels: { ...gatewaySelector } },
    action: "ALLOW",
    rules: [...redirect, ...exempt, ...routed.flatMap((service) => edgeRules(s, service))],
  };
}

/** What the gateway refuses first; undefined when there is nothing. */
export function gatewayDeny(s: AccessSettings): AuthorizationPolicySpec | undefined {
  const rules = s.services
    .filter((service) => rolledOut(s, service.name) && prefixOf(service) !== undefined)
    .flatMap((service) =>
      (service.denyFrom ?? [])
        .filter((rule) => rule.gateway && refusedAt(rule) !== "service")
        .map((rule) => edgeRule(s, service, rule)),
    );
  if (rules.length === 0) return undefined;
  return { selector: { matchLabels: { ...gatewaySelector } }, action: "DENY", rules };
}

function about({ name }: ServiceSettings, version: string | undefined): AuthorizationPolicySpec {
  return { selector: { matchLabels: { app: name, ...(version && { version }) } } };
}

function edgeRules(s: AccessSettings, service: ServiceSettings): Rule[] {
  const everything = { to: [{ operation: { paths: routePaths(service) } }] };
  if (!rolledOut(s, service.name)) return [everything];
  return (service.allowFrom ?? [])
    .filter((rule) => rule.gateway)
    .map((rule) => edgeRule(s, service, rule));
}

/** A rule as the gateway asks it. The service's ports are not the gateway's. */
function edgeRule(s: AccessSettings, service: ServiceSettings, rule: AllowRule | DenyRule): Rule {
  const { ports, remoteIpBlocks, ...rest } = rule;
  void ports;
  const source = remoteIpBlocks ? { remoteIpBlocks: [...remoteIpBlocks] } : {};
  return compact(s, source, operation(rest, routePaths(service)), rule);
}

function insideRule(s: AccessSettings, service: ServiceSettings, rule: AllowRule | DenyRule): Rule {
  const { gateway, namespace, principal } = rule;
  const source: Source = {
    ...(gateway && { principals: [gatewayPrincipal] }),
    ...(rule.service && { principals: [principalOf(rule.service, s.namespace)] }),
    ...(principal && { principals: [principal] }),
    ...(namespace && { namespaces: [namespace] }),
  };
  return compact(s, source, operation(rule, gateway ? routePaths(service) : undefined), rule);
}

/** Requests that need no token at the edge bring none inside either. */
function exemptInside(s: AccessSettings, service: ServiceSettings): Rule[] {
  const prefix = prefixOf(service);
  const { exempt } = s.authentication;
  const mine = exempt.filter((p) => prefix !== undefined && within(p, prefix));
  if (mine.length === 0) return [];
  return [
    {
      from: [{ source: { principals: [gatewayPrincipal] } }],
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

function operation(rule: AllowRule | DenyRule, ownPaths: string[] | undefined): Operation {
  const paths = rule.rpcs ?? rule.paths ?? ownPaths;
  const methods = rule.rpcs ? ["POST"] : rule.methods;
  return {
    ...(methods && { methods: [...methods] }),
    ...(paths && { paths: [...paths] }),
    ...(rule.ports && { ports: rule.ports.map(String) }),
  };
}

function compact(
  s: AccessSettings,
  caller: Source,
  to: Operation,
  rule: AllowRule | DenyRule,
): Rule {
  const source: Source = {
    ...caller,
    ...(asksForToken(rule) && { requestPrincipals: requestPrincipals(s, rule.issuer) }),
  };
  const when = conditions(rule);
  return {
    ...(Object.keys(source).length > 0 && { from: [{ source }] }),
    ...(Object.keys(to).length > 0 && { to: [{ operation: to }] }),
    ...(when.length > 0 && { when }),
  };
}

/** Any subject of one issuer, or of each. */
function requestPrincipals(s: AccessSettings, issuer: string | undefined): string[] {
  return s.authentication.issuers
    .filter((i) => issuer === undefined || i.name === issuer)
    .map((i) => `${i.issuer}/*`);
}

function conditions(rule: AllowRule | DenyRule): Condition[] {
  const claims = Object.entries(rule.claims ?? {}).map(([claim, values]) => ({
    key: `request.auth.claims${claimPath(claim)}`,
    values: [...values],
  }));
  const headers = Object.entries(rule.headers ?? {}).map(([header, values]) => ({
    key: `request.headers[${header.toLowerCase()}]`,
    values: [...values],
  }));
  return [...claims, ...headers].sort((a, b) => a.key.localeCompare(b.key));
}

/** realm.roles → [realm][roles]; a claim that is named by a URL keeps its dots. */
function claimPath(claim: string): string {
  const parts = claim.includes("://") ? [claim] : claim.split(".");
  return parts.map((part) => `[${part}]`).join("");
}
