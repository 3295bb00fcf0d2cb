import type { Selector } from "./authentication.ts";

/** Which proxy is the gateway, as far as other objects have to name it. */
export interface GatewayProxy {
  /** Namespace of its pods; what is about it, and the secrets that it shows, stand there. */
  readonly namespace: string;
  /** Label `app` of its pods. */
  readonly app: string;
  /** Labels that policies and Gateway objects select its pods by. */
  readonly selector: Selector;
  /** Identity of its account. */
  readonly principal: string;
}

/** The gateway of a stack, as its chart makes it. */
export const stackGateway: GatewayProxy = {
  namespace: "istio-system",
  app: "istio-ingressgateway",
  selector: { istio: "ingressgateway" },
  principal: "cluster.local/ns/istio-system/sa/istio-ingressgateway",
};
