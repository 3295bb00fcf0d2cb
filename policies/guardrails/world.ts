import { parse } from "yaml";
import { Workload, runsPods, workloadKinds } from "./pods.ts";
import { KubernetesObject, type Labels, type Resource, rootNamespace } from "./resource.ts";
import { type Revision, isRead, revisionAmong } from "./revision.ts";
import { type Finding, type RuleSettings, at, unjudgedFinding } from "./rule.ts";
import { isUnknown } from "./unknown.ts";

export { rootNamespace } from "./resource.ts";

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
  readonly targetRef: object;
  readonly targetRefs: readonly object[];
}

/** What a rule looks at one after the other: a resource, an object, or something that has one. */
type Item = Resource | KubernetesObject | { readonly object: KubernetesObject };

/** All resources of a stack, with what every rule looks up among them. */
export class Inventory {
  public readonly resources: readonly Resource[];
  public readonly byKind: ReadonlyMap<string, readonly KubernetesObject[]>;
  public readonly workloads: readonly Workload[];
  /** Objects of which nobody can tell whether they count, by the kinds that rules ask for. */
  public readonly doubts: { about: readonly string[]; object: KubernetesObject; error: Error }[] =
    [];

  public constructor(resources: readonly Resource[]) {
    this.resources = resources;
    const all = resources.flatMap((resource) => KubernetesObject.of(resource) ?? []);
    this.workloads = workloadKinds
      .flatMap((kind) => all.filter((o) => o.kind === kind))
      .concat(all.filter((o) => !workloadKinds.includes(o.kind) && this.runs(o)))
      .map((object) => new Workload(object));
    const revision = revisionAmong(this.workloads);
    this.byKind = Map.groupBy(
      all.filter((object) => this.isRead(object, revision)),
      (object) => object.kind,
    );
  }

  /** Whether an object runs pods; what may do, nobody knows yet, is one of the doubts. */
  private runs(object: KubernetesObject): boolean {
    try {
      return runsPods(object);
    } catch (error) {
      if (!isUnknown(error)) throw error;
      this.doubts.push({ about: workloadKinds, object, error });
      return false;
    }
  }

  /** Whether istiod reads an object; one of which nobody can tell counts, and is one of the doubts. */
  private isRead(object: KubernetesObject, revision: Revision): boolean {
    const read = isRead(object, revision);
    if (read instanceof Error) this.doubts.push({ about: [object.kind], object, error: read });
    return read !== false;
  }
}

/** The resources of a stack as one rule sees them: the questions that it asks, and what it could not judge. */
export class World {
  public readonly resources: readonly Resource[];
  public readonly settings: RuleSettings;
  /** What could not be judged because a value is known only after the update. */
  public readonly unknowns: unknown[] = [];
  /** What could not be read; a rule may meet it more than once. */
  public readonly faults: Finding[] = [];
  private readonly inventory: Inventory;
  private readonly doubted = new Set<object>();

  public constructor(inventory: Inventory, settings: RuleSettings) {
    this.inventory = inventory;
    this.resources = inventory.resources;
    this.settings = settings;
  }

  public of(...kinds: readonly string[]): KubernetesObject[] {
    this.doubt(kinds);
    return kinds.flatMap((kind) => this.inventory.byKind.get(kind) ?? []);
  }

  public get workloads(): readonly Workload[] {
    this.doubt(workloadKinds);
    return this.inventory.workloads;
  }

  /** What a rule asks for and nobody can tell of makes it unsure, once. */
  private doubt(kinds: readonly string[]): void {
    for (const doubt of this.inventory.doubts) {
      if (this.doubted.has(doubt) || !doubt.about.some((kind) => kinds.includes(kind))) continue;
      this.doubted.add(doubt);
      if (isUnknown(doubt.error)) this.unknowns.push(doubt.error);
      else this.faults.push(unjudgedFinding(at(doubt.object), doubt.error));
    }
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

  /**
   * Workloads that an object with a selector is about; in the root namespace it is about all namespaces. What names a
   * target is about a waypoint or a gateway of the Gateway API, and about no pod's own proxy.
   */
  public selected(object: KubernetesObject): Workload[] {
    if (isTargeted(object)) return [];
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
    const maps = this.of("ConfigMap").filter((object) => object.namespace === rootNamespace);
    return this.gather(maps, (object) =>
      isMeshConfig(object) ? [{ object, config: meshConfigOf(object) }] : [],
    );
  }

  /** What a check finds in each; what it cannot know or read of one keeps it from none of the others. */
  public *each<T extends Item, F>(
    items: readonly T[],
    check: (item: T) => Iterable<F>,
  ): Iterable<F> {
    for (const item of items) {
      try {
        yield* check(item);
      } catch (e) {
        if (isUnknown(e)) this.unknowns.push(e);
        else this.faults.push(unjudgedFinding(placeOf(item), e));
      }
    }
  }

  /**
   * What is read of all of them together, for a check of something else. What cannot be read adds nothing and is a
   * finding where it stands; what is not known yet is thrown, for it could say anything.
   */
  public gather<T extends Item, R>(items: readonly T[], read: (item: T) => readonly R[]): R[] {
    return items.flatMap((item) => {
      try {
        return read(item);
      } catch (e) {
        if (isUnknown(e)) throw e;
        this.faults.push(unjudgedFinding(placeOf(item), e));
        return [];
      }
    });
  }
}

function placeOf(item: Item): Pick<Finding, "about" | "urn"> {
  const { object } = item as { readonly object?: KubernetesObject };
  return at(object ?? (item as Resource | KubernetesObject));
}

/** Labels that an object selects pods by; undefined when it is about all of its namespace, as one without labels is. */
export function selectorOf(object: KubernetesObject): Labels | undefined {
  const { selector, workloadSelector } = object.field<Selecting>();
  const labels = selector?.matchLabels ?? workloadSelector?.labels ?? {};
  return Object.keys(labels).length > 0 ? labels : undefined;
}

/** Whether an object is about a target that it names, such as a waypoint, and not about pods with labels. */
export function isTargeted(object: KubernetesObject): boolean {
  const { targetRef, targetRefs } = object.field<Selecting>();
  return targetRef !== undefined || (targetRefs !== undefined && targetRefs.length > 0);
}

/** Whether a ConfigMap holds mesh-wide settings. */
export function isMeshConfig(object: KubernetesObject): boolean {
  return /^istio(-[a-z0-9-]+)?$/.test(object.name) && "mesh" in object.field("data");
}

/** @throws Error when they are no YAML of a map */
export function meshConfigOf(object: KubernetesObject): MeshConfig {
  return yamlMap<MeshConfig>(object.field<{ mesh: string }>("data").mesh ?? "", "data.mesh");
}

/**
 * A map that stands as YAML in a text; an empty text is an empty one.
 *
 * @throws Error when it is none
 */
export function yamlMap<T extends object>(text: string, place: string): Partial<T> {
  const value = parse(text) as unknown;
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error(`${place} is no map`);
  return value;
}
