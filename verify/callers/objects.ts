import { curlPod } from "../../components/clients.ts";
import type { KubernetesObject } from "../../manifests/object.ts";

export type { KubernetesObject } from "../../manifests/object.ts";

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
export const lifetimeSeconds = 3600;

/**
 * Who a pod asks as: somebody with a sidecar, somebody without, somebody with a sidecar's certificate in hand, or a
 * service of the stack (`as orders`). A client of the stack is a pod that is there already (`client web`).
 */
export type CallerKind =
  "mesh" | "plain" | "certificate" | `${"" | "certificate "}as ${string}` | `client ${string}`;

/** Callers that every run brings: one with a sidecar, one without. */
export const alwaysThere: readonly CallerKind[] = ["mesh", "plain"];

/** Where a pod has the certificate that its sidecar got. */
export const certificates = "/etc/istio-output-certs";

/** Name of a caller's pod, and of its account unless it has a service's. */
export function callerName(run: string, kind: CallerKind): string {
  if (kind === "mesh") return `curl-${run}`;
  return `curl-${kind.replaceAll(" ", "-")}-${run}`;
}

/** Namespace of a caller: the bank's, or, for who has no sidecar, one of its own outside the mesh. */
export function callerNamespace(run: string, kind: CallerKind, namespace: string): string {
  return kind === "plain" ? `verify-${run}-outside` : namespace;
}

/** Callers: pods, accounts for those that do not have a service's, and the namespace outside the mesh of who has no sidecar. */
export function callerObjects(
  args: CallerObjectsArgs,
  kinds: readonly CallerKind[],
): KubernetesObject[] {
  const outside: KubernetesObject = {
    ...{ apiVersion: "v1", kind: "Namespace" },
    metadata: {
      name: callerNamespace(args.run, "plain", args.namespace),
      labels: { [runLabel]: args.run },
    },
  };
  const callers = kinds.flatMap((kind) => {
    const name = callerName(args.run, kind);
    const metadata = { name, namespace: callerNamespace(args.run, kind, args.namespace) };
    const labels = { app: name, [runLabel]: args.run };
    const inject = { "sidecar.istio.io/inject": String(kind !== "plain") };
    const pod = (account: string) => {
      const made = callerPod(
        { ...metadata, labels: { ...labels, ...inject } },
        account,
        args.image,
      );
      return kind.startsWith("certificate") ? withCertificate(made) : made;
    };
    const service = /(?:^| )as (.+)$/.exec(kind)?.[1];
    if (service !== undefined) return [pod(`${service}-sa`)];
    const account: KubernetesObject = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { ...metadata, labels },
      automountServiceAccountToken: false,
    };
    return [account, pod(name), ...(kind === "plain" ? [] : [serviceOf(metadata, labels)])];
  });
  return kinds.includes("plain") ? [outside, ...callers] : callers;
}

/** Somebody of the mesh can be called, too: by Service, because to a pod's address no proxy dials mTLS. */
function serviceOf(
  metadata: { readonly name: string; readonly namespace: string },
  labels: { readonly app: string },
): KubernetesObject {
  const { app } = labels;
  const ports = [{ name: "http", port: 80, targetPort: 8080 }];
  return {
    ...{ apiVersion: "v1", kind: "Service" },
    metadata: { ...metadata, labels },
    spec: { selector: { app }, ports },
  };
}

/**
 * A pod whose sidecar writes down its certificate. It runs as the sidecar's own user, whose traffic the sidecar leaves
 * alone and whose files it may read.
 *
 * @see https://istio.io/latest/docs/reference/commands/pilot-agent/ OUTPUT_CERTS
 */
function withCertificate(pod: CallerPod): CallerPod {
  const user = 1337;
  const volume = { name: "certificates", mountPath: certificates };
  const { containers, volumes, securityContext } = pod.spec;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: {
        "proxy.istio.io/config": JSON.stringify({ proxyMetadata: { OUTPUT_CERTS: certificates } }),
        "sidecar.istio.io/userVolumeMount": JSON.stringify([volume]),
      },
    },
    spec: {
      ...pod.spec,
      securityContext: { ...securityContext, runAsUser: user, runAsGroup: user, fsGroup: user },
      containers: containers.map((c) => ({ ...c, volumeMounts: [...c.volumeMounts, volume] })),
      volumes: [
        ...volumes,
        { name: volume.name, emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      ],
    },
  };
}

type CallerPod = ReturnType<typeof callerPod>;

function callerPod(metadata: KubernetesObject["metadata"], account: string, image: string) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      serviceAccountName: account,
      restartPolicy: "Never",
      activeDeadlineSeconds: lifetimeSeconds,
      ...curlPod(image, lifetimeSeconds),
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
  /** Whether nobody in the mesh may call anybody unless a policy says so; the twin gets one then, and a twin without. @default false */
  readonly meshDefaultDeny?: boolean;
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
  const twins = args.originals.map((o) => twinOf(o, args.namespace));
  if (!args.meshDefaultDeny) return [namespace, policy, ...twins];
  const app = args.originals.find((o) => o.kind === "Service")!.metadata.name;
  // as open as without rules: it is the control of what transport refuses, and of what lies beside it without a policy
  const open: KubernetesObject = {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "open", namespace: args.namespace },
    spec: { selector: { matchLabels: { app } }, action: "ALLOW", rules: [{}] },
  };
  const ruleless = twins.filter((o) => o.kind !== "ServiceAccount").map(withoutRules);
  return [namespace, policy, open, ...twins, ...ruleless];
}

/** Name of the twin's own twin, which no policy lets anybody in to. */
export function rulelessName(service: string): string {
  return `${service}-ruleless`;
}

/** The same Service or Deployment for a workload of another name. */
function withoutRules(twin: KubernetesObject): KubernetesObject {
  const { name, labels } = twin.metadata;
  const app = rulelessName(name);
  const metadata = { ...twin.metadata, name: app, labels: { ...(labels as object), app } };
  const spec = structuredClone(twin.spec) as {
    selector: { matchLabels?: object };
    template?: { metadata: { labels: object } };
  };
  const { matchLabels } = spec.selector;
  spec.selector = matchLabels
    ? { matchLabels: { ...matchLabels, app } }
    : { ...spec.selector, ...{ app } };
  if (spec.template) spec.template.metadata.labels = { ...spec.template.metadata.labels, app };
  return { ...twin, metadata, spec };
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
