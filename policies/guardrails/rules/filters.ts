import type { KubernetesObject } from "../resource.ts";

/** Envoy's configuration inside of a patch, as far as rules look at it. */
export interface TypedConfig {
  readonly "@type"?: string;
  readonly providers?: Readonly<
    Record<string, { readonly issuer?: string; readonly require_expiration?: boolean }>
  >;
}

interface Patch {
  readonly applyTo?: string;
  readonly match?: {
    readonly context?: string;
    readonly proxy?: { readonly proxyVersion?: string };
    readonly listener?: {
      readonly filterChain?: {
        readonly filter?: { readonly subFilter?: { readonly name?: string } };
      };
    };
    readonly routeConfiguration?: {
      readonly vhost?: { readonly route?: { readonly name?: string } };
    };
  };
  readonly patch?: {
    readonly operation?: string;
    readonly value?: { readonly name?: string; readonly typed_config?: TypedConfig };
  };
}

export interface EnvoyFilterSpec {
  readonly priority: number;
  readonly configPatches: readonly Patch[];
}

/** Patches of an EnvoyFilter, each with its place and what it gives to Envoy. */
export function filtersOf(object: KubernetesObject) {
  const { configPatches = [] } = object.field<EnvoyFilterSpec>();
  return configPatches.map((patch, i) => ({
    path: `spec.configPatches[${i}]`,
    patch,
    config: patch.patch?.value?.typed_config,
  }));
}

/** Where requests come in: at gateways, or at sidecars. */
export type Entrance = "GATEWAY" | "SIDECAR_INBOUND";

/** Issuers whose tokens have to expire by a patch: it changes the filter of tokens where requests come in. */
export function expiringIssuers(
  { patch, config }: ReturnType<typeof filtersOf>[number],
  entrance: Entrance,
): string[] {
  const { applyTo, match = {} } = patch;
  const { context = "ANY", listener } = match;
  const counts =
    applyTo === "HTTP_FILTER" &&
    ["MERGE", "REPLACE"].includes(patch.patch?.operation ?? "") &&
    ["ANY", entrance].includes(context) &&
    listener?.filterChain?.filter?.subFilter?.name === "envoy.filters.http.jwt_authn" &&
    config?.["@type"]?.endsWith(".jwt_authn.v3.JwtAuthentication");
  if (!counts) return [];
  const strict = Object.values(config?.providers ?? {}).filter(
    (p) => p.require_expiration === true,
  );
  return strict.flatMap((p) => p.issuer ?? []);
}
