/** A resource as rules see it: plain data, from the engine or from a manifest. */
export interface Resource {
  /** Pulumi's type token, such as `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  /** Name within the program. */
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  /** @default none: a manifest has no place in a state */
  readonly urn?: string;
  readonly parent?: string | undefined;
  /** What it waits for, by URN. @default unknown: a manifest does not tell */
  readonly dependencies?: readonly string[];
  /** Outputs that the state keeps encrypted. @default unknown: a manifest does not tell */
  readonly secretOutputs?: readonly string[];
}

/** A Kubernetes object as it stands in YAML. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

/** Namespace of the control plane; what stands there is about the whole mesh. */
export const rootNamespace = "istio-system";

/** The record of a plain Kubernetes object. */
export function resourceOf(manifest: Manifest): Resource {
  const group = manifest.apiVersion.includes("/") ? "" : "core/";
  return {
    type: `kubernetes:${group}${manifest.apiVersion}:${manifest.kind}`,
    name: manifest.metadata?.name ?? manifest.kind,
    props: manifest,
  };
}

/** Objects by their records, as long as these are there. */
const known = new WeakMap<Resource, KubernetesObject | undefined>();

/** A Kubernetes object among the resources. What is unknown in a preview throws when it is read. */
export class KubernetesObject {
  public readonly resource: Resource;
  public readonly kind: string;
  public readonly apiVersion: string;

  private constructor(resource: Resource, kind: string, apiVersion: string) {
    this.resource = resource;
    this.kind = kind;
    this.apiVersion = apiVersion;
  }

  /** Undefined when the resource is none: a chart, a provider, a certificate. */
  public static of(resource: Resource): KubernetesObject | undefined {
    // each rule asks
    if (!known.has(resource)) known.set(resource, KubernetesObject.read(resource));
    return known.get(resource);
  }

  private static read(resource: Resource): KubernetesObject | undefined {
    // extensions of the provider name themselves: istio:security.istio.io/v1:PeerAuthentication
    const token = /^[a-z-]+:([a-z0-9.-]+\/)?(v\d[a-z0-9]*):(\w+)$/.exec(resource.type);
    if (!token) return undefined;
    const [, group = "", version, kind] = token;
    if (group === "helm.sh/") return undefined;
    const apiVersion = `${group === "core/" ? "" : group}${version}`;
    return new KubernetesObject(resource, kind!.replace(/(?<=.)Patch$/, ""), apiVersion);
  }

  public get name(): string {
    return this.metadata.name ?? this.resource.name;
  }

  public get namespace(): string {
    return this.metadata.namespace ?? "default";
  }

  public get labels(): Labels {
    return this.metadata.labels ?? {};
  }

  public get annotations(): Labels {
    return this.metadata.annotations ?? {};
  }

  /** A field at the top, `spec` unless another is named; an empty one when it is not there. */
  public field<T extends object>(name = "spec"): Partial<T> {
    return this.resource.props[name] ?? {};
  }

  private get metadata(): NonNullable<Manifest["metadata"]> {
    return this.resource.props.metadata ?? {};
  }
}

/** How a resource is named in messages and exemptions: Deployment/bank/users, PrivateKey/pki-root-key. */
export function labelOf(resource: Resource): string {
  const object = KubernetesObject.of(resource);
  if (!object) return `${resource.type.split(":").at(-1)}/${resource.name}`;
  try {
    const { namespace } = (resource.props.metadata ?? {}) as { namespace?: string };
    return [object.kind, namespace, object.name].filter((part) => part !== undefined).join("/");
  } catch {
    return `${object.kind}/${resource.name}`; // its name is known only after the update
  }
}
