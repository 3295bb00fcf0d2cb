import { type KubernetesObject, type Labels, rootNamespace } from "./resource.ts";

export interface Probe {
  readonly [field: string]: unknown;
}

export interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly fsGroup?: number;
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly seccompProfile?: { readonly type?: string };
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
}

export interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly containerPort: number;
    readonly protocol?: string;
  }[];
  readonly securityContext?: SecurityContext;
  readonly resources?: {
    readonly requests?: Labels;
    readonly limits?: Labels;
  };
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  /** Its older name. */
  readonly serviceAccount?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly securityContext?: SecurityContext;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
}

interface Template {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly spec?: PodSpec;
}

interface WorkloadSpec extends PodSpec {
  readonly replicas: number;
  readonly template: Template;
  readonly jobTemplate: { readonly spec?: { readonly template?: Template } };
}

/** Kinds that run pods. */
export const workloadKinds: readonly string[] = [
  ...["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"],
  ...["Job", "CronJob", "Pod"],
];

/** Whether an object runs pods: of Kubernetes' own kinds, or of any with a template where these have theirs, such as a Rollout. */
export function runsPods(object: KubernetesObject): boolean {
  if (workloadKinds.includes(object.kind)) return true;
  // of the others, Kubernetes' own and Istio's kinds have none
  const [group] = object.apiVersion.split("/");
  if (!group!.includes(".") || /\.(k8s|istio)\.io$/.test(group!)) return false;
  const { template, jobTemplate } = object.field<WorkloadSpec>();
  const { containers } = (template ?? jobTemplate?.spec?.template)?.spec ?? {};
  return Array.isArray(containers);
}

/** Something that runs pods, with what its pods are. */
export class Workload {
  public readonly object: KubernetesObject;

  /** @param object that runs pods */
  public constructor(object: KubernetesObject) {
    this.object = object;
  }

  public get namespace(): string {
    return this.object.namespace;
  }

  public get labels(): Labels {
    return this.metadata.labels ?? {};
  }

  public get annotations(): Labels {
    return this.metadata.annotations ?? {};
  }

  public get spec(): PodSpec {
    if (this.object.kind === "Pod") return this.object.field<PodSpec>();
    return this.template?.spec ?? {};
  }

  /** Undefined where Kubernetes or an autoscaler decides. */
  public get replicas(): number | undefined {
    return this.object.field<WorkloadSpec>().replicas;
  }

  public get account(): string {
    const { serviceAccountName, serviceAccount } = this.spec;
    // an empty name is none to Kubernetes
    return serviceAccountName || serviceAccount || "default";
  }

  /** Containers, those that run first included. */
  public get containers(): readonly Container[] {
    return [...(this.spec.initContainers ?? []), ...(this.spec.containers ?? [])];
  }

  /**
   * Whether its pods are a gateway: the injector writes their container anew. Rules spare gateways much, so that what
   * calls itself one in an application's namespace is none.
   */
  public get isGateway(): boolean {
    return (
      this.namespace === rootNamespace &&
      this.annotations["inject.istio.io/templates"] === "gateway"
    );
  }

  /** Whether it is istiod itself. */
  public get isControlPlane(): boolean {
    return this.namespace === rootNamespace && this.labels.istio === "pilot";
  }

  /** Whether all of these labels are on its pods. */
  public matches(selector: Labels): boolean {
    return Object.entries(selector).every(([key, value]) => this.labels[key] === value);
  }

  /** What of injection its pods say themselves, by label or annotation. */
  public get injectWord(): string | undefined {
    const key = "sidecar.istio.io/inject";
    return this.labels[key] ?? this.annotations[key];
  }

  private get metadata(): NonNullable<Template["metadata"]> {
    if (this.object.kind === "Pod")
      return { labels: this.object.labels, annotations: this.object.annotations };
    return this.template?.metadata ?? {};
  }

  private get template(): Template | undefined {
    const { template, jobTemplate } = this.object.field<WorkloadSpec>();
    return template ?? jobTemplate?.spec?.template;
  }
}
