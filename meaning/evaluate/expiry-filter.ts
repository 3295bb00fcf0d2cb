/**
 * Whether an EnvoyFilter does nothing but refuse tokens that never expire: it sets `require_expiration` of the tokens'
 * filter and leaves the rest as istiod writes it.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto
 */
export function requiresExpiry(spec: object): boolean {
  const { configPatches, priority, targetRefs } = spec as {
    configPatches?: readonly Patch[];
    priority?: unknown;
    targetRefs?: unknown;
  };
  if (!configPatches?.length || priority !== undefined || targetRefs !== undefined) return false;
  return configPatches.every(({ applyTo, match, patch }) => {
    const { name, subFilter } = match?.listener?.filterChain?.filter ?? {};
    const { typed_config: config, ...rest } = patch?.value ?? {};
    const { "@type": type, providers, ...more } = config ?? {};
    return (
      applyTo === "HTTP_FILTER" &&
      name === "envoy.filters.network.http_connection_manager" &&
      subFilter?.name === "envoy.filters.http.jwt_authn" &&
      patch?.operation === "MERGE" &&
      Object.keys({ ...rest, ...more }).length === 0 &&
      String(type).endsWith(".jwt_authn.v3.JwtAuthentication") &&
      providers !== undefined &&
      Object.values(providers).every((p) => p.require_expiration === true)
    );
  });
}

interface Patch {
  readonly applyTo?: string;
  readonly match?: {
    readonly listener?: {
      readonly filterChain?: {
        readonly filter?: {
          readonly name?: string;
          readonly subFilter?: { readonly name?: string };
        };
      };
    };
  };
  readonly patch?: {
    readonly operation?: string;
    readonly value?: {
      readonly typed_config?: {
        readonly "@type"?: string;
        readonly providers?: Readonly<Record<string, { readonly require_expiration?: boolean }>>;
      };
    };
  };
}
