import { stackGateway } from "../../policies/gateway.ts";

/** What `istioctl proxy-status` says of one proxy. */
interface Proxy {
  /** `pod.namespace` */
  readonly node: { readonly id: string };
  readonly genericXdsConfigs?: readonly {
    readonly typeUrl: string;
    readonly configStatus?: string;
  }[];
}

/**
 * What is not in step of what istiod sent.
 *
 * @param text what `istioctl proxy-status --output json` prints
 * @param isPlatforms whether a proxy is the platform's
 * @param running proxies that run, as istiod names them
 */
export function outOfStep(
  text: string,
  isPlatforms: (id: string) => boolean,
  running: readonly string[],
): string[] {
  const { resources = [] } = JSON.parse(text) as { resources?: Proxy[] };
  if (resources.length === 0) return ["no proxy is connected to istiod"];
  const platform = resources.filter(({ node }) => isPlatforms(node.id));
  const connected = new Set(platform.map(({ node }) => node.id));
  return [
    ...running.filter((id) => !connected.has(id)).map((id) => `${id} is not connected to istiod`),
    ...platform.flatMap(behindIn),
  ];
}

function behindIn({ node, genericXdsConfigs = [] }: Proxy): string[] {
  if (genericXdsConfigs.length === 0) return [`istiod has sent nothing to ${node.id}`];
  return genericXdsConfigs
    .map(({ typeUrl, configStatus = "UNKNOWN" }) => ({
      ...{ type: typeUrl.split(".").at(-1)!, status: configStatus },
    }))
    .filter(({ type, status }) => status !== "SYNCED" && !maySendNone(node.id, type, status))
    .map(({ type, status }) => `${node.id}: ${type} is ${status}`);
}

/**
 * Whether istiod may have nothing of a type for a proxy. Each has clusters, and listeners where rules stand; a gateway
 * beside the stack's own may have nothing to listen for.
 */
function maySendNone(id: string, type: string, status: string): boolean {
  if (status !== "NOT_SENT" || type === "Cluster") return false;
  const { app, namespace } = stackGateway;
  const idle = id.endsWith(`.${namespace}`) && !id.startsWith(`${app}-`);
  return type !== "Listener" || idle;
}
