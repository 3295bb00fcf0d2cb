/** What an EnvoyFilter says that does nothing but refuse tokens that never expire. */
export interface ExpiryFilter {
  /** Where it counts: at gateways, at sidecars, or everywhere. */
  readonly context: "GATEWAY" | "SIDECAR_INBOUND" | "ANY";
  /** Versions of the proxies that it is about, as an expression; undefined: all. */
  readonly proxyVersion: string | undefined;
  readonly providers: ReadonlyMap<string, Provider>;
}

/** Whose tokens it is about. It stands in place of what istiod writes of this name. */
export interface Provider {
  readonly issuer: string;
  readonly audiences: readonly string[];
}

/**
 * Reads an EnvoyFilter that sets `require_expiration` of the tokens' filter and leaves the rest as istiod writes it.
 *
 * @returns undefined for any other one
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto
 */
export function expiryFilterOf(spec: object): ExpiryFilter | undefined {
  const { configPatches, targetRefs } = spec as {
    configPatches?: readonly Patch[];
    targetRefs?: unknown;
  };
  const [only, ...more] = configPatches ?? [];
  if (!only || more.length > 0 || targetRefs !== undefined) return undefined;
  const { applyTo, match, patch } = only;
  const { name, subFilter } = match?.listener?.filterChain?.filter ?? {};
  const { typed_config: config, ...rest } = patch?.value ?? {};
  const { "@type": type, providers = {}, ...others } = config ?? {};
  const context = contexts.find((c) => c === (match?.context ?? "ANY"));
  const { proxyVersion, ...proxy } = match?.proxy ?? {};
  const all = Object.entries(providers);
  if (
    context === undefined ||
    Object.keys(proxy).length > 0 ||
    applyTo !== "HTTP_FILTER" ||
    name !== "envoy.filters.network.http_connection_manager" ||
    subFilter?.name !== "envoy.filters.http.jwt_authn" ||
    patch?.operation !== "MERGE" ||
    Object.keys({ ...rest, ...others }).length > 0 ||
    !String(type).endsWith(".jwt_authn.v3.JwtAuthentication") ||
    all.length === 0 ||
    !all.every(([, p]) => p.require_expiration === true)
  )
    return undefined;
  const read = all.map(([key, p]): [string, Provider] => [
    key,
    { issuer: p.issuer ?? "", audiences: p.audiences ?? [] },
  ]);
  return { context, proxyVersion, providers: new Map(read) };
}

const contexts = ["GATEWAY", "SIDECAR_INBOUND", "ANY"] as const;

/** Whether a filter counts at a proxy. */
export function countsAt(
  { context }: ExpiryFilter,
  proxy: "sidecar" | "none" | "gateway",
): boolean {
  if (proxy === "none") return false;
  return context === "ANY" || (context === "GATEWAY") === (proxy === "gateway");
}

interface Patch {
  readonly applyTo?: string;
  readonly match?: {
    readonly context?: string;
    readonly proxy?: { readonly proxyVersion?: string };
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
        readonly providers?: Readonly<
          Record<string, Partial<Provider> & { readonly require_expiration?: boolean }>
        >;
      };
    };
  };
}
