import * as pulumi from "@pulumi/pulumi";
import { type Route, gatewaySpec, virtualServiceSpec } from "../policies/routing.ts";
import type { GatewayTls, IstioSettings } from "../settings/index.ts";
import type { Sources } from "../sources/index.ts";
import { istioObject } from "./istio-object.ts";
import { istioChart, istioNamespace, skipServiceAwait } from "./istio-mesh.ts";
import { type ClientAddressArgs, type GatewayServiceArgs, gatewayValues } from "./istio-values.ts";
import { type CustomResource, Secret } from "./kubernetes.ts";

/** Name of the gateway's release, Deployment and Service. */
export const gatewayRelease = "istio-ingressgateway";

export interface IngressGatewayArgs extends ClientAddressArgs {
  /** What the gateway asks for. */
  readonly gatewayTls: GatewayTls;
  /** DNS name that it serves. */
  readonly host: string;
  /** Port at which clients reach its 443: where the redirect from 80 leads. */
  readonly httpsPort: number;
  /** Namespace of the Gateway and VirtualService. */
  readonly namespace: pulumi.Input<string>;
  /** What is served. */
  readonly routes: readonly Route[];
  /** What has to be there before the gateway takes requests: the policies that it asks. @default nothing */
  readonly routesAfter?: readonly pulumi.Resource[];
  /**
   * What has to be ready before routes change: pods, so that no route leads to a service that has none yet.
   * @default nothing
   */
  readonly servedAfter?: pulumi.Input<readonly pulumi.Resource[]>;
  /** Type and node ports of its Service. */
  readonly service: GatewayServiceArgs;
  /** Certificate chain of the gateway. */
  readonly serverCertPem: pulumi.Input<string>;
  /** Key of that certificate; a secret. */
  readonly serverKeyPem: pulumi.Input<string>;
  /** CA that client certificates are checked against in MUTUAL. */
  readonly clientCaPem: pulumi.Input<string>;
  /** Settings of the proxies. */
  readonly istio: IstioSettings;
  /** Where charts and images come from. */
  readonly sources: Sources["istio"];
}

/** The edge: the gateway's proxy, its certificates, and what it serves. */
export class IngressGateway extends pulumi.ComponentResource {
  /** Name of the Gateway object. */
  public readonly gatewayName: string;
  /** What it asks for. */
  public readonly gatewayTls: GatewayTls;
  /** The Gateway and, where there is one, its VirtualService. */
  public readonly objects: CustomResource[];

  /**
   * @param name logical name
   * @param args mode, routes, certificates
   * @param opts resource options; depends on the mesh and on the bank's namespace
   */
  constructor(name: string, args: IngressGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "bankmesh:edge:IngressGateway",
      name,
      { gatewayTls: args.gatewayTls, host: args.host },
      opts,
    );
    const child = { parent: this };
    this.gatewayName = "bank-gw";
    this.gatewayTls = args.gatewayTls;

    const proxy = createProxy(name, args, child);
    const credential = createCredential(name, args, child);
    // istiod hands the credential out only to a proxy whose role lets it read secrets, and a proxy that asks before
    // its RoleBinding is there is not served later: the object that makes it ask comes after the chart
    const gateway = createGateway(name, this.gatewayName, args, {
      ...child,
      dependsOn: [proxy, ...credential, ...(args.routesAfter ?? [])],
    });
    // istiod refuses one without rules: plain HTTP, and no service with a prefix
    const served = args.routes.length > 0 || args.gatewayTls !== "NONE";
    const after = pulumi.output(args.servedAfter ?? []).apply((pods) => [gateway, ...pods]);
    const routes = { ...child, dependsOn: after };
    this.objects = [
      gateway,
      ...(served ? [createVirtualService(name, this.gatewayName, args, routes)] : []),
    ];
    this.registerOutputs({ gatewayName: this.gatewayName, gatewayTls: this.gatewayTls });
  }
}

function createProxy(
  name: string,
  args: IngressGatewayArgs,
  opts: pulumi.ComponentResourceOptions,
): pulumi.Resource {
  const { charts, version } = args.sources;
  const values = gatewayValues(args, args.service, args);
  return istioChart(
    `${name}-proxy`,
    { release: gatewayRelease, source: charts.gateway, version, values },
    { ...opts, transforms: [skipServiceAwait] },
  );
}

/** The secret that the mode needs, in the namespace of the gateway's pods: Envoy gets it from istiod. */
function createCredential(
  name: string,
  args: IngressGatewayArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  if (args.gatewayTls === "NONE") return [];
  const mutual = args.gatewayTls === "MUTUAL";
  const role = mutual ? "edge-mtls" : "edge-tls";
  const stringData = {
    "tls.crt": args.serverCertPem,
    "tls.key": args.serverKeyPem,
    ...(mutual && { "ca.crt": args.clientCaPem }),
  };
  const metadata = { name: role, namespace: istioNamespace };
  return [new Secret(`${name}-${role}`, { metadata, type: "Opaque", stringData }, opts)];
}

function createGateway(
  name: string,
  gatewayName: string,
  args: IngressGatewayArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource {
  return istioObject(
    `${name}-gateway`,
    "Gateway",
    { name: gatewayName, namespace: args.namespace },
    gatewaySpec(args.gatewayTls, args.host),
    opts,
  );
}

function createVirtualService(
  name: string,
  gatewayName: string,
  args: IngressGatewayArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource {
  return istioObject(
    `${name}-routes`,
    "VirtualService",
    { name: "bank-vs", namespace: args.namespace },
    virtualServiceSpec({ ...args, gatewayName, gatewayNamespace: istioNamespace }),
    opts,
  );
}
