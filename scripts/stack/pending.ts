/** The part of an exported stack that matters here. */
export interface Deployment {
  resources?: Resource[];
  pending_operations?: { resource: Resource; type: string }[];
  [key: string]: unknown;
}

export interface Resource {
  urn: string;
  type: string;
  id?: string;
  custom?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  initErrors?: string[];
  [key: string]: unknown;
}

export interface Repair {
  /** The state without pending operations. */
  readonly deployment: Deployment;
  /** URNs of objects that may exist: they are in the state now, and a refresh has to find out. */
  readonly imported: readonly string[];
  /** URNs of creations that are forgotten, because running them again is safe. */
  readonly cleared: readonly string[];
}

/**
 * Takes objects of a lost kind cluster out of the state. When a run that makes the cluster anew is interrupted, the
 * objects that it had not come to still name the provider of the old cluster. The engine compares providers by URN
 * alone, finds the new one unchanged, and would take the objects for unchanged too, although nothing has them.
 */
export function withoutStrays(deployment: Deployment): {
  deployment: Deployment;
  strays: string[];
} {
  const resources = deployment.resources ?? [];
  const provider = resources.find((r) => r.type === "pulumi:providers:kubernetes" && !r.delete);
  const onKind = resources.some((r) => r.type === "bankmesh:cluster:KindCluster");
  if (!provider || !onKind) return { deployment, strays: [] };
  const isStray = (r: Resource) =>
    r.custom === true &&
    !r.delete &&
    typeof r.provider === "string" &&
    r.provider.startsWith(`${provider.urn}::`) &&
    r.provider !== `${provider.urn}::${provider.id}`;
  const strays = resources.filter(isStray).map((r) => r.urn);
  if (strays.length === 0) return { deployment, strays };
  const gone = new Set(strays);
  const keep = (urns: unknown) =>
    Array.isArray(urns) ? urns.filter((urn) => !gone.has(String(urn))) : urns;
  const kept = resources
    .filter((r) => !isStray(r))
    .map((r) => ({
      ...r,
      ...(r.dependencies !== undefined && { dependencies: keep(r.dependencies) }),
      ...(r.propertyDependencies !== undefined && {
        propertyDependencies: Object.fromEntries(
          Object.entries(r.propertyDependencies as object).map(([k, urns]) => [k, keep(urns)]),
        ),
      }),
    }));
  return { deployment: { ...deployment, resources: kept }, strays };
}

/** Kinds without a namespace; for all others one that is not named is "default". */
const clusterScoped = new Set([
  "Namespace",
  "Node",
  "PersistentVolume",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "StorageClass",
  "PriorityClass",
  "RuntimeClass",
  "IngressClass",
  "GatewayClass",
  "APIService",
]);

/**
 * Plans what becomes of operations that a killed run left in the state. Kubernetes objects of pending creates may be
 * there, and creating them again would fail with AlreadyExists: they are taken into the state under the id that they
 * would have. (`refresh --import-pending-creates` of CLI 3.250 drops them instead.) All other creations here are safe to
 * run again: the cluster's command knows its own half-made cluster, keys and random values exist in the state alone.
 *
 * @param clusterLives whether the cluster is there that the state knows; objects of a lost one are gone with it
 */
export function planRepair(deployment: Deployment, clusterLives: boolean): Repair {
  const { pending_operations: pending = [], ...rest } = deployment;
  const resources = [...(deployment.resources ?? [])];
  const imported: string[] = [];
  const cleared: string[] = [];
  for (const { resource, type } of pending) {
    if (type !== "creating") continue; // updates and deletions are simply done again
    const id = clusterLives ? objectId(resource) : undefined;
    if (id === undefined || resources.some((r) => r.urn === resource.urn && !r.delete)) {
      cleared.push(resource.urn);
      continue;
    }
    resources.push({ ...resource, id, outputs: resource.outputs ?? {} });
    imported.push(resource.urn);
  }
  return { deployment: { ...rest, resources }, imported, cleared };
}

/** The id that Pulumi gives a Kubernetes object; undefined for other resources and for names that nobody can know. */
export function objectId(resource: Resource): string | undefined {
  if (!resource.type.startsWith("kubernetes:") || resource.custom === false) return undefined;
  const metadata = resource.inputs?.metadata as { name?: unknown; namespace?: unknown } | undefined;
  const kind = resource.type.split(":").at(-1) ?? "";
  if (typeof metadata?.name !== "string") return undefined;
  if (typeof metadata.namespace === "string") return `${metadata.namespace}/${metadata.name}`;
  return clusterScoped.has(kind) ? metadata.name : `default/${metadata.name}`;
}

/**
 * Gives an object the name under which the interrupted run applied its fields. A refresh alone makes up a new one, and
 * to the API server that is somebody else: the next `up` would meet a conflict with itself.
 */
function withFieldManager(resource: Resource): Resource {
  const { metadata } = (resource.outputs ?? {}) as { metadata?: { managedFields?: unknown } };
  const fields = Array.isArray(metadata?.managedFields)
    ? (metadata.managedFields as Manager[])
    : [];
  const own = fields.find((f) => f.operation === "Apply" && f.manager?.startsWith(managerPrefix));
  if (!own) return resource;
  return { ...resource, outputs: { ...resource.outputs, __fieldManager: own.manager } };
}

/** Part of `metadata.managedFields`. */
interface Manager {
  readonly manager?: string;
  readonly operation?: string;
}

/** How the Kubernetes plugin begins the names that it makes up. */
const managerPrefix = "pulumi-kubernetes-";

/**
 * Marks objects whose creation was cut off: the next `up` waits until they are ready, as a creation would have.
 *
 * @returns the marked state, and how many of the URNs are in it
 */
export function markUnfinished(
  deployment: Deployment,
  urns: readonly string[],
): { deployment: Deployment; count: number } {
  let count = 0;
  const resources = (deployment.resources ?? []).map((r) => {
    if (!urns.includes(r.urn)) return r;
    count++;
    return {
      ...withFieldManager(r),
      initErrors: ["the creation was interrupted before the object was seen to be ready"],
    };
  });
  return { deployment: { ...deployment, resources }, count };
}
