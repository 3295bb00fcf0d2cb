import { parse } from "yaml";
import { type Manifest, type Place, namespaceOf } from "./objects.ts";

export const normalizations = [
  "NONE",
  "BASE",
  "MERGE_SLASHES",
  "DECODE_AND_MERGE_SLASHES",
] as const;
/** How proxies rewrite a path before anything is asked about it. */
export type Normalization = (typeof normalizations)[number];

/** What of the mesh's settings decides what callers get. */
export interface MeshConfig {
  /** Its policies are about all namespaces. */
  readonly rootNamespace: string;
  /** The mesh's own trust domain, then its aliases. */
  readonly trustDomains: readonly string[];
  readonly normalization: Normalization;
  /** Whether clients find out by themselves who takes mTLS. */
  readonly autoMtls: boolean;
  /** Authorizers that CUSTOM policies may name; undefined where nobody says which there are. */
  readonly providers?: readonly string[];
  readonly place?: Place;
}

/** Istio's defaults. @see https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/ */
const defaults: MeshConfig = {
  rootNamespace: "istio-system",
  trustDomains: ["cluster.local"],
  normalization: "BASE",
  autoMtls: true,
};

export interface ReadMeshConfig {
  readonly mesh: MeshConfig;
  readonly problems: readonly { readonly object: Manifest; readonly text: string }[];
}

/** The mesh's settings from istiod's ConfigMap; Istio's defaults where there is none. */
export function meshConfigOf(objects: readonly Manifest[]): ReadMeshConfig {
  const found = objects.filter(
    (o) => o.kind === "ConfigMap" && /^istio(-|$)/.test(o.metadata.name) && o.data?.mesh,
  );
  const read = found.map((object) => ({ object, ...settings(object) }));
  const [first] = read;
  if (!first) return { mesh: defaults, problems: [] };
  const same = (mesh: MeshConfig) => JSON.stringify({ ...mesh, place: 0 });
  const problems = read.flatMap(({ object, mesh, text }) => [
    ...(text === undefined ? [] : [{ object, text }]),
    ...(same(mesh) === same(first.mesh)
      ? []
      : [{ object, text: `data.mesh is another one than that of ${first.object.metadata.name}` }]),
  ]);
  return { mesh: first.mesh, problems };
}

function settings(object: Manifest): { mesh: MeshConfig; text?: string } {
  const rootNamespace = namespaceOf(object);
  const base = { ...defaults, rootNamespace, place: object.place };
  try {
    const raw = (parse(String(object.data!.mesh)) ?? {}) as {
      rootNamespace?: string;
      trustDomain?: string;
      trustDomainAliases?: string[];
      enableAutoMtls?: boolean;
      pathNormalization?: { normalization?: string };
      extensionProviders?: { name: string }[];
    };
    const asked = raw.pathNormalization?.normalization ?? "DEFAULT";
    const normalization = asked === "DEFAULT" ? "BASE" : normalizations.find((n) => n === asked);
    return {
      mesh: {
        ...base,
        rootNamespace: raw.rootNamespace || rootNamespace,
        trustDomains: [raw.trustDomain || "cluster.local", ...(raw.trustDomainAliases ?? [])],
        autoMtls: raw.enableAutoMtls ?? true,
        normalization: normalization ?? "BASE",
        providers: (raw.extensionProviders ?? []).map((p) => p.name),
      },
      ...(normalization === undefined && {
        text: `data.mesh: pathNormalization.normalization is ${JSON.stringify(asked)}, known are ${normalizations.join(", ")}`,
      }),
    };
  } catch (e) {
    return { mesh: base, text: `data.mesh is not YAML: ${(e as Error).message.split("\n")[0]}` };
  }
}
