import type { GatewaySpec, VirtualServiceSpec } from "../../routing.ts";
import type { Workload } from "../pods.ts";
import type { KubernetesObject, Labels } from "../resource.ts";
import type { World } from "../world.ts";

export type Server = NonNullable<GatewaySpec["servers"]>[number];

/**
 * Servers of a Gateway, each with its place; those of the Gateway API have none, they call them listeners.
 *
 * @throws Error when one has no port or no hosts: what it would do is Istio's guess
 */
export function serversOf(object: KubernetesObject): { path: string; server: Server }[] {
  const { servers = [] } = object.field<GatewaySpec>();
  return servers.map((server, i) => {
    const path = `spec.servers[${i}]`;
    if (!server.port?.protocol) throw new Error(`${path} has no port with a protocol`);
    if (!server.hosts?.length) throw new Error(`${path} has no hosts`);
    return { path, server };
  });
}

// Istio takes a protocol in any case
const protocolOf = (server: Server) => server.port.protocol.toUpperCase();

/** Whether it speaks HTTP in plaintext; its tls block has no say in that. */
export const isHttp = (server: Server) =>
  ["HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY"].includes(protocolOf(server));

/** Whether it speaks TLS, as Istio decides that: by its tls block, whatever is spoken inside. */
export const isTls = (server: Server) => Boolean(server.tls) && !isHttp(server);

/** Whether what comes in is plaintext. A protocol that nobody knows is no TLS by its name. */
export const isPlain = (server: Server) => !isTls(server);

/** Whether its protocol's name promises a TLS that no tls block gives. */
export const lacksTls = (server: Server) =>
  ["HTTPS", "TLS"].includes(protocolOf(server)) && !server.tls;

/** How a server that speaks TLS does it; Istio reads the first of its modes where none is set. */
export const modeOf = (server: Server) => server.tls?.mode ?? "PASSTHROUGH";

/** Labels of the pods that serve a Gateway. */
export const podsOf = (gateway: KubernetesObject): Labels =>
  gateway.field<GatewaySpec>().selector ?? {};

const contains = (labels: Labels, others: Labels) =>
  Object.entries(others).every(([key, value]) => labels[key] === value);

/**
 * Whether some pod serves both of two Gateways. Pods of other stacks are told by the labels alone: those with all labels
 * of one serve the other as well when it asks for some of these.
 */
function shared(workloads: readonly Workload[], one: Labels, other: Labels): boolean {
  return (
    contains(one, other) ||
    contains(other, one) ||
    workloads.some((w) => w.matches(one) && w.matches(other))
  );
}

/** Gateways that a pod of this one serves too, itself among them: what one opens stands beside what the others do. */
export function besides(world: World, gateway: KubernetesObject): KubernetesObject[] {
  const mine = podsOf(gateway);
  return world.gather(world.of("Gateway"), (object) =>
    shared(world.workloads, mine, podsOf(object)) ? [object] : [],
  );
}

interface Target {
  readonly gateways: readonly string[];
}

/** VirtualServices that are bound to a Gateway. */
export function routesOf(world: World, gateway: KubernetesObject): KubernetesObject[] {
  const isBound = (object: KubernetesObject) =>
    (object.field<Target>().gateways ?? []).some((name) => {
      const full = name.includes("/") ? name : `${object.namespace}/${name}`;
      return full === `${gateway.namespace}/${gateway.name}`;
    });
  return world.gather(world.of("VirtualService"), (object) => (isBound(object) ? [object] : []));
}

/** Whether a VirtualService sends everything on a port to https before it looks at any route. */
function redirects(routes: KubernetesObject, port: number): boolean {
  const [first] = routes.field<VirtualServiceSpec>().http ?? [];
  // one of several matches is enough, and none at all takes everything
  const all =
    !first?.match?.length ||
    first.match.some((match) => match.port === port && Object.keys(match).length === 1);
  return all && first?.redirect?.scheme === "https";
}

/** Whether a plain server does nothing but send to https. */
export function onlyRedirects(world: World, gateway: KubernetesObject, server: Server): boolean {
  // bytes cannot be sent elsewhere: their routes are others, and httpsRedirect does nothing for them
  if (!isHttp(server)) return false;
  if (server.tls?.httpsRedirect) return true;
  const routes = routesOf(world, gateway);
  const { number } = server.port;
  const redirecting = world.gather(routes, (r) => (redirects(r, number) ? [r] : []));
  return routes.length > 0 && redirecting.length === routes.length;
}
