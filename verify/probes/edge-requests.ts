import { matchesPath } from "../../policies/decide.ts";
import { type GatewayTls, type Settings, prefixOf } from "../../settings/index.ts";
import { type GraphCall, httpServices, openFromOutside } from "../calls.ts";
import type { HostRequest, ProbeTarget } from "../probe.ts";
import type { TokenSpec } from "../tokens.ts";
import { echoes } from "./services.ts";

/** Prefixes that a request from here is let in to. */
export function openPrefixes(s: Settings): string[] {
  return httpServices(s).flatMap((service) => {
    const prefix = prefixOf(service);
    const open = s.authorization !== "enforce" || openFromOutside(s, service) !== undefined;
    return prefix !== undefined && open ? [prefix] : [];
  });
}

/** What a request to a prefix has to be and to bring so that the rules let it in. */
export function admission(
  s: Settings,
  prefix: string,
): Pick<GraphCall, "path"> & Partial<Pick<GraphCall, "method">> & Brought {
  const service = s.services.find((x) => prefixOf(x) === prefix);
  const open = s.authorization === "enforce" && service && openFromOutside(s, service);
  if (!open) return { path: prefix, ...(service && messageOf(s, { service: service.name })) };
  const { path, method } = open;
  return { path, method, ...messageOf(s, open) };
}

/** What a request brings along. */
type Brought = Pick<HostRequest, "token" | "tokenIn" | "tokenPrefix" | "headers" | "anyAnswer">;

/** What a call brings along: token, headers, and where it comes from, as the trusted proxies would write it. */
export function messageOf(
  s: Settings,
  { service, token, headers, clientAddress }: Omit<GraphCall, "method" | "path" | "from">,
): Brought {
  // the address that counts is followed by those of the trusted proxies but the nearest, which is the peer itself
  const hops = Array.from({ length: s.trustedProxies - 1 }, (_, i) => `198.18.0.${i + 1}`);
  const own = !echoes(s, service);
  const forwarded = clientAddress && { "X-Forwarded-For": [clientAddress, ...hops].join(", ") };
  return {
    ...(own && { anyAnswer: true }),
    ...(token && { token, ...placeOf(s, token) }),
    ...((headers ?? forwarded) && { headers: { ...headers, ...forwarded } }),
  };
}

/** Where an issuer's tokens stand, unless that is the usual place. */
function placeOf(s: Settings, token: TokenSpec): Pick<HostRequest, "tokenIn" | "tokenPrefix"> {
  const issuer = s.authentication.issuers.find((i) => i.name === token.issuer);
  const [header] = issuer?.headers ?? [];
  const [parameter] = issuer?.parameters ?? [];
  if (header) return { tokenIn: { header: header.name }, tokenPrefix: header.prefix ?? "" };
  return parameter ? { tokenIn: { query: parameter.name } } : {};
}

/** A request in the gateway's own mode: with the client's certificate where it asks for one. */
export function good(s: Settings, path: string): HostRequest {
  const { host, gatewayTls } = s;
  if (gatewayTls === "NONE") return { from: "host", to: "http", host, path };
  const client = gatewayTls === "MUTUAL" ? { clientCertificate: "own" as const } : {};
  return { from: "host", to: "https", host, path, ...client };
}

/** The same to a prefix, with what the rules ask for. */
export function admitted(s: Settings, prefix: string): HostRequest {
  const { path, method, ...message } = admission(s, prefix);
  return { ...good(s, path), ...(method && method !== "GET" && { method }), ...message };
}

/** Whether the gateway is in one of these modes, and a request from here is let in. */
export const inMode =
  (...modes: GatewayTls[]) =>
  (s: Settings): boolean =>
    openPrefixes(s).length > 0 && modes.includes(s.gatewayTls);

/** A request that has to be answered, to the first such prefix unless another is given. */
export function right({ settings }: ProbeTarget, prefix = openPrefixes(settings)[0]!): HostRequest {
  return admitted(settings, prefix);
}

/** What comes of a path that leads nowhere: rules are asked before routes. */
export function unrouted(s: Settings, path: string): "not-found" | "rbac-denied" {
  const exempt = s.authentication.exempt.some((pattern) => matchesPath(pattern, path));
  return s.authorization === "enforce" && !exempt ? "rbac-denied" : "not-found";
}
