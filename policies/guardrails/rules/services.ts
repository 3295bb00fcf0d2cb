import type { Workload } from "../pods.ts";
import type { KubernetesObject, Labels } from "../resource.ts";
import type { World } from "../world.ts";

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

export interface ServiceSpec {
  readonly type: string;
  readonly selector: Labels;
  readonly ports: readonly ServicePort[];
}

/** Protocols that Istio reads from the first part of a port's name, or from appProtocol. */
const protocols =
  /^(http|http2|https|http_proxy|grpc|grpc-web|tcp|tls|udp|mongo|mysql|redis|kubernetes\.io\/(h2c|ws|wss))$/;

/** What a port calls its protocol: Istio reads its name only where it has no appProtocol. */
export const saidOn = ({ name, appProtocol }: ServicePort): string => appProtocol ?? name ?? "";

/** What a port of a Service speaks, in small letters, for Istio takes any; undefined when it does not say. */
export function protocolOf(port: ServicePort): string | undefined {
  const said = saidOn(port).toLowerCase();
  const word = said.startsWith("grpc-web") ? "grpc-web" : said.split("-")[0]!;
  return protocols.test(word) ? word : undefined;
}

const opaque = ["tcp", "tls", "https", "mongo", "mysql", "redis", "kubernetes.io/wss"];

/** Whether a proxy sees no HTTP on a port: it carries other bytes, or encrypted ones. */
export const isOpaque = (port: ServicePort) => opaque.includes(protocolOf(port) ?? "");

/** Number of the port of a workload's containers that a port of a Service leads to; its name when none is called so. */
export function containerPort(
  workload: Workload,
  { port, targetPort = port }: ServicePort,
): string {
  const open = workload.containers.flatMap((c) => c.ports ?? []);
  const named = open.find((p) => p.name !== undefined && p.name === targetPort);
  return String(named?.containerPort ?? targetPort);
}

/** Services that lead to a workload, each with its ports. */
export function servicesOf(world: World, workload: Workload) {
  return world
    .of("Service")
    .filter((o) => o.namespace === workload.namespace)
    .map((object) => ({ object, ...selectedBy(object) }))
    .filter(({ selector }) => Object.keys(selector).length > 0 && workload.matches(selector));
}

function selectedBy(object: KubernetesObject) {
  const { selector = {}, ports = [] } = object.field<ServiceSpec>();
  return { selector, ports };
}
