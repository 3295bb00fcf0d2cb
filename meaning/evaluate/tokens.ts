import type { RequestAuthenticationSpec } from "../../policies/authentication.ts";
import { type Labels, selects } from "../manifests/objects.ts";
import type { Platform } from "../manifests/platform.ts";
import type { Workload } from "../manifests/workloads.ts";
import { countsAt, expiryFilterOf } from "./expiry-filter.ts";
import type { Headers, Message, Reason, Token, TokenPlace } from "./request.ts";

type JwtRule = NonNullable<RequestAuthenticationSpec<string>["jwtRules"]>[number];

/** An issuer whose tokens some pods look at. */
export interface Issuer {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly places: readonly TokenPlace[];
  /** Claims whose text is words apart by spaces. */
  readonly words: readonly string[];
  /** Whether the next hop sees the token too. */
  readonly forwards: boolean;
  /** Headers that are written anew from claims, each with its claim. */
  readonly claimHeaders: Readonly<Record<string, string>>;
  /** What says so, in words. */
  readonly by: string;
}

/** What pods do about tokens. */
export interface TokenCheck {
  readonly issuers: readonly Issuer[];
  /** Whether tokens that never expire are refused. */
  readonly expiry: boolean;
}

type TokenContext = Pick<Platform, "requestAuthentications" | "envoyFilters" | "mesh">;
const known = new WeakMap<object, WeakMap<object, TokenCheck>>();

/**
 * Whose tokens pods look at: what the root namespace, their own, and the selectors there say, all of it together.
 *
 * @see https://istio.io/latest/docs/reference/config/security/request_authentication/
 */
export function tokenCheckOf(platform: TokenContext, pod: Pods): TokenCheck {
  const mine = known.get(platform) ?? new WeakMap<object, TokenCheck>();
  known.set(platform, mine);
  const found = mine.get(pod) ?? make(platform, pod);
  mine.set(pod, found);
  return found;
}

interface Pods {
  readonly namespace: string;
  readonly labels: Labels;
  readonly proxy?: Workload["proxy"];
}

/** RequestAuthentications that are about pods. */
export function authenticationsAbout(
  { requestAuthentications, mesh }: Pick<Platform, "requestAuthentications" | "mesh">,
  pod: Pods,
): Platform["requestAuthentications"] {
  return requestAuthentications.filter(
    ({ namespace, spec }) =>
      isNear(namespace, pod, mesh) &&
      !spec.targetRef &&
      !spec.targetRefs?.length &&
      selects(spec.selector?.matchLabels, pod.labels),
  );
}

function isNear(namespace: string, pod: Pods, { rootNamespace }: Platform["mesh"]): boolean {
  return namespace === pod.namespace || namespace === rootNamespace;
}

function make(platform: TokenContext, pod: Pods): TokenCheck {
  const { envoyFilters, mesh } = platform;
  const issuers = authenticationsAbout(platform, pod).flatMap(({ namespace, name, spec }) =>
    (spec.jwtRules ?? []).map((r) => issuerOf(r, `RequestAuthentication ${namespace}/${name}`)),
  );
  const expiry = envoyFilters.some(({ namespace, spec }) => {
    const filter = expiryFilterOf(spec);
    return (
      filter !== undefined &&
      isNear(namespace, pod, mesh) &&
      (pod.proxy === undefined || countsAt(filter, pod.proxy)) &&
      selects((spec.workloadSelector as { labels?: Labels } | undefined)?.labels, pod.labels)
    );
  });
  return { issuers, expiry };
}

function issuerOf(rule: JwtRule, by: string): Issuer {
  const { fromHeaders = [], fromParams = [], fromCookies = [] } = rule;
  const places: TokenPlace[] = [
    ...fromHeaders.map(({ name, prefix = "" }) => ({ header: name.toLowerCase(), prefix })),
    ...fromParams.map((parameter) => ({ parameter })),
    ...fromCookies.map((cookie) => ({ cookie })),
  ];
  const usual: TokenPlace[] = [
    { header: "authorization", prefix: "Bearer " },
    { parameter: "access_token" },
  ];
  return {
    issuer: rule.issuer ?? "",
    audiences: rule.audiences ?? [],
    places: places.length > 0 ? places : usual,
    words: ["permission", "scope", ...(rule.spaceDelimitedClaims ?? [])],
    forwards: rule.forwardOriginalToken === true,
    claimHeaders: Object.fromEntries(
      (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => [header.toLowerCase(), claim]),
    ),
    by,
  };
}

export type Checked =
  | { readonly refused: Reason; readonly by: string }
  | {
      /** The issuer that took it; undefined where there is no token, or nobody looks at it. */
      readonly issuer?: Issuer;
      /** The token as the next hop sees it. */
      readonly token: Token | undefined;
      readonly headers: Headers;
    };

/** What becomes of a request's token. One that nobody looks for is none, and goes on as it is. */
export function checkToken({ issuers, expiry }: TokenCheck, message: Message): Checked {
  const { token, headers = {} } = message;
  // browsers send no token with a preflight, so nothing of it is looked at
  if (isPreflight(message)) return { token, headers };
  const looking = token ? issuers.filter((i) => i.places.some((p) => sees(p, token.place))) : [];
  // headers that claims are written into are the proxy's own, whoever sends them
  const mine = issuers.flatMap((i) => Object.keys(i.claimHeaders));
  const clean = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !mine.includes(name)),
  );
  if (!token || looking.length === 0) return { token, headers: mine.length > 0 ? clean : headers };
  const by = looking[0]!.by;
  const right = looking.filter((i) => i.issuer === "" || i.issuer === token.issuer);
  if (token.flaw === "token-malformed") return { refused: token.flaw, by };
  if (right.length === 0) return { refused: "token-issuer", by };
  const issuer = right.find((i) => isFor(i, token));
  if (token.flaw) return { refused: token.flaw, by };
  if (!issuer) return { refused: "token-audience", by: right[0]!.by };
  // Envoy says so of a token without an expiry where it asks for one
  if (expiry && token.lasting) return { refused: "token-signature", by };
  const written = Object.entries(issuer.claimHeaders).flatMap(([header, claim]) => {
    const value = claimAt(token.claims, claim);
    if (value === undefined || value === null) return [];
    if (typeof value === "object") return [[header, encoded(value)] as const];
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [[header, text] as const];
  });
  return {
    issuer,
    token: issuer.forwards ? token : undefined,
    headers: mine.length > 0 ? { ...clean, ...Object.fromEntries(written) } : headers,
  };
}

/** A claim as Envoy looks for it to copy it: a dot leads into a claim. */
function claimAt(claims: Token["claims"], path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inside, name) =>
        typeof inside === "object" && inside !== null && !Array.isArray(inside)
          ? (inside as Readonly<Record<string, unknown>>)[name]
          : undefined,
      claims,
    );
}

/** Lists and maps are copied as JSON in Base64. */
function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}

function isFor({ audiences }: Issuer, token: Token): boolean {
  return audiences.length === 0 || token.audiences.some((a) => audiences.includes(a));
}

/** Whether a proxy that looks in one place finds a token in another: where its prefix stands in front. */
function sees(looked: TokenPlace, place: TokenPlace): boolean {
  if ("header" in looked && "header" in place)
    return (
      looked.header === place.header &&
      (looked.prefix === "" ? place.prefix === "" : place.prefix.includes(looked.prefix))
    );
  if ("parameter" in looked && "parameter" in place) return looked.parameter === place.parameter;
  return "cookie" in looked && "cookie" in place && looked.cookie === place.cookie;
}

function isPreflight({ method, headers = {} }: Message): boolean {
  return (
    method === "OPTIONS" &&
    headers.origin !== undefined &&
    headers["access-control-request-method"] !== undefined
  );
}

/** Claims of a token as rules see them. */
export function claimsOf(token: Token): Readonly<Record<string, unknown>> {
  return { ...token.claims, iss: token.issuer, aud: [...token.audiences] };
}
