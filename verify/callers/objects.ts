/** What a Kubernetes object needs to have for this module. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Record<
    string,
    unknown
  >;
  readonly [key: string]: unknown;
}

/** Label of everything that probes bring along; its value is the run. */
export const runLabel = "bankmesh.local/verify";

export interface CallerObjectsArgs {
  /** Names this run; part of every name. */
  readonly run: string;
  /** Namespace of the bank. */
  readonly namespace: string;
  /** Image with curl and a shell. */
  readonly image: string;
  /** Istio revision that injects. @default the default one */
  readonly revision?: string;
}

/** Pods end by themselves after this time, if nobody takes them away. */
const lifetimeSeconds = 3600;

export const callerName = (run: string, from: "mesh" | "plain") =>
  from === "mesh" ? `curl-${run}` : `curl-plain-${run}`;

/** The callers: one pod with a sidecar and one without, both in the bank's namespace, each with an account. */
export function callerObjects(args: CallerObjectsArgs): KubernetesObject[] {
  return (["mesh", "plain"] as const).flatMap((from) => {
    const name = callerName(args.run, from);
    const metadata = { name, namespace: args.namespace };
    const labels = { app: name, [runLabel]: args.run };
    const account: KubernetesObject = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { ...metadata, labels },
      automountServiceAccountToken: false,
    };
    const inject = { "sidecar.istio.io/inject": String(from === "mesh") };
    return [
      account,
      callerPod({ ...metadata, labels: { ...labels, ...inject } }, name, args.image),
    ];
  });
}

function callerPod(
  metadata: KubernetesObject["metadata"],
  account: string,
  image: string,
): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      serviceAccountName: account,
      automountServiceAccountToken: false,
      restartPolicy: "Never",
      activeDeadlineSeconds: lifetimeSeconds,
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
          command: ["sleep", String(lifetimeSeconds)],
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
    },
  };
}

export interface TwinArgs {
  readonly run: string;
  /** Namespace of the twin. */
  readonly namespace: string;
  /** The live Deployment, Service and ServiceAccount. */
  readonly originals: readonly KubernetesObject[];
  readonly revision?: string;
}

/** The twin of a service in a namespace of its own: the live objects, the same but for a PERMISSIVE policy. */
export function twinObjects(args: TwinArgs): KubernetesObject[] {
  const injection: Record<string, string> = args.revision
    ? { "istio.io/rev": args.revision }
    : { "istio-injection": "enabled" };
  const namespace: KubernetesObject = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: args.namespace, labels: { ...injection, [runLabel]: args.run } },
  };
  const policy: KubernetesObject = {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "default", namespace: args.namespace },
    spec: { mtls: { mode: "PERMISSIVE" } },
  };
  return [namespace, policy, ...args.originals.map((o) => twinOf(o, args.namespace))];
}

/** A copy in another namespace, without what the cluster wrote into the original. */
export function twinOf(original: KubernetesObject, namespace: string): KubernetesObject {
  const { name, labels } = original.metadata;
  const copy: Record<string, unknown> = {
    apiVersion: original.apiVersion,
    kind: original.kind,
    metadata: { name, namespace, ...(labels !== undefined && { labels }) },
  };
  if (original.kind === "ServiceAccount") copy.automountServiceAccountToken = false;
  if (original.kind === "Service") {
    const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy, ...spec } = original.spec as Record<
      string,
      unknown
    >;
    void [clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy];
    copy.spec = spec;
  }
  if (original.kind === "Deployment") {
    const spec = structuredClone(original.spec) as {
      replicas: number;
      template: { spec: Record<string, unknown> };
    };
    spec.replicas = 1;
    spec.template.spec.terminationGracePeriodSeconds = 1;
    copy.spec = spec;
  }
  return copy as KubernetesObject;
}
