import { type Settings, prefixOf } from "../../settings/index.ts";
import type { Reason } from "../classify.ts";
import type { Control, Probe, ProbeTarget } from "../probe.ts";
import { admission, inMode as mode, openPrefixes, right, unrouted } from "./edge-requests.ts";
import { versionProbes } from "./edge-versions.ts";

const first = (s: Settings) => openPrefixes(s)[0]!;
/** The same to the port for plain HTTP, which redirects whatever is asked: no token goes there. */
const plain = (t: ProbeTarget, prefix?: string) => {
  const { token, tokenIn, tokenPrefix, ...request } = right(t, prefix);
  void [token, tokenIn, tokenPrefix];
  return { ...request, to: "http" as const };
};
/** To the gateway's port for plain HTTP, in any mode. */
const inPlain = (t: ProbeTarget) => (t.settings.gatewayTls === "NONE" ? right(t) : plain(t));
/** An answer of the gateway's own: a service may have pages that are not found, and redirect by itself. */
const byGateway = <R extends Reason>(reason: R) => ({ reason, refusedBy: "gateway" as const });
const rightControl = (differs: string) => ({ differs, send: (t: ProbeTarget) => right(t) });

const redirectTo = (s: Settings, prefix: string) => ({
  ...byGateway("redirect"),
  location: `https://${s.host}:${s.httpsPort}${admission(s, prefix).path}`,
});

/** Identity that the service sees behind the gateway's connection, for services that show it. */
function viaGateway(s: Settings, path: string) {
  const service = s.services.find((x) => prefixOf(x) === path);
  if (service?.image !== undefined) return { reason: "ok" as const };
  const own = s.workloadMtls.some((w) => w.service === service?.name);
  if (own) return { reason: "ok" as const };
  const peer = s.mtlsMode === "DISABLE" ? ("nobody" as const) : ("gateway" as const);
  return { reason: "ok" as const, peer };
}

/** Headers that the route of a prefix sets, as a service sees their names. */
function routeHeaders(s: Settings, path: string): Record<string, string> {
  const { requestHeaders = {} } = s.services.find((x) => prefixOf(x) === path) ?? {};
  return Object.fromEntries(
    Object.entries(requestHeaders).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** Prefixes whose routes set headers, of services that show what they see. */
function headed(s: Settings): string[] {
  return openPrefixes(s).filter(
    (path) =>
      Object.keys(routeHeaders(s, path)).length > 0 &&
      s.services.find((x) => prefixOf(x) === path)!.image === undefined,
  );
}

/** Traffic from this machine to the gateway. */
export const edgeProbes: readonly Probe[] = [
  {
    id: "E0",
    question: "Does each path answer over plain HTTP?",
    why: "gatewayTls is NONE",
    applies: mode("NONE"),
    each: openPrefixes,
    expect: viaGateway,
    send: right,
  },
  {
    id: "E1",
    question: "Does each path answer over https to a client that trusts the stack's CA?",
    why: "the server certificate is for the host and signed by the CA",
    applies: mode("SIMPLE"),
    each: openPrefixes,
    expect: viaGateway,
    send: right,
  },
  {
    id: "E2",
    question: "Is the gateway's certificate refused by a client that trusts another CA?",
    why: "another CA of the same name did not sign it",
    applies: mode("SIMPLE", "MUTUAL"),
    expect: () => ({ reason: "server-cert-untrusted" }),
    send: (t) => ({ ...right(t), trust: "namesake-ca" }),
    control: rightControl("the client trusts the stack's CA"),
  },
  {
    id: "E2-system",
    question: "Is the gateway's certificate refused by a client without the stack's CA?",
    why: "no public CA signed it",
    applies: mode("SIMPLE", "MUTUAL"),
    expect: () => ({ reason: "server-cert-untrusted" }),
    send: (t) => ({ ...right(t), trust: "system" }),
    control: rightControl("the client trusts the stack's CA"),
  },
  {
    id: "E3",
    question: "Is a handshake without the right server name refused?",
    why: "the gateway has a filter chain for its host alone",
    applies: mode("SIMPLE", "MUTUAL"),
    each: () => ["no name", "other.local"],
    expect: () => ({ reason: "tls-refused" }),
    send: (t, item) => ({ ...right(t), serverName: item === "no name" ? "" : item }),
    control: rightControl("the server name is the host"),
  },
  {
    id: "E4",
    question: "Is an unknown host not found?",
    why: "no virtual host of the gateway has that name",
    applies: mode("NONE", "SIMPLE", "MUTUAL"),
    expect: () => byGateway("not-found"),
    send: (t) => ({ ...right(t), host: "other.local", serverName: t.settings.host }),
    control: rightControl("the host is the stack's"),
  },
  {
    id: "E4-http",
    question: "Is an unknown host not found on the plain port?",
    why: "the redirect is for the stack's host alone",
    applies: mode("SIMPLE", "MUTUAL"),
    expect: () => byGateway("not-found"),
    send: (t) => ({ ...plain(t), host: "other.local" }),
    control: { differs: "the stack's host", send: (t) => plain(t), succeeds: "redirect" },
  },
  {
    id: "E5",
    question: "Does plain HTTP only lead to https?",
    why: "an open port beside TLS would walk around the certificates; the Location names the port that this machine maps",
    applies: mode("SIMPLE", "MUTUAL"),
    each: openPrefixes,
    // beside client certificates, an open port would walk around them
    rows: (s) => (s.gatewayTls === "MUTUAL" ? ["E5", "E18"] : ["E5"]),
    expect: redirectTo,
    send: plain,
    control: { differs: "https instead of http, with the token that belongs there", send: right },
  },
  {
    id: "E5-follow",
    question: "Does following the redirect end in an answer over https?",
    why: "Envoy would keep the request's own port; the redirect has to name the other",
    // elsewhere nobody here knows which port reaches the gateway
    applies: (s) => s.cluster === "kind" && mode("SIMPLE", "MUTUAL")(s),
    expect: (s) => viaGateway(s, first(s)),
    // its token goes to where the redirect leads
    send: (t) => ({ ...right(t), to: "http", follow: true }),
  },
  {
    id: "E32",
    question: "Does the service see the headers that its route sets?",
    why: "the gateway sets them on each request, whatever the client says",
    applies: (s) => headed(s).length > 0,
    each: headed,
    expect: (s, path) => ({ reason: "ok", seen: routeHeaders(s, path) }),
    send: (t, path) => {
      const request = right(t, path);
      const names = Object.keys(routeHeaders(t.settings, path));
      const forged: Record<string, string> = Object.fromEntries(names.map((n) => [n, "forged"]));
      return { ...request, headers: { ...request.headers, ...forged } };
    },
  },
  {
    id: "E6",
    question: "Does a forged X-Forwarded-Proto leave the redirect in place?",
    why: "the redirect goes by the port that a request came to, whatever the request says",
    applies: mode("SIMPLE", "MUTUAL"),
    expect: (s) => redirectTo(s, first(s)),
    send: (t) => ({ ...plain(t), headers: { "X-Forwarded-Proto": "https" } }),
    control: { differs: "no such header", send: (t) => plain(t), succeeds: "redirect" },
  },
  {
    id: "E7",
    question: "Does each path answer to a client with a certificate of the CA?",
    why: "the gateway checks it, and hands its subject on to the service",
    applies: mode("MUTUAL"),
    each: openPrefixes,
    expect: (s, path) => {
      const expected = viaGateway(s, path);
      return "peer" in expected ? { ...expected, clientSubject: "CN=ext-client" } : expected;
    },
    send: right,
  },
  {
    id: "E8",
    question: "Is a client without a certificate refused in the handshake?",
    why: "MUTUAL asks for one, and says so in its alert",
    applies: mode("MUTUAL"),
    expect: () => ({ reason: "cert-required" }),
    send: (t) => ({ ...right(t), clientCertificate: undefined }),
    control: rightControl("the client has its certificate"),
  },
  {
    id: "E9",
    question: "Is a certificate by another CA refused in the handshake?",
    why: "the gateway knows one CA",
    applies: mode("MUTUAL"),
    expect: () => ({ reason: "unknown-ca" }),
    send: (t) => ({ ...right(t), clientCertificate: "other-ca" }),
    control: rightControl("the certificate is of the stack's CA"),
  },
  {
    id: "E9-namesake",
    question: "Is a certificate by another CA of the same name refused in the handshake?",
    why: "the name proves nothing; the signature does",
    applies: mode("MUTUAL"),
    expect: () => ({ reason: "bad-signature" }),
    send: (t) => ({ ...right(t), clientCertificate: "namesake-ca" }),
    control: rightControl("the certificate is of the stack's CA"),
  },
  {
    id: "E9-self",
    question: "Is a self-signed certificate of the same name refused in the handshake?",
    why: "nobody vouches for it",
    applies: mode("MUTUAL"),
    expect: () => ({ reason: "unknown-ca" }),
    send: (t) => ({ ...right(t), clientCertificate: "self-signed" }),
    control: rightControl("the certificate is of the stack's CA"),
  },
  ...versionProbes,
  {
    id: "E28",
    question: "Is a PROXY protocol header from outside no part of a request?",
    why: "nobody in front of the gateway speaks it, so a client that does could claim any address",
    applies: mode("NONE", "SIMPLE", "MUTUAL"),
    expect: () => ({ reason: "bad-request" }),
    send: (t) => ({ ...inPlain(t), preface: "PROXY TCP4 198.51.100.7 198.51.100.8 4711 80\r\n" }),
    control: ({ gatewayTls }): Control => ({
      ...{ differs: "no such header", send: inPlain },
      ...(gatewayTls !== "NONE" && { succeeds: "redirect" }),
    }),
  },
  {
    id: "E30",
    question: "Does a path that only begins like a prefix lead nowhere?",
    why: "prefixes match whole segments: /users takes /users/1, not /usersX",
    applies: mode("NONE", "SIMPLE", "MUTUAL"),
    each: openPrefixes,
    expect: (s, prefix) => byGateway(unrouted(s, `${prefix}X`)),
    send: (t, prefix) => ({ ...right(t, prefix), path: `${prefix}X` }),
    control: { differs: "the path without the X", send: right },
  },
  {
    id: "E30-deep",
    question: "Does a path below a prefix answer?",
    why: "a prefix takes everything in its segment",
    applies: mode("NONE", "SIMPLE", "MUTUAL"),
    // where rules apply, they say what is below a prefix (A-graph)
    each: (s) => (s.authorization === "enforce" ? [] : openPrefixes(s)),
    expect: () => ({ reason: "ok" }),
    send: (t, prefix) => right(t, `${prefix}/1`),
  },
  {
    id: "E31",
    question: "Does an unknown path lead nowhere?",
    why: "only the services' prefixes are served; where rules apply, they are asked before the routes",
    applies: mode("NONE", "SIMPLE", "MUTUAL"),
    expect: (s) => byGateway(unrouted(s, "/no-such-path")),
    send: (t) => ({ ...right(t), path: "/no-such-path" }),
    control: rightControl("a path of a service"),
  },
];
