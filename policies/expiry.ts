import { type IssuerSettings, tokenHeaders } from "../settings/index.ts";
import { type RequestAuthenticationArgs, claimCopies } from "./authentication.ts";

export interface ExpiryArgs<K> extends RequestAuthenticationArgs<K> {
  /** Where their listener for requests is. */
  readonly context: "GATEWAY" | "SIDECAR_INBOUND";
  /** Version of istiod; undefined for one that is found. @default proxies of any version */
  readonly istioVersion?: string | undefined;
}

/**
 * Refuses tokens without an expiry. Istio has no word for it, and a rule about `exp` matches texts and lists alone: this
 * sets Envoy's own `require_expiration`. A patch replaces an issuer's part as a whole, so the rest stands here as istiod
 * writes it: one provider an issuer, `origins-<n>` in the order of the issuers' names.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto
 */
export function requireExpiration<K>(args: ExpiryArgs<K>): object {
  const { selector, context, issuers, istioVersion } = args;
  const byIssuer = [...issuers].sort((a, b) => (a.issuer < b.issuer ? -1 : 1));
  const providers = byIssuer.map((issuer, i) => {
    // routes at a gateway may depend on claims
    const atGateway = context === "GATEWAY" && { clear_route_cache: true };
    return [`origins-${i}`, { ...provider(issuer, args), ...atGateway }] as const;
  });
  const subFilter = { name: "envoy.filters.http.jwt_authn" };
  const filter = { name: "envoy.filters.network.http_connection_manager", subFilter };
  const proxyVersion = istioVersion && proxyVersions(istioVersion);
  return {
    ...(selector && { workloadSelector: { labels: { ...selector } } }),
    priority: 10,
    configPatches: [
      {
        applyTo: "HTTP_FILTER",
        match: {
          context,
          ...(proxyVersion && { proxy: { proxyVersion } }),
          listener: { filterChain: { filter } },
        },
        patch: {
          operation: "MERGE",
          value: {
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
              providers: Object.fromEntries(providers),
            },
          },
        },
      },
    ],
  };
}

/**
 * Proxies of istiod's own minor version and of the one before: after an upgrade, those that have not been restarted yet
 * have to ask for an expiry as well.
 *
 * @returns a regular expression
 */
export function proxyVersions(istioVersion: string): string {
  const [major, minor] = istioVersion.split(".").map(Number);
  return `^${major}\\.(${minor! - 1}|${minor})\\.`;
}

function provider<K>(issuer: IssuerSettings, { ownKeys, forward }: ExpiryArgs<K>) {
  const { parameters, claimHeaders, spaceDelimitedClaims = [] } = issuer;
  return {
    issuer: issuer.issuer,
    audiences: [...issuer.audiences],
    local_jwks: { inline_string: issuer.keyIds ? ownKeys[issuer.name] : issuer.jwks },
    from_headers: tokenHeaders(issuer).map(({ name, prefix }) => ({
      name,
      ...(prefix && { value_prefix: prefix }),
    })),
    ...(parameters && { from_params: parameters.map((p) => p.name) }),
    ...(claimHeaders && {
      claim_to_headers: claimCopies(issuer).map(({ header, claim }) => ({
        header_name: header,
        claim_name: claim,
      })),
    }),
    ...(forward && { forward: true }),
    payload_in_metadata: "payload",
    normalize_payload_in_metadata: {
      space_delimited_claims: [...new Set(["permission", "scope", ...spaceDelimitedClaims])],
    },
    require_expiration: true,
  };
}
