import * as pulumi from "@pulumi/pulumi";
import type { Route } from "../policies/routing.ts";
import { type ServiceSettings, prefixOf } from "../settings/index.ts";
import { BankService, portsOf } from "./bank-service.ts";
import { Namespace, NamespacePatch } from "./kubernetes.ts";

export interface BankArgs {
  /** Namespace of the bank. */
  readonly namespace: string;
  /** Its services. */
  readonly services: readonly ServiceSettings[];
  /** Image of services that name none. */
  readonly echoImage: string;
  /** Istio revision that injects the pods. @default the default one */
  readonly revision?: string;
  /** Annotations of the namespace. @default none */
  readonly namespaceAnnotations?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Use the namespace that is there; it gets the label for injection. @default false */
  readonly adoptNamespace?: boolean;
  /** What must answer before pods are made, so that they get their sidecar. */
  readonly injectorReady: readonly pulumi.Resource[];
}

/** The bank: its namespace, with injection on, and its services. */
export class Bank extends pulumi.ComponentResource {
  /** Namespace of the bank. */
  public readonly namespace: string;
  /** The namespace as a resource, for what has to come after it; empty when it is adopted. */
  public readonly namespaceReady: pulumi.Resource[];

  /**
   * @param name logical name
   * @param args namespace and services
   * @param opts resource options
   */
  constructor(name: string, args: BankArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bankmesh:bank:Bank", name, { namespace: args.namespace }, opts);
    const child = { parent: this };
    this.namespace = args.namespace;

    this.namespaceReady = createNamespace(name, args, child);
    for (const service of args.services) {
      new BankService(
        `${name}-${service.name}`,
        {
          service,
          namespace: args.namespace,
          echoImage: args.echoImage,
          injectorReady: args.injectorReady,
        },
        { ...child, dependsOn: this.namespaceReady },
      );
    }
    this.registerOutputs({ namespace: this.namespace });
  }
}

function createNamespace(
  name: string,
  args: BankArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const labels: Record<string, string> = args.revision
    ? { "istio.io/rev": args.revision }
    : { "istio-injection": "enabled" };
  const annotations = args.namespaceAnnotations;
  const metadata = { name: args.namespace, labels, ...(annotations && { annotations }) };
  if (args.adoptNamespace) return [new NamespacePatch(`${name}-namespace`, { metadata }, opts)];
  return [new Namespace(`${name}-namespace`, { metadata }, opts)];
}

/** What the gateway serves of the bank: the first port of each service that has a prefix. */
export function bankRoutes(namespace: string, services: readonly ServiceSettings[]): Route[] {
  return services.flatMap((service) => {
    const prefix = prefixOf(service);
    if (prefix === undefined) return [];
    const { timeout, retries, requestHeaders } = service;
    return [
      {
        prefix,
        destination: `${service.name}.${namespace}.svc.cluster.local`,
        port: portsOf(service)[0]!.port,
        ...(timeout && { timeout }),
        ...(retries && { retries }),
        ...(requestHeaders && { requestHeaders }),
      },
    ];
  });
}
