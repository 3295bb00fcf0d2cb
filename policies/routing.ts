import type { IGateway } from "@kubernetes-models/istio/networking.istio.io/v1/Gateway" with {
  "resolution-mode": "import",
};
import type { IVirtualService } from "@kubernetes-models/istio/networking.istio.io/v1/VirtualService" with {
  "resolution-mode": "import",
};
import type { GatewayTls, TokenHeader } from "../settings/index.ts";
import { type GatewayProxy, stackGateway } from "./gateway.ts";

export type GatewaySpec = NonNullable<IGateway["spec"]>;
export type VirtualServiceSpec = NonNullable<IVirtualService["spec"]>;
type HttpRoute = NonNullable<VirtualServiceSpec["http"]>[number];

/** Secrets by mode, in the namespace of the gateway's pods. */
export const credentialNames = { SIMPLE: "edge-tls", MUTUAL: "edge-mtls" } as const;

/** One prefix of the gateway and the service behind it. */
export interface Route {
  /** Path whose whole segments match: /users takes /users and /users/1, not /usersX. */
  readonly prefix: string;
  /** Full name of the service. */
  readonly destination: string;
  /** Port of the service. */
  readonly port: number;
  /** Longest time for an answer, retries included. @default none */
  readonly timeout?: string;
  /** How often a failed request is tried again. @default Istio's (2) */
  readonly retries?: { readonly attempts: number; readonly perTryTimeout?: string };
  /** Headers that are set on the request. @default none */
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** Headers that are taken from the request where a token stands in them. @default none */
  readonly withheldTokens?: readonly TokenHeader[];
  /** Headers that are taken from CORS preflights. @default none */
  readonly preflightHeaders?: readonly string[];
}

/**
 * The Gateway object. Port 80 stays open in every mode; with TLS on it only redirects (virtualServiceSpec).
 *
 * @see https://istio.io/latest/docs/reference/config/networking/gateway/
 */
export function gatewaySpec(
  mode: GatewayTls,
  host: string,
  proxy: Pick<GatewayProxy, "selector"> = stackGateway,
): GatewaySpec {
  const selector = { ...proxy.selector };
  // routes for it from the Gateway's own namespace alone: another team's would take the host over
  const hosts = [`./${host}`];
  const http = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts };
  if (mode === "NONE") return { selector, servers: [http] };
  const https = {
    port: { number: 443, name: "https", protocol: "HTTPS" },
    hosts,
    tls: { mode, credentialName: credentialNames[mode], minProtocolVersion: "TLSV1_2" as const },
  };
  return { selector, servers: [http, https] };
}

/** What a VirtualService is made from. */
export interface VirtualServiceArgs {
  readonly gatewayTls: GatewayTls;
  readonly host: string;
  readonly httpsPort: number;
  readonly gatewayName: string;
  /** Namespace of the gateway's pods: nobody else has to see the routes. */
  readonly gatewayNamespace: string;
  readonly routes: readonly Route[];
}

/**
 * The VirtualService of the gateway: a redirect of everything on port 80 as soon as TLS is on, then one rule a route.
 *
 * The redirect names the port: Envoy would keep the request's, which is the one of plain HTTP.
 *
 * @see https://istio.io/latest/docs/reference/config/networking/virtual-service/
 */
export function virtualServiceSpec(args: VirtualServiceArgs): VirtualServiceSpec {
  const redirect: HttpRoute = {
    name: "https-redirect",
    match: [{ port: 80 }],
    redirect: { scheme: "https", port: args.httpsPort, redirectCode: 301 },
  };
  return {
    hosts: [args.host],
    gateways: [args.gatewayName],
    exportTo: [args.gatewayNamespace],
    http: [...(args.gatewayTls === "NONE" ? [] : [redirect]), ...args.routes.flatMap(httpRoutes)],
  };
}

/** The route, and before it those for requests with something in them that the service is not to see. */
function httpRoutes(route: Route): HttpRoute[] {
  const { withheldTokens = [], preflightHeaders = [] } = route;
  const name = route.prefix.slice(1).replaceAll("/", "-");
  const paths = [{ uri: { exact: route.prefix } }, { uri: { prefix: `${route.prefix}/` } }];
  const plain = httpRoute(route, name, paths);
  const preflights = paths.map((path) => ({ ...path, ...preflight }));
  const first =
    preflightHeaders.length > 0
      ? [httpRoute(route, `${name}-preflight`, preflights, [...preflightHeaders])]
      : [];
  if (withheldTokens.length === 0) return [...first, plain];
  const withToken = withheldTokens.flatMap((header) =>
    paths.map((path) => ({ ...path, headers: { [header.name.toLowerCase()]: tokenIn(header) } })),
  );
  const remove = [...new Set(withheldTokens.map((header) => header.name))];
  return [...first, httpRoute(route, `${name}-token`, withToken, remove), plain];
}

/** What Envoy takes for a CORS preflight. */
const preflight = {
  method: { exact: "OPTIONS" },
  headers: { origin: { regex: ".+" }, "access-control-request-method": { regex: ".+" } },
};

/** Envoy looks for the prefix wherever it stands, so a token may follow other words. */
function tokenIn({ prefix = "" }: TokenHeader) {
  return { regex: `.*${prefix.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}.*` };
}

function httpRoute(
  route: Route,
  name: string,
  match: NonNullable<HttpRoute["match"]>,
  remove?: string[],
): HttpRoute {
  const { requestHeaders } = route;
  const request = {
    ...(requestHeaders && { set: { ...requestHeaders } }),
    ...(remove && { remove }),
  };
  return {
    name,
    match,
    ...(Object.keys(request).length > 0 && { headers: { request } }),
    route: [{ destination: { host: route.destination, port: { number: route.port } } }],
    ...(route.timeout && { timeout: route.timeout }),
    ...(route.retries && { retries: { ...route.retries } }),
  };
}
