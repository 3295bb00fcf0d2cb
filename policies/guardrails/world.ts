import { parse } from "yaml";
import { Workload, workloadKinds } from "./pods.ts";
import { KubernetesObject, type Labels, type Resource } from "./resource.ts";
import type { RuleSettings } from "./rule.ts";
import { isUnknown } from "./unknown.ts";

/** Namespace of the control plane; what stands there is about the whole mesh. */
export const rootNamespace = "istio-system";

const clusterNamespaces = new Set([rootNamespace, "kube-system", "kube-public", "kube-node-lease"]);

/** Mesh-wide settings, as far as rules ask for them. */
export interface MeshConfig {
  readonly pathNormalization?: { readonly normalization?: string };
  readonly outboundTrafficPolicy?: { readonly mode?: string };
  readonly accessLogFile?: string;
  readonly accessLogFormat?: string;
  readonly extensionProviders?: readonly {
    readonly name: string;
    readonly envoyExtAuthzHttp?: object;
    readonly envoyExtAuthzGrpc?: object;
    readonly envoyFileAccessLog?: { readonly logFormat?: object };
    readonly [kind: string]: unknown;
  }[];
  readonly defaultConfig?: ProxyConfig;
  readonly defaultProviders?: { readonly tracing?: readonly string[] };
}

export interface ProxyConfig {
  readonly gatewayTopology?: {
    readonly numTrustedProxies?: number;
    readonly forwardClientCertDetails?: string;
  };
  readonly runtimeValues?: Labels;
}

/** What a policy or filter selects. */
interface Selecting {
  readonly selector: { readonly matchLabels?: Labels };
  readonly workloadSelector: { readonly labels?: Labels };
}

/** All resources of a stack, with the questions that rules ask about them. */
export class World {
  public readonly resources: readonly Resource[];
  public readonly settings: RuleSettings;
  /** What could not be judged because a value is known only after the update. */
  public readonly unknowns: unknown[] = [];
  private readonly byKind: Map<string, KubernetesObject[]>;

  public constructor(resources: readonly Resource[], settings: RuleSettings) {
    this.resources = resources;
    this.settings = settings;
    const objects = resources.flatMap((resource) => KubernetesObject.of(resource) ?? []);
    this.byKind = Map.groupBy(objects, (object) => object.kind);
  }

  public of(...kinds: readonly string[]): KubernetesObject[] {
    return kinds.flatMap((kind) => this.byKind.get(kind) ?? []);
  }

  public get workloads(): Workload[] {
    return this.of(...workloadKinds).map((object) => new Workload(object));
  }

  /** Namespaces that the platform's own workloads run in. */
  public get appNamespaces(): string[] {
    const meshed = this.of("Namespace").filter(
      ({ labels }) => labels["istio-injection"] === "enabled" || labels["istio.io/rev"],
    );
    const names = [...meshed.map((o) => o.name), ...this.workloads.map((w) => w.namespace)];
    return [...new Set(names)].filter((name) => !clusterNamespaces.has(name)).sort();
  }

  /** Pods of gateways. */
  public get gateways(): Workload[] {
    return this.workloads.filter((workload) => workload.isGateway);
  }

  /** Workloads that an object with a selector is about; in the root namespace it is about all namespaces. */
  public selected(object: KubernetesObject): Workload[] {
    const selector = selectorOf(object) ?? {};
    return this.workloads.filter(
      (w) =>
        (object.namespace === rootNamespace || w.namespace === object.namespace) &&
        w.matches(selector),
    );
  }

  /** Whether an object is about gateways alone. */
  public isAtGateway(object: KubernetesObject): boolean {
    const selector = selectorOf(object);
    if (!selector) return false;
    const selected = this.selected(object);
    if (selected.length > 0) return selected.every((w) => w.isGateway);
    return /gateway$/.test(selector.istio ?? "");
  }

  /** Mesh-wide settings by their object; istiod reads them from a ConfigMap. */
  public get meshConfigs(): { object: KubernetesObject; config: MeshConfig }[] {
    return this.of("ConfigMap")
      .filter((object) => object.namespace === rootNamespace && isMeshConfig(object))
      .map((object) => ({ object, config: meshConfigOf(object) }));
  }

  /** What a check finds in each; what it cannot know of one keeps it from none of the others. */
  public *each<T, F>(items: readonly T[], check: (item: T) => Iterable<F>): Iterable<F> {
    for (const item of items) {
      try {
        yield* check(item);
      } catch (e) {
        if (!isUnknown(e)) throw e;
        this.unknowns.push(e);
      }
    }
  }
}

/** Labels that an object selects pods by; undefined when it is about all of its namespace. */
export function selectorOf(object: KubernetesObject): Labels | undefined {
  const { selector, workloadSelector } = object.field<Selecting>();
  return selector?.matchLabels ?? workloadSelector?.labels;
}

/** Whether a ConfigMap holds mesh-wide settings. */
export function isMeshConfig(object: KubernetesObject): boolean {
  return /^istio(-[a-z0-9-]+)?$/.test(object.name) && "mesh" in object.field("data");
}

export function meshConfigOf(object: KubernetesObject): MeshConfig {
  const { mesh } = object.field<{ mesh: string }>("data");
  return (parse(mesh ?? "") as MeshConfig | null) ?? {};
}
