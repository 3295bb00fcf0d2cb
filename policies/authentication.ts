import type { IRequestAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/RequestAuthentication" with {
  "resolution-mode": "import",
};
import { type IssuerSettings, tokenHeaders } from "../settings/index.ts";

type IstioSpec = NonNullable<IRequestAuthentication["spec"]>;
type IstioJwtRule = NonNullable<IstioSpec["jwtRules"]>[number];
/** K is what a key set of the stack's own is: text, or what becomes text once the keys are made. */
type JwtRule<K> = Omit<IstioJwtRule, "jwks"> & { jwks?: string | K };
export type RequestAuthenticationSpec<K> = Omit<IstioSpec, "jwtRules"> & { jwtRules: JwtRule<K>[] };

/** Workloads that a policy is about. */
export type Selector = Readonly<Record<string, string>>;

export interface RequestAuthenticationArgs<K> {
  /** @default all workloads of the namespace */
  readonly selector?: Selector;
  readonly issuers: readonly IssuerSettings[];
  /** Key sets of the stack's own issuers, by the issuer's name. */
  readonly ownKeys: Readonly<Record<string, K>>;
  /** Hand the token on to the next hop, whose rules ask for its claims. */
  readonly forward: boolean;
}

/**
 * Tokens that workloads accept. A request without one passes; whether it may is the authorization's business.
 *
 * @see https://istio.io/latest/docs/reference/config/security/request_authentication/
 */
export function requestAuthentication<K>(
  args: RequestAuthenticationArgs<K>,
): RequestAuthenticationSpec<K> {
  return {
    ...(args.selector && { selector: { matchLabels: { ...args.selector } } }),
    jwtRules: args.issuers.map((issuer) => jwtRule(issuer, args)),
  };
}

/** Headers that a service gets from claims, in their order. */
export function claimCopies({ claimHeaders = {} }: IssuerSettings) {
  return Object.entries(claimHeaders)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([header, claim]) => ({ header, claim }));
}

function jwtRule<K>(
  issuer: IssuerSettings,
  { ownKeys, forward }: RequestAuthenticationArgs<K>,
): JwtRule<K> {
  const { jwksUri, parameters, claimHeaders, spaceDelimitedClaims } = issuer;
  // neither keys nor an address: the issuer's discovery document leads to them
  const jwks = issuer.keyIds ? ownKeys[issuer.name] : issuer.jwks;
  return {
    issuer: issuer.issuer,
    audiences: [...issuer.audiences],
    ...(jwks && { jwks }),
    ...(jwksUri && { jwksUri }),
    fromHeaders: tokenHeaders(issuer),
    ...(parameters && { fromParams: parameters.map((p) => p.name) }),
    ...(spaceDelimitedClaims && { spaceDelimitedClaims: [...spaceDelimitedClaims] }),
    ...(claimHeaders && { outputClaimToHeaders: claimCopies(issuer) }),
    ...(forward && { forwardOriginalToken: true }),
  };
}
