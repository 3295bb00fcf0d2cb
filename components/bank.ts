import * as pulumi from "@pulumi/pulumi";
import { type AccessSettings } from "../policies/authorization.ts";
import { needlessTokens, preflightHeaders } from "../policies/token-needs.ts";
import type { Route } from "../policies/routing.ts";
import { type ServiceSettings, type Settings, prefixOf } from "../settings/index.ts";
import { BankService, portsOf } from "./bank-service.ts";
import type { InCluster } from "./cluster.ts";
import type { Deployment } from "./kubernetes.ts";

export interface BankArgs {
  /** Namespace of the bank. */
  readonly namespace: string;
  /** Its services. */
  readonly services: readonly ServiceSettings[];
  /** Image of services that name none. */
  readonly echoImage: string;
  /**
   * Options of what lives inside the cluster. Not those of the component, which would wait for the cluster with them:
   * it is written into the state while that is small.
   */
  readonly inCluster: InCluster;
  /** The namespace as a resource; empty when it is adopted. */
  readonly namespaceReady: readonly pulumi.Resource[];
  /** What must be there before pods are made: the injector, so that they get their sidecar, and their policies. */
  readonly podsMayStart: (service: string) => readonly pulumi.Resource[];
}

/** The bank's services. */
export class Bank extends pulumi.ComponentResource {
  /** Namespace of the bank. */
  public readonly namespace: string;
  /** Its services' Deployments. */
  public readonly deployments: Deployment[];

  /**
   * @param name logical name
   * @param args namespace and services
   * @param opts resource options
   */
  constructor(name: string, args: BankArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bankmesh:bank:Bank", name, { namespace: args.namespace }, opts);
    const child = { parent: this };
    this.namespace = args.namespace;

    this.deployments = args.services.map((service) => {
      const podsMayStart = args.podsMayStart(service.name);
      const made = { ...args, service, podsMayStart };
      return new BankService(`${name}-${service.name}`, made, child).deployment;
    });
    this.registerOutputs({ namespace: this.namespace });
  }
}

/** What the gateway serves of the bank: the first port of each service that has a prefix. */
export function bankRoutes(settings: AccessSettings & Pick<Settings, "authorization">): Route[] {
  const ofPreflights = preflightHeaders(settings);
  return settings.services.flatMap((service) => {
    const prefix = prefixOf(service);
    if (prefix === undefined) return [];
    const { timeout, retries, requestHeaders } = service;
    const withheldTokens = needlessTokens(settings, service);
    return [
      {
        prefix,
        destination: `${service.name}.${settings.namespace}.svc.cluster.local`,
        port: portsOf(service)[0]!.port,
        ...(timeout && { timeout }),
        ...(retries && { retries }),
        ...(requestHeaders && { requestHeaders }),
        ...(withheldTokens.length > 0 && { withheldTokens }),
        ...(ofPreflights.length > 0 && { preflightHeaders: ofPreflights }),
      },
    ];
  });
}
