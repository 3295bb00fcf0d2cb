import * as pulumi from "@pulumi/pulumi";
import { type ResourceSettings, type ServiceSettings, versionOf } from "../settings/index.ts";
import type { InCluster } from "./cluster.ts";
import {
  Deployment,
  type DeploymentArgs,
  PodDisruptionBudget,
  type PodDisruptionBudgetArgs,
  Service,
  ServiceAccount,
  type ServiceAccountArgs,
  type ServiceArgs,
} from "./kubernetes.ts";

/** What decides the objects of a service. */
export interface ServiceObjectArgs {
  /** Settings of the service. */
  readonly service: ServiceSettings;
  /** Namespace that it runs in. */
  readonly namespace: string;
  /** Image when the service names none. */
  readonly echoImage: string;
}

export interface BankServiceArgs extends ServiceObjectArgs {
  /** Options of what lives inside the cluster. */
  readonly inCluster: InCluster;
  /** The namespace as a resource; empty when it is adopted. */
  readonly namespaceReady: readonly pulumi.Resource[];
  /** What must be there before pods are made. */
  readonly podsMayStart: readonly pulumi.Resource[];
}

type Port = NonNullable<ServiceSettings["ports"]>[number];

/** One service of the bank: ServiceAccount `<name>-sa` (its identity), Deployment, Service. */
export class BankService extends pulumi.ComponentResource {
  /** Ready when its pods are. */
  public readonly deployment: Deployment;

  /**
   * @param name logical name
   * @param args settings and namespace
   * @param opts resource options
   */
  constructor(name: string, args: BankServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    const { service } = args;
    super(
      "bankmesh:bank:BankService",
      name,
      { service: service.name, image: service.image ?? args.echoImage },
      opts,
    );
    const inside = { parent: this, ...args.inCluster };
    const child = { ...inside, dependsOn: [...args.namespaceReady] };

    const account = new ServiceAccount(`${name}-account`, serviceAccount(args), child);
    new Service(`${name}-service`, serviceObject(args), child);
    // with one replica it could only keep nodes from being emptied
    if ((service.replicas ?? 1) > 1)
      new PodDisruptionBudget(`${name}-budget`, disruptionBudget(args), child);
    this.deployment = new Deployment(`${name}-deployment`, deployment(args), {
      ...inside,
      dependsOn: [account, ...args.podsMayStart],
    });
    this.registerOutputs({});
  }
}

/** Ports of a service. @default 80 to the container's 8080, http */
export function portsOf(service: ServiceSettings): Port[] {
  return service.ports ?? [{ port: 80, targetPort: 8080, protocol: "http" }];
}

/** The port's name tells Istio the protocol: its first part has to be one. */
export function portName(port: Port, alone: boolean): string {
  if (port.name === undefined) return alone ? port.protocol : `${port.protocol}-${port.port}`;
  return port.name.split("-")[0] === port.protocol ? port.name : `${port.protocol}-${port.name}`;
}

function labels(service: ServiceSettings): Record<string, string> {
  return { app: service.name, version: versionOf(service) };
}

/** The identity of a service. */
export function serviceAccount({ service, namespace }: ServiceObjectArgs): ServiceAccountArgs {
  return {
    metadata: { name: `${service.name}-sa`, namespace },
    automountServiceAccountToken: false,
  };
}

/** How a service is found. */
export function serviceObject({ service, namespace }: ServiceObjectArgs): ServiceArgs {
  const ports = portsOf(service);
  return {
    metadata: {
      name: service.name,
      namespace,
      labels: { app: service.name },
      // the Deployment's readiness says all; the provider would wait 10 s more for the endpoints
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec: {
      selector: { app: service.name },
      ports: ports.map((p) => ({
        name: portName(p, ports.length === 1),
        port: p.port,
        targetPort: p.targetPort,
        protocol: "TCP",
      })),
    },
  };
}

/** One pod after the other may go when nodes are emptied. */
export function disruptionBudget({
  service,
  namespace,
}: ServiceObjectArgs): PodDisruptionBudgetArgs {
  return {
    metadata: { name: service.name, namespace },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: service.name } } },
  };
}

/** The pods of a service. */
export function deployment(args: ServiceObjectArgs): DeploymentArgs {
  const { service, namespace } = args;
  return {
    metadata: { name: service.name, namespace, labels: labels(service) },
    spec: {
      replicas: service.replicas ?? 1,
      selector: { matchLabels: { app: service.name } },
      template: {
        metadata: { labels: labels(service) },
        spec: {
          serviceAccountName: `${service.name}-sa`,
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10001,
            runAsGroup: 10001,
            seccompProfile: { type: "RuntimeDefault" },
            ...lowPorts(service),
          },
          containers: [container(args)],
          ...(service.writablePaths && { volumes: service.writablePaths.map(volume) }),
        },
      },
    },
  };
}

/** Servers that listen below 1024 may do so without being root. */
function lowPorts(service: ServiceSettings) {
  if (portsOf(service).every((p) => p.targetPort >= 1024)) return {};
  return { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] };
}

function volume(_path: string, i: number) {
  return { name: `writable-${i}`, emptyDir: {} };
}

function container({ service, echoImage }: ServiceObjectArgs) {
  const ports = portsOf(service);
  const first = ports[0]!;
  const http = first.protocol === "http" || first.protocol === "http2";
  const probe = http
    ? { httpGet: { path: service.healthPath ?? "/", port: first.targetPort } }
    : { tcpSocket: { port: first.targetPort } };
  return {
    name: "app",
    image: service.image ?? echoImage,
    imagePullPolicy: "IfNotPresent",
    // several ports of the Service may lead to one of the container
    ports: [...new Set(ports.map((p) => p.targetPort))].map((containerPort) => ({ containerPort })),
    env: environment(service, first.targetPort),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    resources: resources(service.resources),
    ...(service.writablePaths && {
      volumeMounts: service.writablePaths.map((mountPath, i) => ({
        name: volume(mountPath, i).name,
        mountPath,
      })),
    }),
    // asks every second until it runs, so that a start costs no more than it takes; then seldom, for each question goes
    // through the kubelet and the sidecar, and those of fifty services keep a good part of a core busy
    startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...probe, periodSeconds: 10 },
    livenessProbe: { ...probe, periodSeconds: 20 },
  };
}

/** The echo server listens on 80 unless PORT says otherwise, and would answer with its whole environment. */
function environment(service: ServiceSettings, port: number): { name: string; value: string }[] {
  const echo: Record<string, string> = service.image
    ? {}
    : { PORT: String(port), LOGS: "true", ENABLE__ENVIRONMENT: "false" };
  return Object.entries({ ...echo, ...service.environment })
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => ({ name, value }));
}

// 50 services of this size fit beside Istio on 2 cores; a stack for a real cluster sets 50m/64Mi and 100m/128Mi
const small = { requests: { cpu: "5m", memory: "16Mi" }, limits: { cpu: "200m", memory: "128Mi" } };

function resources(own: ResourceSettings | undefined): ResourceSettings {
  return own ?? small;
}
