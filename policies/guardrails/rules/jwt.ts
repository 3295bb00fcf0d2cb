import type { RequestAuthenticationSpec } from "../../authentication.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, isTargeted, rootNamespace, selectorOf } from "../world.ts";
import { type Entrance, expiringIssuers, filtersOf } from "./filters.ts";
import { asksForClaims, isEnforced, keyOf, rulesOf as policyRules, sourcesOf } from "./policies.ts";

const docs = "https://istio.io/latest/docs/reference/config/security/jwt/";

const kinds = ["RequestAuthentication"];
type JwtRule = RequestAuthenticationSpec<string>["jwtRules"][number];

/** Rules about tokens, each with its place. */
function rulesOf(object: KubernetesObject): { path: string; rule: JwtRule }[] {
  const { jwtRules = [] } = object.field<RequestAuthenticationSpec<string>>();
  return jwtRules.map((rule, i) => ({ path: `spec.jwtRules[${i}]`, rule }));
}

/** jwt-01 */
export function issuerAndAudience(): Rule {
  const about = {
    id: "jwt-01",
    level: "mandatory",
    description: "Tokens are of a named issuer and for a named audience",
    url: `${docs}#JWTRule`,
  } as const;
  return objectRule(about, kinds, function* (object): Iterable<Fault> {
    for (const { path, rule } of rulesOf(object)) {
      if (!rule.issuer)
        yield { what: `${path} names no issuer`, fix: `set ${path}.issuer to the token's iss` };
      if (!rule.audiences?.some((a) => a !== ""))
        yield {
          what: `${path} names no audience: tokens for other services are taken too`,
          fix: `set ${path}.audiences`,
        };
    }
  });
}

/** Whether istiod is told where not to fetch keys from. */
function hasBlockedAddresses(world: World): boolean {
  const istiod = world.workloads.filter((w) => w.isControlPlane);
  return istiod.some((w) =>
    w.containers.some((c) =>
      (c.env ?? []).some((e) => e.name === "BLOCKED_CIDRS_IN_JWKS_URIS" && e.value),
    ),
  );
}

/** jwt-02 */
export function keysFromSafePlaces(): Rule {
  const about = {
    id: "jwt-02",
    level: "mandatory",
    description:
      "Keys are written down, or fetched by https by an istiod that keeps off inner addresses",
    url: "https://istio.io/latest/docs/reference/commands/pilot-discovery/#envvars",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of(...kinds), function* (object) {
      for (const { path, rule } of rulesOf(object)) {
        // Istio takes an empty text for none, and asks the issuer for its keys by itself
        if (rule.jwks?.trim()) continue;
        const uri = rule.jwksUri;
        if (!uri?.startsWith("https://"))
          yield {
            ...at(object),
            what: uri ? `${path}.jwksUri is not https` : `${path} has neither jwks nor jwksUri`,
            fix: `set ${path}.jwks, or a jwksUri of https`,
          };
        else if (!hasBlockedAddresses(world))
          yield {
            ...at(object),
            what: `${path}.jwksUri is fetched by an istiod without BLOCKED_CIDRS_IN_JWKS_URIS`,
            fix: "set it in pilot.env to loopback, link-local and metadata addresses",
          };
      }
    }),
  );
}

/** jwt-03 */
export function publicKeysOnly(): Rule {
  const about = {
    id: "jwt-03",
    level: "mandatory",
    description: "Key sets that are written down hold public keys alone",
    url: "https://www.rfc-editor.org/rfc/rfc7517#section-9.2",
  } as const;
  return objectRule(about, kinds, function* (object): Iterable<Fault> {
    for (const { path, rule } of rulesOf(object)) {
      if (!rule.jwks) continue;
      const found = privateMembers(rule.jwks);
      if (found.length > 0)
        yield {
          what: `${path}.jwks holds private members (${found.join(", ")}): whoever reads it signs tokens`,
          fix: "write the public half alone, and replace the key",
        };
    }
  });
}

function privateMembers(text: string): string[] {
  try {
    // a set of keys, or one key that stands alone
    const set = JSON.parse(text) as { keys?: Record<string, unknown>[] };
    const secret = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    const keys = [set as Record<string, unknown>, ...(set.keys ?? [])];
    return secret.filter((member) => keys.some((key) => member in key));
  } catch {
    return ["no JSON"];
  }
}

/** Where requests come in at what an object looks at tokens of; what is of no pod of the stack is told by its labels. */
function entrancesOf(world: World, object: KubernetesObject): Entrance[] {
  const selected = world.selected(object).filter((w) => !w.isControlPlane);
  const gateways =
    selected.length > 0 ? selected.map((w) => w.isGateway) : [world.isAtGateway(object)];
  return [...new Set(gateways)].map((gateway) => (gateway ? "GATEWAY" : "SIDECAR_INBOUND"));
}

/** jwt-04 */
export function tokensExpire(): Rule {
  const about = {
    id: "jwt-04",
    level: "production",
    description: "Tokens without an expiry are refused",
    url: "https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of(...kinds), function* (object) {
      const mine = selectorOf(object) ?? {};
      const covering = world.of("EnvoyFilter").filter((filter) => {
        const theirs = Object.entries(selectorOf(filter) ?? {});
        const near = [object.namespace, rootNamespace].includes(filter.namespace);
        return near && !isTargeted(filter) && theirs.every(([key, value]) => mine[key] === value);
      });
      const strict = entrancesOf(world, object).map((entrance) =>
        world.gather(covering, (filter) =>
          filtersOf(filter).flatMap((patch) => expiringIssuers(patch, entrance)),
        ),
      );
      for (const { path, rule } of rulesOf(object))
        if (strict.some((issuers) => !issuers.includes(rule.issuer ?? "")))
          yield {
            ...at(object),
            what: `${path} takes tokens of ${rule.issuer} that never expire`,
            fix: "set bankmesh:authentication.requireExpiry: true",
          };
    }),
  );
}

/** jwt-05 */
export function noTokensInUrls(): Rule {
  const about = {
    id: "jwt-05",
    level: "mandatory",
    description: "No token is taken from a URL, which ends up in logs and histories",
    url: "https://www.rfc-editor.org/rfc/rfc6750#section-5.3",
  } as const;
  return objectRule(about, kinds, function* (object): Iterable<Fault> {
    for (const { path, rule } of rulesOf(object)) {
      if (![rule.fromHeaders, rule.fromParams, rule.fromCookies].some((named) => named?.length))
        yield {
          what: `${path} names no place of tokens, so that access_token in the query is one`,
          fix: `name ${path}.fromHeaders, such as Authorization with the prefix "Bearer "`,
        };
      if (rule.fromParams?.length)
        yield {
          what: `${path} takes tokens from the query (${rule.fromParams.join(", ")})`,
          fix: `drop ${path}.fromParams`,
        };
    }
  });
}

/** Whether enforced rules about a workload, or about all of the namespace, ask for a token. */
function isAskedInside(world: World, object: KubernetesObject): boolean {
  const mine = selectorOf(object);
  const near = world.of("AuthorizationPolicy").filter((o) => o.namespace === object.namespace);
  const asking = world.gather(near, (policy) => {
    const same = !mine || JSON.stringify(selectorOf(policy)) === JSON.stringify(mine);
    const counts = same && isEnforced(policy) && !isTargeted(policy);
    const asks = policyRules(policy).some(
      (r) => sourcesOf(r).some((s) => s.requestPrincipals?.length) || asksForClaims(r),
    );
    return counts && asks ? [policy] : [];
  });
  return asking.length > 0;
}

/** jwt-06 */
export function tokensStay(): Rule {
  const about = {
    id: "jwt-06",
    level: "advisory",
    description: "Tokens are handed on only where rules further in ask for them",
    url: `${docs}#JWTRule`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of(...kinds), function* (object) {
      const others = world.of(...kinds).filter((o) => o !== object);
      for (const { path, rule } of rulesOf(object)) {
        if (!rule.forwardOriginalToken) continue;
        const further = world.gather(others, (o) =>
          rulesOf(o).some((r) => r.rule.issuer === rule.issuer) ? [o] : [],
        );
        const needed = world.isAtGateway(object) && further.some((o) => isAskedInside(world, o));
        if (!needed)
          yield {
            ...at(object),
            what: `${path} hands the token on, and no rule behind it asks for one`,
            fix: `drop ${path}.forwardOriginalToken`,
          };
      }
    }),
  );
}

/** Claims that are lists of words by custom, beside the two that Envoy splits by itself. */
const wordLists = /^request\.auth\.claims\[(scp|scopes|permissions|entitlements|authorities)\]$/;

/** jwt-07 */
export function wordListsAreDeclared(): Rule {
  const about = {
    id: "jwt-07",
    level: "advisory",
    description: "Claims that are words apart by spaces are declared as such",
    url: `${docs}#JWTRule`,
  } as const;
  return stackRule(about, function* (world) {
    const declared = world.gather(world.of(...kinds), (object) =>
      rulesOf(object).flatMap(({ rule }) => rule.spaceDelimitedClaims ?? []),
    );
    yield* world.each(world.of("AuthorizationPolicy"), function* (object) {
      const keys = policyRules(object).flatMap((r) => (r.when ?? []).map(keyOf));
      for (const key of new Set(keys)) {
        const claim = wordLists.exec(key)?.[1];
        if (claim && !declared.includes(claim))
          yield {
            ...at(object),
            what: `asks for words of the claim ${claim}; where it is a text, only the whole text matches`,
            fix: `add ${claim} to spaceDelimitedClaims of the issuer, if it is one`,
          };
      }
    });
  });
}
