import type { AllowRule, DenyRule, IssuerSettings } from "./access-schema.ts";
import type { Tools } from "./access-checks.ts";
import { isWrittenByProxies } from "./claim-headers.ts";
import type { Problem } from "./problems.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

/** A header that tokens stand in. */
export interface TokenHeader {
  readonly name: string;
  /** What comes before the token. @default nothing */
  readonly prefix?: string;
}

const bearer = [{ name: "Authorization", prefix: "Bearer " }];

/** Headers that an issuer's tokens stand in, each with what comes before the token. */
export function tokenHeaders({ headers, parameters }: IssuerSettings) {
  // without a word about it, Envoy takes the query's access_token too, which ends up in logs
  return (headers ?? (parameters ? [] : bearer)).map((h) => ({ ...h }));
}

/**
 * A rule about a header that tokens stand in. A proxy that takes a valid token takes it out of there before it asks its
 * rules, so that one of allowFrom refuses just those that it reads as letting in, and one of denyFrom misses them. Other
 * credentials in the same header, such as Basic, stay where they are.
 */
export function tokenHeaderChecks(
  s: Settings,
  rule: AllowRule | DenyRule,
  key: string,
  { problem, remove }: Pick<Tools, "problem" | "remove">,
): Problem[] {
  const places: TokenHeader[] = s.authentication.issuers.flatMap(tokenHeaders);
  return Object.entries(rule.headers ?? {}).flatMap(([name, values]) => {
    const prefixes = places
      .filter((place) => place.name.toLowerCase() === name.toLowerCase())
      .map((place) => place.prefix ?? "");
    if (!values.some((value) => prefixes.some((prefix) => mayHoldToken(value, prefix)))) return [];
    const others = prefixes.includes("") ? "" : ", or values that no token begins with (Basic *)";
    const allowed = `another header${others}: tokens stand in this one, and a proxy takes a valid one away before it asks its rules; token: true, issuer or claims ask for it`;
    return [problem(`${key}.headers.${name}`, values, allowed, remove(key))];
  });
}

/** A header that no token can stand in, because proxies write it. */
export function tokenPlaceChecks(s: Settings, { problem, set }: Tools): Problem[] {
  return s.authentication.issuers.flatMap((issuer, i) =>
    (issuer.headers ?? []).flatMap(({ name }, j) => {
      const low = name.toLowerCase();
      // what an authenticating proxy in front hands on; Envoy leaves it as it is
      if (!isWrittenByProxies(low) || low === "x-forwarded-access-token") return [];
      const key = `authentication.issuers[${i}].headers[${j}].name`;
      const allowed =
        "a header that clients write, such as Authorization or X-Token: proxies write this one themselves";
      return [problem(key, name, allowed, set(key, "<name>"))];
    }),
  );
}

/**
 * A header that the route to a service sets, and that tokens stand in or claims are copied into: the token that the gateway
 * hands on would be lost, or the service would take the route's text for what a token says.
 */
export function routeHeaderChecks(
  s: Settings,
  { problem, write }: Tools & { readonly write: (what: string) => string },
): Problem[] {
  if (s.authorization === "off") return [];
  const { issuers } = s.authentication;
  const ofTokens = issuers.flatMap(tokenHeaders).map(({ name }) => name.toLowerCase());
  const ofClaims = issuers.flatMap(({ claimHeaders = {} }) =>
    Object.keys(claimHeaders).map((name) => name.toLowerCase()),
  );
  return s.services.flatMap(({ requestHeaders = {}, allowFrom = [], denyFrom = [] }, i) => {
    // to others no token has to come
    const asks = [...allowFrom, ...denyFrom].some(asksForToken);
    return Object.entries(requestHeaders).flatMap(([name, value]) => {
      const low = name.toLowerCase();
      const why =
        asks && ofTokens.includes(low)
          ? "tokens stand in this one, and the route would write over them"
          : ofClaims.includes(low)
            ? "claims are copied into this one (claimHeaders), and the route would write over them"
            : undefined;
      if (why === undefined) return [];
      const at = `services[${i}].requestHeaders`;
      const fix = write(`another name for ${name} in ${at}`);
      return [problem(`${at}.${name}`, value, `another header: ${why}`, fix)];
    });
  });
}

/** Whether a rule asks for a token. */
export function asksForToken(rule: AllowRule | DenyRule): boolean {
  return rule.token === true || rule.issuer !== undefined || rule.claims !== undefined;
}

/** A rule about a header that is not the client's when the rule is asked: a proxy or a route has written or cleared it. */
export function writtenHeaderChecks(
  s: Settings,
  service: ServiceSettings,
  rule: AllowRule | DenyRule,
  key: string,
  { problem, remove }: Pick<Tools, "problem" | "remove">,
): Problem[] {
  const lower = (names: object = {}) => Object.keys(names).map((name) => name.toLowerCase());
  const fromClaims = s.authentication.issuers.flatMap((issuer) => lower(issuer.claimHeaders));
  const byRoute = lower(service.requestHeaders);
  return Object.entries(rule.headers ?? {}).flatMap(([name, values]) => {
    const low = name.toLowerCase();
    const why = fromClaims.includes(low)
      ? "claims are copied into this one (claimHeaders), and claims asks for them; who calls from inside writes it himself"
      : byRoute.includes(low)
        ? `the route to ${service.name} sets this one (requestHeaders), behind the gateway's rules and before the service's`
        : isWrittenByProxies(low)
          ? "proxies write this one themselves"
          : undefined;
    if (why === undefined) return [];
    return [problem(`${key}.headers.${name}`, values, `another header: ${why}`, remove(key))];
  });
}

/** Whether a pattern can match a header with a token in it; capitals do not tell credentials apart. */
function mayHoldToken(pattern: string, prefix: string): boolean {
  const before = prefix.toLowerCase();
  // with * in front, the begin is open
  if (pattern.startsWith("*")) return true;
  const begin = pattern.replace(/\*$/, "").toLowerCase();
  return begin.startsWith(before) || (pattern.endsWith("*") && before.startsWith(begin));
}
