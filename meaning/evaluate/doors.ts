import type { GatewaySpec } from "../../policies/routing.ts";
import { selects } from "../manifests/objects.ts";
import type { Platform } from "../manifests/platform.ts";
import { type Workload, targetPort } from "../manifests/workloads.ts";

export type Server = NonNullable<GatewaySpec["servers"]>[number];

/** A server of a Gateway object, on a port of a proxy. */
export interface ServerAt {
  /** Namespace and name of the Gateway. */
  readonly gateway: string;
  readonly server: Server;
  /** Names of hosts without their namespaces. */
  readonly hosts: readonly string[];
}

/** All that a gateway's proxy does on one of its ports. */
export interface Listener {
  readonly port: number;
  /** Servers of one port all speak TLS, or none does. */
  readonly tls: boolean;
  readonly servers: readonly ServerAt[];
}

/** A gateway's proxy. */
export interface Door {
  readonly workload: Workload;
  readonly listeners: ReadonlyMap<number, Listener>;
}

const known = new WeakMap<object, ReadonlyMap<string, Door>>();

/** The gateways of a platform by their workloads' ids. */
export function doorsOf(platform: Platform): ReadonlyMap<string, Door> {
  const found = known.get(platform) ?? make(platform);
  known.set(platform, found);
  return found;
}

function make(platform: Platform): ReadonlyMap<string, Door> {
  const gateways = [...platform.workloads.values()].filter((w) => w.proxy === "gateway");
  return new Map(
    gateways.map((workload) => [
      workload.id,
      { workload, listeners: listenersOf(platform, workload) },
    ]),
  );
}

function listenersOf(platform: Platform, workload: Workload): ReadonlyMap<number, Listener> {
  const listeners = new Map<number, { port: number; tls: boolean; servers: ServerAt[] }>();
  for (const { namespace, name, spec } of platform.gateways) {
    if (!selects(spec.selector, workload.labels)) continue;
    for (const server of spec.servers ?? []) {
      const port = listenedOn(platform, workload, server.port.number);
      const tls = server.tls !== undefined && !isHttp(server);
      const hosts = (server.hosts ?? []).map((h) => h.slice(h.indexOf("/") + 1).toLowerCase());
      const listener = listeners.get(port) ?? { port, tls, servers: [] };
      listeners.set(port, listener);
      // istiod leaves out a server that does not go with those that were there before
      const taken = listener.servers.some(
        (other) =>
          (tls && other.hosts.some((h) => hosts.includes(h))) ||
          (!tls && isHttp(other.server) !== isHttp(server)),
      );
      if (listener.tls !== tls || taken) continue;
      listener.servers.push({ gateway: `${namespace}/${name}`, server, hosts });
    }
  }
  return listeners;
}

/** Port that the proxy listens on: where a Service leads to it, the one behind the Service's. */
function listenedOn(platform: Platform, workload: Workload, number: number): number {
  const ports = platform.services
    .filter((s) => s.namespace === workload.namespace && selects(s.selector, workload.labels))
    .flatMap((s) => s.ports.filter((p) => p.port === number));
  return (ports[0] && targetPort(workload, ports[0])) ?? number;
}

/** Whether a server speaks HTTP in plaintext. */
export function isHttp({ port }: Server): boolean {
  return ["http", "http2", "grpc", "grpc-web", "http_proxy"].includes(port.protocol.toLowerCase());
}

/** Whether the proxy sees HTTP in what comes to a server. */
export function seesHttp(server: Server): boolean {
  if (isHttp(server)) return true;
  const through = ["PASSTHROUGH", "AUTO_PASSTHROUGH"].includes(tlsMode(server));
  return server.port.protocol.toLowerCase() === "https" && server.tls !== undefined && !through;
}

/** Mode of a server's TLS; without a word about it, the first of Istio's modes. */
export function tlsMode({ tls }: Server): string {
  return tls?.mode ?? "PASSTHROUGH";
}
