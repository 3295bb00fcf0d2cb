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
  /^(http|http2|https|grpc|grpc-web|tcp|tls|udp|mongo|mysql|redis|kubernetes\.io\/(h2c|ws|wss))$/;

/** What a port of a Service speaks; undefined when it does not say. */
export function protocolOf({ name, appProtocol }: ServicePort): string | undefined {
  const said = [appProtocol, name?.startsWith("grpc-web") ? "grpc-web" : name?.split("-")[0]];
  return said.find((word) => word !== undefined && protocols.test(word));
}

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
