import type { Platform } from "../manifests/platform.ts";
import { concerns } from "../manifests/unjudged.ts";
import { type Door, type Listener, type ServerAt, doorsOf, seesHttp, tlsMode } from "./doors.ts";
import { bestMatch } from "./hosts.ts";
import { pass, unknown } from "./inbound.ts";
import { type Answer, type ClientTls, type EdgeRequest, tlsVersions } from "./request.ts";
import { type Routed, locationOf } from "./route-match.ts";
import { findRoute, virtualHosts } from "./routes.ts";
import { routeBytes } from "./tcp-routes.ts";
import { forward } from "./forward.ts";

/** What a request from outside gets: from the gateway's port on to the container behind it. */
export function answerEdge(platform: Platform, request: EdgeRequest): Answer {
  const door = doorsOf(platform).get(request.door);
  if (!door) return closed("unreachable", `there is no gateway ${request.door}`);
  const blind = blindAt(platform, door);
  if (blind) return blind;
  const listener = door.listeners.get(request.port);
  if (!listener) return closed("unreachable", `no Gateway is about port ${request.port}`);
  const { tls } = request;
  if (!listener.tls) {
    if (tls) return closed("plaintext-only", `port ${request.port} takes no TLS`);
    return seesHttp(listener.servers[0]!.server)
      ? answerHttp(platform, door, listener, request)
      : routeBytes(platform, door, listener.servers[0]!, request);
  }
  if (!tls) return closed("tls-required", `port ${request.port} takes TLS alone`);
  const server = serverNamed(listener, tls.serverName);
  if (!server) return closed("tls-refused", `no server is named ${tls.serverName || "nothing"}`);
  const refusal = handshake(server, tls);
  if (refusal) return refusal;
  return seesHttp(server.server)
    ? answerHttp(platform, door, listener, request, server)
    : routeBytes(platform, door, server, request);
}

/** What comes of a TLS handshake alone, whatever is asked afterwards. */
export function shakeHands(platform: Platform, id: string, port: number, tls: ClientTls): Answer {
  const door = doorsOf(platform).get(id);
  // a Gateway that cannot be read is none of the door's servers, and nobody knows what it does to the others
  const blind = door && blindAt(platform, door);
  if (blind) return blind;
  const listener = door?.listeners.get(port);
  if (!listener) return closed("unreachable", `no Gateway is about port ${port}`);
  if (!listener.tls) return closed("plaintext-only", `port ${port} takes no TLS`);
  const server = serverNamed(listener, tls.serverName);
  if (!server) return closed("tls-refused", `no server is named ${tls.serverName || "nothing"}`);
  const by = `Gateway ${server.gateway}, ${tlsMode(server.server)}`;
  return handshake(server, tls) ?? { verdict: "open", reason: "ok", at: "gateway", by };
}

/** What cannot be judged about a gateway: nobody knows then what it does with whatever comes. */
function blindAt({ unjudged }: Platform, { workload }: Door): Answer | undefined {
  const blind = unjudged.find(({ scope }) => concerns(scope, workload));
  return blind && unknown(`${blind.object}: ${blind.text}`);
}

function closed(reason: Answer["reason"], by: string): Answer {
  return { verdict: "closed", reason, at: "gateway", by };
}

/** The server whose name is the nearest to what the client says; one for all hosts takes those that say nothing. */
export function serverNamed({ servers }: Listener, serverName: string): ServerAt | undefined {
  const name = serverName.toLowerCase();
  const all = servers.flatMap((s) => s.hosts);
  const best = name === "" ? all.find((h) => h === "*") : bestMatch(all, name);
  return best === undefined ? undefined : servers.find((s) => s.hosts.includes(best));
}

/** @see https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSmode */
function handshake({ server, gateway }: ServerAt, tls: ClientTls): Answer | undefined {
  const mode = tlsMode(server);
  const by = `Gateway ${gateway}, ${mode}`;
  if (mode === "PASSTHROUGH") return undefined;
  if (mode === "AUTO_PASSTHROUGH") return unknown(`${by}: the server name says where to`);
  const rank = (version: string) => tlsVersions.indexOf(version as (typeof tlsVersions)[number]);
  const lowest = server.tls?.minProtocolVersion ?? "TLS_AUTO";
  const { version = "TLSV1_3", certificate } = tls;
  if (rank(version) < rank(lowest === "TLS_AUTO" ? "TLSV1_2" : lowest))
    return closed("protocol-version", by);
  if (mode === "ISTIO_MUTUAL")
    return certificate === "none" ? closed("cert-required", by) : closed("unknown-ca", by);
  if (mode === "MUTUAL" && certificate === "none") return closed("cert-required", by);
  // an optional certificate that is shown has to be a good one
  if (mode !== "SIMPLE" && certificate === "foreign") return closed("unknown-ca", by);
  return undefined;
}

function answerHttp(
  platform: Platform,
  door: Door,
  listener: Listener,
  request: EdgeRequest,
  server?: ServerAt,
): Answer {
  const { workload } = door;
  const passed = pass(platform, "gateway", {
    pod: workload,
    port: listener.port,
    // a certificate of the edge's CA is no identity of the mesh
    principal: undefined,
    serverName: request.tls?.serverName ?? "",
    peerAddress: request.address,
    remoteAddress: request.address,
    message: request,
    http: true,
  });
  if ("refused" in passed) return passed.refused;
  const { message } = passed;
  const routed: Routed = {
    ...message,
    headers: withToken(message),
    scheme: request.tls ? "https" : "http",
  };
  const found = findRoute(virtualHosts(platform, door, listener, server), routed);
  if (!found) return closed("not-found", "no route");
  if ("redirects" in found)
    return {
      ...closed("redirect", "httpsRedirect"),
      location: `https://${request.host.replace(/:\d+$/, "")}${routed.path}`,
    };
  if ("unknown" in found) {
    const { namespace, name } = found.unknown.virtualService;
    return unknown(`VirtualService ${namespace}/${name} asks for what is not read here`);
  }
  const { route, virtualService } = found.route;
  const by = `VirtualService ${virtualService.namespace}/${virtualService.name}`;
  if (route.redirect)
    return { ...closed("redirect", by), location: locationOf(route.redirect, routed) };
  if (route.directResponse)
    return closed(route.directResponse.status === 404 ? "not-found" : "other-status", by);
  return forward(platform, door, found.route, { message, address: request.address });
}

/** Headers with the one that the token stands in, for routes that ask for it. */
function withToken({
  headers = {},
  token,
}: EdgeRequest | Parameters<typeof forward>[3]["message"]) {
  if (!token || !("header" in token.place)) return headers;
  return { ...headers, [token.place.header]: `${token.place.prefix}<token>` };
}
