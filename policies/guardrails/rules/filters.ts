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
