import * as net from "node:net";
import { gatewayNamespace } from "../settings/index.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Edge } from "./verifier.ts";

interface GatewayService {
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly ports: readonly { readonly port: number; readonly nodePort?: number }[];
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
    };
  };
}

/** How long the gateway may take to be reached, in ms. */
const patience = 3000;

/** Address of a node, at which this machine reaches node ports. */
export async function nodeAddress(kubectl: Kubectl): Promise<string> {
  const { items } = await kubectl.json<{
    items: { status: { addresses: { type: string; address: string }[] } }[];
  }>(["get", "node"]);
  const found = items[0]?.status.addresses.find((a) => a.type === "InternalIP")?.address;
  if (found === undefined) throw new Error("no node has an address");
  return found;
}

/**
 * Where this machine reaches the gateway of a stack on a cluster that somebody else runs: its load balancer, a node, or its
 * address within the cluster, by the type of its Service.
 *
 * @param name of the gateway's Service
 * @returns the gateway, or why it cannot be reached
 */
export async function findEdge(
  kubectl: Kubectl,
  name = "istio-ingressgateway",
): Promise<Edge | string> {
  const service = await kubectl.json<GatewayService>([
    ...["get", "service", name, `--namespace=${gatewayNamespace}`],
  ]);
  const edge = await edgeOf(kubectl, service);
  if (typeof edge === "string") return edge;
  const { address, httpPort, httpsPort } = edge;
  const open = await Promise.all([httpPort, httpsPort].map((port) => takes(address, port)));
  return open.some(Boolean)
    ? edge
    : `nothing answers at ${address}, ports ${httpPort} and ${httpsPort}`;
}

async function edgeOf(kubectl: Kubectl, { spec, status }: GatewayService): Promise<Edge | string> {
  const { type = "ClusterIP", ports, clusterIP } = spec;
  if (type === "NodePort") {
    const at = (port: number) => ports.find((p) => p.port === port)?.nodePort ?? port;
    return { address: await nodeAddress(kubectl), httpPort: at(80), httpsPort: at(443) };
  }
  const ingress = status?.loadBalancer?.ingress?.[0];
  const address = type === "LoadBalancer" ? (ingress?.ip ?? ingress?.hostname) : clusterIP;
  return address === undefined
    ? `its ${type} Service has no address yet`
    : { address, httpPort: 80, httpsPort: 443 };
}

/** Whether a port takes connections. */
export function takes(host: string, port: number, timeout = patience): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
  });
}
