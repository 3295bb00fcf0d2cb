import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  type TokenHeader,
  asksForToken,
  gatewayRolledOut,
  prefixOf,
  refusedAt,
  rolledOut,
  tokenHeaders,
  wholeNamespace,
} from "../settings/index.ts";
import { claimCopies } from "./authentication.ts";
import type { AccessSettings } from "./authorization.ts";
import { type GatewayProxy, stackGateway } from "./gateway.ts";

/** Services inside which claims are asked for, whoever calls: their proxies look at tokens. */
export function needsToken(settings: AccessSettings, service: ServiceSettings): boolean {
  return rolledOut(settings, service.name) && askingInside(service).length > 0;
}

/**
 * Where the bank's proxies look at tokens: all of the namespace, once the rollout has reached it whole, or those of some
 * services. One object for all would be asked by services that the rollout has not reached, too.
 */
export function tokensInside(settings: AccessSettings): "namespace" | readonly string[] {
  const { authentication, services } = settings;
  const all = authentication.inside === "namespace";
  if (all && wholeNamespace(settings)) return "namespace";
  const looking = all
    ? services.filter(({ name }) => rolledOut(settings, name))
    : services.filter((service) => needsToken(settings, service));
  return looking.map(({ name }) => name);
}

/**
 * Whether the gateway hands tokens on, which it does for all routes at once: where a rule inside asks for one that calls
 * through the gateway can match, and while a rollout has not reached all services. Paths and methods are not looked at: a
 * rule of denyFrom without its token would let pass.
 *
 * @param gateway the gateway that is asked about
 */
export function handsOnTokens(settings: AccessSettings, gateway = stackGateway): boolean {
  const { authentication, services } = settings;
  const copies = authentication.issuers.some((issuer) => claimCopies(issuer).length > 0);
  const useful = (service: ServiceSettings) =>
    prefixOf(service) !== undefined &&
    needsToken(settings, service) &&
    // a proxy that looks at tokens, be it for others' sake, clears the headers that the gateway wrote from claims
    (copies || askingInside(service).some((rule) => isAboutGateway(rule, gateway)));
  // who is not reached yet may look at tokens itself, and gets them as ever
  const unreached = (service: ServiceSettings) =>
    prefixOf(service) !== undefined && !rolledOut(settings, service.name);
  const wanted = (service: ServiceSettings) => useful(service) || unreached(service);
  return authentication.inside === "namespace" || services.some(wanted);
}

/** Where tokens stand that reach a service for the sake of others: the gateway hands them on for all routes at once. */
export function needlessTokens(
  settings: AccessSettings & Pick<Settings, "authorization">,
  service: ServiceSettings,
): TokenHeader[] {
  const { authorization, authentication } = settings;
  // where every proxy looks at tokens, each takes them away itself, and writes the claims' headers anew
  if (authorization !== "enforce" || authentication.inside === "namespace") return [];
  const mine = rolledOut(settings, service.name) && !needsToken(settings, service);
  if (!mine || !gatewayRolledOut(settings) || !handsOnTokens(settings)) return [];
  const all = authentication.issuers.flatMap(tokenHeaders);
  return all.filter(
    (one, i) => all.findIndex((x) => x.name === one.name && x.prefix === one.prefix) === i,
  );
}

/**
 * Headers that no service is to get of a CORS preflight: those that claims are copied into. The tokens' filter lets a
 * preflight pass as it is, so that anybody could write them himself.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto bypass_cors_preflight
 */
export function preflightHeaders(
  settings: AccessSettings & Pick<Settings, "authorization">,
): string[] {
  if (settings.authorization === "off" || !gatewayRolledOut(settings)) return [];
  const { issuers } = settings.authentication;
  return [...new Set(issuers.flatMap((issuer) => claimCopies(issuer).map(({ header }) => header)))];
}

/** Rules that ask for a token and are asked by the service's own proxy. */
function askingInside({ allowFrom = [], denyFrom = [] }: ServiceSettings) {
  const denials = denyFrom.filter((rule) => refusedAt(rule) !== "gateway");
  return [...allowFrom, ...denials].filter(asksForToken);
}

/** Whether a call that comes through the gateway can be who a rule is about; one that names nobody is about all. */
function isAboutGateway(rule: AllowRule | DenyRule, gateway: GatewayProxy): boolean {
  if (rule.gateway) return true;
  if (rule.service !== undefined) return false;
  if (rule.namespace !== undefined) return rule.namespace === gateway.namespace;
  return rule.principal === undefined || rule.principal === gateway.principal;
}
