import * as pulumi from "@pulumi/pulumi";
import type { ClientSettings } from "../settings/index.ts";
import { podSecurity } from "./bank-namespace.ts";
import { Deployment, type DeploymentArgs, Namespace, ServiceAccount } from "./kubernetes.ts";

export interface ClientsArgs {
  /** The clients, each in a namespace of its own or with others. */
  readonly clients: readonly ClientSettings[];
  /** Image with curl and a shell. */
  readonly curlImage: string;
  /** Istio revision that injects. @default the default one */
  readonly revision?: string | undefined;
  /** Annotations of the namespaces. @default none */
  readonly namespaceAnnotations?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /** What must be there before pods are made: the injector. */
  readonly podsMayStart: readonly pulumi.Resource[];
}

/** Who calls the bank from other namespaces: pods with curl, inside the mesh or outside of it. */
export class Clients extends pulumi.ComponentResource {
  /**
   * @param name logical name
   * @param args clients and image
   * @param opts resource options; `provider` is the cluster's
   */
  constructor(name: string, args: ClientsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bankmesh:bank:Clients", name, {}, opts);
    const child = { parent: this };

    for (const [namespace, clients] of Map.groupBy(args.clients, (c) => c.namespace)) {
      const injected = clients.some((c) => c.injection === "namespace");
      const metadata = namespaceMetadata(namespace, injected, args);
      const made = new Namespace(`${name}-${namespace}`, { metadata }, child);
      for (const client of clients) createClient(name, client, made, args, child);
    }
    this.registerOutputs({});
  }
}

function namespaceMetadata(namespace: string, injected: boolean, args: ClientsArgs) {
  const { revision, namespaceAnnotations: annotations } = args;
  const injection: Record<string, string> = revision
    ? { "istio.io/rev": revision }
    : { "istio-injection": "enabled" };
  return {
    name: namespace,
    labels: { ...podSecurity, ...(injected && injection) },
    ...(annotations && { annotations }),
  };
}

function createClient(
  name: string,
  client: ClientSettings,
  namespace: pulumi.Resource,
  args: ClientsArgs,
  opts: pulumi.CustomResourceOptions,
): void {
  const metadata = { name: `${client.name}-sa`, namespace: client.namespace };
  const account = new ServiceAccount(
    `${name}-${client.name}-account`,
    { metadata, automountServiceAccountToken: false },
    { ...opts, dependsOn: namespace },
  );
  new Deployment(`${name}-${client.name}-deployment`, clientDeployment(client, args), {
    ...opts,
    dependsOn: [account, ...args.podsMayStart],
  });
}

/** The pod of a client. */
export function clientDeployment(
  { name, namespace, injection }: ClientSettings,
  { curlImage, revision }: Pick<ClientsArgs, "curlImage" | "revision">,
): DeploymentArgs {
  const labels = { app: name };
  // "manual" injection: the webhook takes a pod by its own label too, in a namespace without one
  const own: Record<string, string> =
    injection === "namespace" ? {} : { "sidecar.istio.io/inject": String(injection === "pod") };
  const byRevision: Record<string, string> =
    injection === "pod" && revision ? { "istio.io/rev": revision } : {};
  return {
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels: { ...labels, ...own, ...byRevision },
          // a pod is injected when it is made: another way of it is another pod
          annotations: { "bankmesh/injection": injection },
        },
        spec: { serviceAccountName: `${name}-sa`, ...curlPod(curlImage) },
      },
    },
  };
}

/** A hardened pod that waits for somebody to send requests from it. */
export function curlPod(image: string, lifetimeSeconds?: number) {
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      fsGroup: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "curl",
        image,
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", lifetimeSeconds === undefined ? "infinity" : String(lifetimeSeconds)],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: {
          requests: { cpu: "5m", memory: "16Mi" },
          limits: { cpu: "1", memory: "128Mi" },
        },
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
      },
    ],
    volumes: [{ name: "tmp", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } }],
  };
}
