import { type ServiceSettings, type Settings, rolledOut } from "../settings/index.ts";
import { type TokenHeader, tokenHeaders } from "./authentication.ts";
import type { AccessSettings } from "./authorization.ts";
import { asksForToken } from "./rule-spec.ts";

/** Services inside which claims are asked for, so that they need the token from the edge. */
export function needsToken(settings: AccessSettings, service: ServiceSettings): boolean {
  const rules = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])];
  return rolledOut(settings, service.name) && rules.some(asksForToken);
}

/** Where tokens stand that reach a service for the sake of others: the gateway hands them on for all routes at once. */
export function needlessTokens(
  settings: AccessSettings & Pick<Settings, "authorization">,
  service: ServiceSettings,
): TokenHeader[] {
  const { authorization, authentication, services } = settings;
  const handedOn = authorization === "enforce" && services.some((x) => needsToken(settings, x));
  const mine = rolledOut(settings, service.name) && !needsToken(settings, service);
  // where every proxy looks at tokens, each takes them away itself, and writes the claims' headers anew
  if (!handedOn || !mine || authentication.inside === "namespace") return [];
  const all = authentication.issuers.flatMap(tokenHeaders);
  return all.filter(
    (one, i) => all.findIndex((x) => x.name === one.name && x.prefix === one.prefix) === i,
  );
}
