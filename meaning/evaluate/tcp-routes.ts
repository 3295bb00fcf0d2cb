import type { Platform } from "../manifests/platform.ts";
import type { Door, ServerAt } from "./doors.ts";
import { tlsMode } from "./doors.ts";
import { send, weighed } from "./forward.ts";
import { intersection, isWildcard, wildcardMatches } from "./hosts.ts";
import { pass } from "./inbound.ts";
import type { Answer, EdgeRequest } from "./request.ts";
import { isBound, isVisible, namesFor } from "./routes.ts";
import { together } from "./ways.ts";

/**
 * What bytes get that a gateway hands on as they are: TLS that it does not end, by the server's name, and everything
 * else by its port.
 */
export function routeBytes(
  platform: Platform,
  door: Door,
  at: ServerAt,
  request: EdgeRequest,
): Answer {
  const { workload } = door;
  const serverName = request.tls?.serverName ?? "";
  const passed = pass(platform, "gateway", {
    pod: workload,
    port: request.port,
    principal: undefined,
    serverName,
    peerAddress: request.address,
    message: request,
    http: false,
  });
  if ("refused" in passed) return passed.refused;
  const through = at.server.tls !== undefined && tlsMode(at.server) === "PASSTHROUGH";
  const forwarded = { message: request, address: request.address };
  for (const vs of platform.virtualServices) {
    const { namespace, spec } = vs;
    if (!isBound(vs, at.gateway) || !isVisible(vs, workload.namespace)) continue;
    if (intersection(namesFor(at, namespace), spec.hosts ?? []).length === 0) continue;
    const routes = through ? (spec.tls ?? []) : (spec.tcp ?? []);
    for (const { match = [], route = [] } of routes) {
      const wanted = match as readonly { port?: number; sniHosts?: readonly string[] }[];
      const taken =
        (match.length === 0 && !through) ||
        wanted.some(
          ({ port, sniHosts }) =>
            (!port || port === at.server.port.number) &&
            (!sniHosts || sniHosts.some((h) => isFor(h, serverName))),
        );
      if (!taken) continue;
      return together(
        weighed(route).map(({ destination }) =>
          send(platform, door, { destination, namespace, forwarded, http: false }),
        ),
      );
    }
  }
  return { verdict: "closed", reason: "closed", at: "gateway", by: "no route" };
}

function isFor(name: string, serverName: string): boolean {
  return isWildcard(name) ? wildcardMatches(name, serverName) : name === serverName;
}
