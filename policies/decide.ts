import { BlockList } from "node:net";
import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  asksForToken,
  prefixOf,
  refusedAt,
  rolledOut,
  rolledOutAtGateway,
  versionOf,
} from "../settings/index.ts";
import { routePaths } from "./authorization.ts";
import { stackGateway } from "./gateway.ts";

/** Who asks. */
export type Caller =
  | { readonly kind: "outside" }
  | { readonly kind: "service"; readonly service: string }
  | { readonly kind: "workload"; readonly namespace: string; readonly account: string }
  /** Without a proxy, so without an identity. */
  | { readonly kind: "plaintext" };

/** A token whose signature, issuer, audience and times are in order. */
export interface ValidToken {
  /** Issuer, by its name in the settings. */
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** One request, in the words of the settings. */
export interface Call {
  readonly from: Caller;
  readonly service: string;
  readonly method: string;
  /** Path as the service sees it, already normalized. */
  readonly path: string;
  /** Port of the container. @default its first */
  readonly port?: number;
  readonly token?: ValidToken;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address of the client, for a call from outside. @default one that no rule names */
  readonly clientAddress?: string;
}

export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** Whose rules refuse it. */
      readonly at: "gateway" | "service";
      readonly why: string;
      /** Whether the gateway has a route for it; without rules, what has none is not found. @default true */
      readonly routed?: false;
    };

const yes: Decision = { allowed: true };

/**
 * What a request gets once the rules apply, from the settings alone: independent of how policies are written, so that
 * tests can hold both against traffic.
 */
export function decide(s: Settings, call: Call): Decision {
  const service = s.services.find((x) => x.name === call.service);
  if (!service) throw new Error(`there is no service ${call.service}`);
  if (call.from.kind === "outside") {
    const edge = atTheGateway(s, service, call);
    if (!edge.allowed) return edge;
  }
  return insideTheMesh(s, service, call);
}

function atTheGateway(s: Settings, service: ServiceSettings, call: Call): Decision {
  const no = (why: string) => ({ allowed: false, at: "gateway", why }) as const;
  const routed = routePaths(service);
  if (!routed?.some((p) => matchesPath(p, call.path)))
    return { ...no("no route leads from this path to the service"), routed: false };
  if (!rolledOutAtGateway(s, service.name)) return yes;
  const mine = (rules: readonly (AllowRule | DenyRule)[] = []) => rules.filter((r) => r.gateway);
  const denied = mine(service.denyFrom).some(
    (r) => refusedAt(r) !== "service" && asks(s, service, r, call, true),
  );
  if (denied) return no("a rule of denyFrom refuses it");
  if (s.authentication.exempt.some((p) => matchesPath(p, call.path))) return yes;
  const allows = (c: Call) => mine(service.allowFrom).some((r) => asks(s, service, r, c, true));
  return allows(call)
    ? yes
    : no(`no rule of allowFrom for the gateway matches it${subjectMissing(call, allows)}`);
}

function insideTheMesh(s: Settings, service: ServiceSettings, call: Call): Decision {
  if (!rolledOut(s, service.name)) return yes;
  const no = (why: string): Decision => ({ allowed: false, at: "service", why });
  const matches = (rule: AllowRule | DenyRule, c: Call) =>
    isCaller(s, rule, c.from) &&
    [undefined, versionOf(service)].includes(rule.version) &&
    asks(s, service, rule, c, false);
  if (service.denyFrom?.some((r) => refusedAt(r) !== "gateway" && matches(r, call)))
    return no("a rule of denyFrom refuses it");
  const allows = (c: Call) => service.allowFrom?.some((r) => matches(r, c)) ?? false;
  if (allows(call)) return yes;
  const prefix = prefixOf(service);
  const exempt =
    call.from.kind === "outside" &&
    prefix !== undefined &&
    s.authentication.exempt.some((p) => matchesPath(p, call.path));
  return exempt ? yes : no(`no rule of allowFrom matches it${subjectMissing(call, allows)}`);
}

/** Says so when nothing but a subject is missing from a call's token. */
function subjectMissing(call: Call, allows: (call: Call) => boolean): string {
  const { token } = call;
  if (!token || hasSubject(token)) return "";
  const named = { ...call, token: { ...token, claims: { ...token.claims, sub: "somebody" } } };
  return allows(named)
    ? ": its token has no subject (sub), without which rules about tokens and claims take none"
    : "";
}

function isCaller(s: Settings, rule: AllowRule | DenyRule, from: Caller): boolean {
  const { gateway, service, namespace, principal } = rule;
  if (!gateway && service === undefined && namespace === undefined && principal === undefined)
    return true;
  if (from.kind === "outside")
    return (
      gateway === true ||
      namespace === stackGateway.namespace ||
      principal === stackGateway.principal
    );
  if (from.kind === "plaintext") return false;
  const [ns, account] =
    from.kind === "service" ? [s.namespace, `${from.service}-sa`] : [from.namespace, from.account];
  if (service !== undefined) return ns === s.namespace && account === `${service}-sa`;
  if (namespace !== undefined) return ns === namespace;
  return principal === `cluster.local/ns/${ns}/sa/${account}`;
}

/** Whether a request is, and brings, what a rule asks for; the caller apart. */
function asks(
  s: Settings,
  service: ServiceSettings,
  rule: AllowRule | DenyRule,
  call: Call,
  edge: boolean,
): boolean {
  const paths = rule.rpcs ?? rule.paths ?? (rule.gateway ? routePaths(service) : undefined);
  const methods = rule.rpcs ? ["POST"] : rule.methods;
  const port = call.port ?? service.ports?.[0]?.targetPort ?? 8080;
  return (
    (methods?.includes(call.method) ?? true) &&
    (paths?.some((p) => matchesPath(p, call.path)) ?? true) &&
    (edge || (rule.ports?.includes(port) ?? true)) &&
    (!edge || addressMatches(rule.remoteIpBlocks, call.clientAddress)) &&
    tokenMatches(s, rule, call.token) &&
    headersMatch(rule, call.headers ?? {})
  );
}

/** A token's principal is issuer/subject, and neither may be empty; rules about claims ask for it too. */
function hasSubject({ claims: { sub } }: ValidToken): boolean {
  return typeof sub === "string" && sub !== "";
}

function tokenMatches(
  s: Settings,
  rule: AllowRule | DenyRule,
  token: ValidToken | undefined,
): boolean {
  if (!asksForToken(rule)) return true;
  if (!token || !hasSubject(token)) return false;
  if (rule.issuer !== undefined && rule.issuer !== token.issuer) return false;
  const issuer = s.authentication.issuers.find((i) => i.name === token.issuer);
  const words = ["scope", "permission", ...(issuer?.spaceDelimitedClaims ?? [])];
  return Object.entries(rule.claims ?? {}).every(([claim, values]) => {
    const found = claimValues(claim, token.claims, words);
    return values.some((value) => found.some((f) => matchesText(value, f)));
  });
}

/** A claim's texts: a list has several, and some claims are words apart by spaces. */
function claimValues(
  claim: string,
  claims: Readonly<Record<string, unknown>>,
  words: readonly string[],
): string[] {
  const path = claim.includes("://") ? [claim] : claim.split(".");
  const value = path.reduce<unknown>(
    (v, part) =>
      // no path leads into a list
      typeof v === "object" && v !== null && !Array.isArray(v)
        ? (v as Record<string, unknown>)[part]
        : undefined,
    claims,
  );
  if (typeof value === "string")
    return path.length === 1 && words.includes(path[0]!) ? value.split(" ") : [value];
  return Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
}

/** Whether an address is in one of the blocks; without blocks, whatever it is. */
export function addressMatches(
  blocks: readonly string[] | undefined,
  address: string | undefined,
): boolean {
  if (!blocks) return true;
  if (address === undefined) return false;
  const family = (text: string) => (text.includes(":") ? "ipv6" : "ipv4");
  const known = new BlockList();
  for (const block of blocks) {
    const [start, length] = block.split("/") as [string, string?];
    const bits = family(start) === "ipv4" ? 32 : 128;
    known.addSubnet(start, length === undefined ? bits : Number(length), family(start));
  }
  return known.check(address, family(address));
}

function headersMatch(
  rule: AllowRule | DenyRule,
  headers: Readonly<Record<string, string>>,
): boolean {
  const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
  return Object.entries(rule.headers ?? {}).every(([name, values]) => {
    const value = lower[name.toLowerCase()];
    // * asks whether the header is there, be it empty
    return value !== undefined && values.some((v) => v === "*" || matchesText(v, value));
  });
}

/** Istio's patterns: exact, prefix/*, *suffix. A query is not part of the path. */
export function matchesPath(pattern: string, path: string): boolean {
  return matchesText(pattern, path.split(/[?#]/)[0]!);
}

function matchesText(pattern: string, text: string): boolean {
  if (pattern === "*") return text !== "";
  // in Istio's order
  if (pattern.startsWith("*")) return text.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return text.startsWith(pattern.slice(0, -1));
  return pattern === text;
}
