import { generateKeyPairSync } from "node:crypto";
import { needsToken, tokensInside } from "../../policies/token-needs.ts";
import type { VirtualServiceSpec } from "../../policies/routing.ts";
import type { Settings } from "../../settings/index.ts";
import { gatewayPlace } from "../probes/token-places.ts";
import { applies, itemsOf, red } from "./expectations.ts";
import type { Expected, Mutation } from "./mutation.ts";
import { all, deletes, edits, istio, needs } from "./objects.ts";
import {
  type Authentication,
  atGateway,
  authentications,
  everywhere,
  expiryFilters,
  rules,
} from "./token-rules.ts";

const entered = needs(
  (s) => gatewayPlace.entrance(s) !== undefined,
  "no rule at the gateway asks for a token that can be made here",
);
const enforced = all(
  needs((s) => s.authorization === "enforce", "the rules refuse nobody"),
  entered,
);
const plainKeys = needs(
  (s) => !s.authentication.requireExpiry,
  "requireExpiry writes each issuer's part by its place in the list",
);

/** Once the gateway lets it pass, the service's own proxy refuses it, or nobody does. */
function passedOn(s: Settings, probe: string, got: Expected["got"]): Expected[] {
  const again = needsToken(s, gatewayPlace.entrance(s)!.service);
  return red(s, probe, again ? { got, says: /refused by the service/ } : { got: "ok" });
}

const without = <T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> => {
  const { [key]: gone, ...rest } = value;
  void gone;
  return rest;
};

const strangersIssuer = "https://nobody.example";
const elsewhere = "https://elsewhere.example";

/** Which tokens are taken, and what becomes of them. */
export const tokenMutations: readonly Mutation[] = [
  {
    id: "audiences-dropped-at-gateway",
    breaks: "the gateway takes tokens for anybody",
    notFor: entered,
    ...rules(
      atGateway,
      (rule) => without(rule, "audiences"),
      (provider) => without(provider, "audiences"),
    ),
    expected: (s) => passedOn(s, "J7", "token-audience"),
  },
  {
    id: "audiences-dropped",
    breaks: "every proxy takes tokens for anybody",
    notFor: entered,
    ...rules(
      everywhere,
      (rule) => without(rule, "audiences"),
      (provider) => without(provider, "audiences"),
    ),
    expected: (s) => [...red(s, "J7", { got: "ok" }), ...red(s, "J7-inside", { got: "ok" })],
  },
  {
    id: "issuer-replaced",
    breaks: "every proxy knows another issuer by the bank's keys",
    notFor: entered,
    ...rules(
      everywhere,
      (rule) => ({ ...rule, issuer: `${elsewhere}/${hostIn(rule.issuer)}` }),
      (provider) => ({ ...provider, issuer: `${elsewhere}/${hostIn(provider.issuer)}` }),
    ),
    expected: (s) => [
      ...red(s, "J1", { got: "token-issuer" }),
      ...red(s, "J1-inside", { got: "token-issuer" }),
    ],
  },
  {
    id: "issuer-added",
    breaks: "the gateway takes whatever issuer a token with the bank's signature names",
    notFor: all(enforced, plainKeys),
    ...edits<Authentication>(
      (s) => authentications(s, atGateway)[0]!,
      (spec) => ({
        ...spec,
        jwtRules: [...spec.jwtRules, { ...spec.jwtRules[0]!, issuer: strangersIssuer }],
      }),
    ),
    // who it is from is no identity that a rule names, so the rules refuse it in the proxy's place
    expected: (s) => red(s, "J9", { verdict: "inconclusive", got: "rbac-denied" }),
  },
  {
    id: "keys-replaced",
    breaks: "every proxy holds tokens against somebody else's key",
    notFor: entered,
    ...rules(
      everywhere,
      (rule) => (rule.jwks ? { ...rule, jwks: strangersKeys() } : rule),
      (provider) => ({ ...provider, local_jwks: { inline_string: strangersKeys() } }),
    ),
    expected: (s) => [
      ...red(s, "J1", { got: "token-signature" }),
      ...red(s, "J1-inside", { got: "token-signature" }),
    ],
  },
  {
    id: "expiry-not-required",
    breaks: "tokens that never expire are taken",
    notFor: needs((s) => applies("J6", s), "requireExpiry is off"),
    ...deletes((s) => expiryFilters(s, everywhere)),
    expected: (s) => [...red(s, "J6", { got: "ok" }), ...red(s, "J6-inside", { got: "ok" })],
  },
  {
    id: "tokens-unchecked",
    breaks: "the gateway looks at no tokens",
    notFor: enforced,
    ...deletes((s) => authentications(s, atGateway)),
    expected: (s) => [
      ...red(s, "J1", { got: "rbac-denied" }),
      ...red(s, "J19", { got: "rbac-denied" }),
    ],
  },
  {
    id: "tokens-in-addresses",
    breaks: "tokens are taken from the query as well",
    notFor: needs((s) => applies("J18-query", s), "no token stands in the usual header"),
    ...rules(
      everywhere,
      (rule) => without(rule, "fromHeaders"),
      (provider) => without(provider, "from_headers"),
    ),
    expected: (s) => red(s, "J18-query", { got: "ok" }),
  },
  {
    id: "token-handed-on",
    breaks: "a proxy that has checked a token hands it on to its service",
    notFor: all(
      entered,
      needs((s) => handedOn(s).length > 0, "no service shows what it sees of a token"),
    ),
    ...rules(
      ["inside"],
      (rule) => ({ ...rule, forwardOriginalToken: true }),
      (provider) => ({ ...provider, forward: true }),
    ),
    expected: handedOn,
  },
  {
    id: "token-to-everybody",
    breaks: "the gateway hands tokens on to services that need none",
    notFor: needs(
      (s) => applies("J1-needless", s) && s.authentication.inside !== "namespace",
      "no service is reached without a token beside one that needs it",
    ),
    ...edits<VirtualServiceSpec>(
      (s) => istio("VirtualService", "bank-vs", s.namespace),
      (spec) => ({
        ...spec,
        http: spec.http!.filter(
          (route) => !(route.name?.endsWith("-token") && route.headers?.request?.remove),
        ),
      }),
    ),
    expected: (s) => red(s, "J1-needless", { got: "ok", says: /saw the token/ }),
  },
  {
    id: "claim-headers-dropped",
    breaks: "proxies no longer write claims into headers, so that clients do",
    notFor: needs((s) => applies("J19", s), "no claim is copied into a header"),
    ...rules(
      everywhere,
      (rule) => without(rule, "outputClaimToHeaders"),
      (provider) => without(provider, "claim_to_headers"),
    ),
    expected: (s) => [
      ...red(s, "J19", { got: "ok", says: /: somebody-else, not/ }),
      ...red(s, "J19-missing", { got: "ok", says: /: somebody-else, not/ }),
    ],
  },
];

/** Probes that see a token behind the proxy that checked it. */
function handedOn(s: Settings): Expected[] {
  const seen = { got: "ok", says: /saw the token/ } as const;
  const entrance = gatewayPlace.entrance(s);
  const inside = tokensInside(s);
  const checked =
    entrance?.service.image === undefined &&
    (inside === "namespace" || inside.includes(entrance?.service.name ?? ""));
  return [
    ...(checked && itemsOf("J1", s).length > 0 ? red(s, "J1", seen) : []),
    ...red(s, "J1-inside", seen),
  ];
}

function hostIn(issuer: string): string {
  return issuer.replace(/^https?:\/\//, "");
}

let strangers: string | undefined;

/** A key set that none of the stack's keys is in. */
function strangersKeys(): string {
  if (strangers !== undefined) return strangers;
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "stranger", alg: "RS256", use: "sig" };
  return (strangers = JSON.stringify({ keys: [key] }));
}
