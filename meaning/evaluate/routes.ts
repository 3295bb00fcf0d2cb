import type { VirtualServiceSpec } from "../../policies/routing.ts";
import { selects } from "../manifests/objects.ts";
import type { Platform, Policy } from "../manifests/platform.ts";
import type { Door, Listener, ServerAt } from "./doors.ts";
import { bareHost, bestMatch, intersection } from "./hosts.ts";
import type { Tri } from "./conditions.ts";
import { type HttpMatch, type HttpRoute, type Routed, routeTest, takesAll } from "./route-match.ts";

type VirtualService = Policy<VirtualServiceSpec>;

/** A route, and where it stands. */
export interface Route {
  readonly route: HttpRoute;
  readonly match: HttpMatch | undefined;
  readonly virtualService: VirtualService;
  readonly test: (request: Routed) => Tri;
}

/** What a host's requests are asked for in turn. */
export interface VirtualHost {
  readonly routes: Route[];
  /** Everything is led to https, whatever the routes say. */
  redirects: boolean;
}

const known = new WeakMap<object, Map<string, ReadonlyMap<string, VirtualHost>>>();

/**
 * Hosts of a listener in plaintext, or of one server with TLS, each with its routes.
 *
 * @see https://istio.io/latest/docs/reference/config/networking/virtual-service/
 */
export function virtualHosts(
  platform: Platform,
  door: Door,
  listener: Listener,
  server?: ServerAt,
): ReadonlyMap<string, VirtualHost> {
  const mine = known.get(platform) ?? new Map<string, ReadonlyMap<string, VirtualHost>>();
  known.set(platform, mine);
  const index = server ? listener.servers.indexOf(server) : -1;
  const key = `${door.workload.id} ${listener.port} ${index}`;
  const found = mine.get(key) ?? make(platform, door, server ? [server] : listener.servers);
  mine.set(key, found);
  return found;
}

function make(platform: Platform, door: Door, servers: readonly ServerAt[]) {
  const hosts = new Map<string, VirtualHost>();
  const hostNamed = (name: string) => {
    const host = hosts.get(name) ?? { routes: [], redirects: false };
    hosts.set(name, host);
    return host;
  };
  for (const at of servers) {
    const redirects = at.server.tls?.httpsRedirect === true;
    for (const vs of platform.virtualServices) {
      if (!isBound(vs, at.gateway) || !isVisible(vs, door.workload.namespace)) continue;
      const common = intersection(
        namesFor(at, vs.namespace),
        (vs.spec.hosts ?? []).map((h) => h.toLowerCase()),
      );
      if (common.length === 0) continue;
      const routes = routesOf(vs, at, door);
      for (const name of common) {
        const host = hostNamed(name);
        host.routes.push(...routes);
        host.redirects ||= redirects;
      }
    }
    if (redirects) for (const name of at.hosts) hostNamed(name).redirects = true;
  }
  // what takes everything comes last, wherever it stood
  for (const { routes } of hosts.values())
    routes.sort((a, b) => Number(takesAll(a.match)) - Number(takesAll(b.match)));
  return hosts;
}

/** Whether a VirtualService names a Gateway. */
export function isBound({ spec, namespace }: VirtualService, gateway: string): boolean {
  return (spec.gateways ?? []).some((g) => qualified(g, namespace) === gateway);
}

function qualified(gateway: string, namespace: string): string {
  return gateway.includes("/") || gateway === "mesh" ? gateway : `${namespace}/${gateway}`;
}

export function isVisible({ spec, namespace }: VirtualService, to: string): boolean {
  const names = spec.exportTo ?? [];
  return (
    names.length === 0 ||
    names.some((n) => n === "*" || n === to || (n === "." && namespace === to))
  );
}

/** Hosts of a server that objects of a namespace may serve. */
export function namesFor({ server, gateway }: ServerAt, namespace: string): string[] {
  return (server.hosts ?? []).flatMap((text) => {
    const [ns, name] = text.includes("/") ? text.split("/") : ["*", text];
    const owner = ns === "." ? gateway.split("/")[0] : ns;
    return owner === "*" || owner === namespace ? [name!.toLowerCase()] : [];
  });
}

function routesOf(virtualService: VirtualService, at: ServerAt, door: Door): Route[] {
  const routes: Route[] = [];
  for (const route of virtualService.spec.http ?? []) {
    const matches: readonly (HttpMatch | undefined)[] = route.match?.length
      ? route.match
      : [undefined];
    for (const match of matches) {
      if (match && !isAbout(match, virtualService, at, door)) continue;
      const test = match ? routeTest(match) : () => true;
      routes.push({ route, match, virtualService, test });
      if (takesAll(match)) return routes;
    }
  }
  return routes;
}

function isAbout(match: HttpMatch, vs: VirtualService, at: ServerAt, { workload }: Door): boolean {
  if (match.port && match.port !== at.server.port.number) return false;
  if (match.gateways?.length)
    return match.gateways.some((g) => qualified(g, vs.namespace) === at.gateway);
  return (
    selects(match.sourceLabels, workload.labels) &&
    (!match.sourceNamespace || match.sourceNamespace === workload.namespace)
  );
}

export type Found =
  | { readonly route: Route }
  | { readonly redirects: true }
  | { readonly unknown: Route }
  | undefined;

/** The route that a request takes; undefined where there is none. */
export function findRoute(hosts: ReadonlyMap<string, VirtualHost>, request: Routed): Found {
  const name = bestMatch([...hosts.keys()], bareHost(request.host));
  const host = name === undefined ? undefined : hosts.get(name)!;
  if (!host) return undefined;
  if (host.redirects) return { redirects: true };
  for (const route of host.routes) {
    const holds = route.test(request);
    if (holds === undefined) return { unknown: route };
    if (holds) return { route };
  }
  return undefined;
}
