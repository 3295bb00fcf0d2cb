import { needsToken } from "../../policies/token-needs.ts";
import { type Settings, prefixOf, rolledOut } from "../../settings/index.ts";
import {
  type GraphCall,
  httpServices,
  openFromInside,
  openFromOutside,
  ownIssuers,
} from "../calls.ts";
import type { Expectation, Probe } from "../probe.ts";
import type { TokenSpec } from "../tokens.ts";
import { requestOf } from "./access.ts";
import { good, messageOf } from "./edge-requests.ts";
import { insideProbes } from "./inside-tokens.ts";
import { badTokenProbes } from "./token-flaws.ts";
import {
  ask as askAt,
  asked as askedAt,
  beyondSkew,
  gatewayPlace,
  insidePlace,
  rightToken as rightTokenAt,
} from "./token-places.ts";

const { entrance } = gatewayPlace;
const hasEntrance = (s: Settings) => entrance(s) !== undefined;
const enforced = (s: Settings) => s.authorization === "enforce" && hasEntrance(s);

/** What is asked through the gateway. */
type Change = (token: TokenSpec) => TokenSpec | undefined;
const ask = (s: Settings, change?: Change) =>
  askAt({ settings: s, podAddresses: {} }, gatewayPlace, change);
const asked = (change?: Change) => askedAt(gatewayPlace, change);
const rightToken = (differs: string) => rightTokenAt(gatewayPlace, differs);

/** A call that is let in without a token, to a service whose rules ask for none; and a token to bring. */
function needless(s: Settings): { call: GraphCall; token: TokenSpec } | undefined {
  const token = entrance(s)?.call.token;
  if (!token) return undefined;
  return httpServices(s)
    .filter((x) => rolledOut(s, x.name) && !needsToken(s, x) && x.image === undefined)
    .flatMap((x) => openFromOutside(s, x) ?? [])
    .map((call) => ({ call, token }))
    .at(0);
}

/** Whether the token stands in the Authorization header, behind Bearer. */
function usualPlace(s: Settings): boolean {
  const name = entrance(s)!.call.token!.issuer;
  const { headers, parameters } = s.authentication.issuers.find((i) => i.name === name)!;
  return !headers && !parameters;
}

/** A call between workloads that is let in without a token, to a service whose rules ask for none; and a token to bring. */
function unasked(s: Settings): { call: GraphCall; token: TokenSpec } | undefined {
  const [issuer] = ownIssuers(s);
  if (s.authorization === "off" || s.authentication.inside !== "namespace" || !issuer)
    return undefined;
  const call = httpServices(s)
    .filter((x) => rolledOut(s, x.name) && !needsToken(s, x))
    .flatMap((x) => openFromInside(s, x) ?? [])
    .at(0);
  return call && { call, token: { issuer } };
}

function echoes(s: Settings): boolean {
  return entrance(s)?.service.image === undefined;
}

/** Whether the service's own proxy looks at tokens by now; until then it gets them as ever. */
function isReached(s: Settings): boolean {
  return rolledOut(s, entrance(s)!.service.name);
}

/** A path that needs no token. */
function exempt(s: Settings): GraphCall | undefined {
  const { exempt: patterns } = s.authentication;
  if (patterns.length === 0) return undefined;
  return httpServices(s)
    .filter((x) => prefixOf(x) !== undefined)
    .map((service) => openFromOutside({ ...s, services: [{ ...service, allowFrom: [] }] }, service))
    .find((call) => call && !call.token);
}

const preflight = { Origin: "https://shop.example", "Access-Control-Request-Method": "GET" };

/** A call to a service that shows what it gets, at a path where nobody asks for a token whatever the method. */
function preflighted(s: Settings): GraphCall | undefined {
  if (!hasEntrance(s)) return undefined;
  const call = s.authorization === "dry-run" ? entrance(s)!.call : exempt(s);
  return s.services.find((x) => x.name === call?.service)?.image === undefined ? call : undefined;
}

/** Headers that the service gets from claims, and a value that an attacker would like. */
function claimHeader(s: Settings): { header: string; claim: string } | undefined {
  const token = entrance(s)?.call.token;
  const issuer = s.authentication.issuers.find((i) => i.name === token?.issuer);
  const [entry] = Object.entries(issuer?.claimHeaders ?? {});
  return entry && { header: entry[0], claim: entry[1] };
}

/** Tokens at the edge, and where workloads bring them to each other. */
export const tokenProbes: readonly Probe[] = [
  {
    id: "J1",
    question: "Is a valid token let in, and kept from the service whose proxy checked it?",
    why: "issuer, signature, audience and times are right; what was checked is not handed on without need",
    applies: hasEntrance,
    expect: (s) => ({ reason: "ok", ...(echoes(s) && isReached(s) && { tokenSeen: false }) }),
    send: asked(),
  },
  {
    id: "J1-needless",
    question: "Is a valid token kept from a service whose rules ask for none?",
    why: "the gateway hands tokens on for services that check them again; its routes to others take them away",
    applies: (s) => enforced(s) && needless(s) !== undefined,
    expect: () => ({ reason: "ok", tokenSeen: false }),
    send: ({ settings: s }) => {
      const { call, token } = needless(s)!;
      return { ...good(s, call.path), method: call.method, ...messageOf(s, { ...call, token }) };
    },
  },
  {
    id: "J1-inside",
    question: "Is a valid token let in by the service's own proxy, and kept from the service?",
    why: "a rule for a workload of the mesh asks for it, so the service's proxy checks it and takes it away",
    applies: (s) => insidePlace.entrance(s) !== undefined,
    expect: (s) => ({
      reason: "ok",
      ...(insidePlace.entrance(s)!.service.image === undefined && { tokenSeen: false }),
    }),
    send: askedAt(insidePlace),
  },
  {
    id: "J4-namespace",
    question: "Is an expired token refused by a service whose rules ask for none?",
    why: "authentication.inside is namespace, so the proxies of all its workloads look at tokens",
    applies: (s) => unasked(s) !== undefined,
    expect: () => ({ reason: "token-expired" }),
    send: (target) => {
      const { call, token } = unasked(target.settings)!;
      return requestOf(target, { ...call, token: { ...token, expiresIn: -beyondSkew } });
    },
    control: {
      differs: "the same token with an exp to come",
      send: (target) => {
        const { call, token } = unasked(target.settings)!;
        return requestOf(target, { ...call, token });
      },
    },
  },
  ...insideProbes,
  {
    id: "J2",
    question: "Is a request without a token answered in a dry run?",
    why: "authentication alone refuses bad tokens, not missing ones; the rules are only logged",
    applies: (s) => s.authorization === "dry-run" && hasEntrance(s),
    expect: (): Expectation => ({ reason: "ok", wouldBe: "denied" }),
    send: asked(() => undefined),
  },
  {
    id: "J3",
    question: "Is a request without a token refused where the rules ask for one?",
    why: "a rule that names claims matches no request without them",
    applies: enforced,
    expect: () => ({ reason: "rbac-denied", refusedBy: "gateway" }),
    send: asked(() => undefined),
    control: rightToken("a token"),
  },
  {
    id: "J4-skew",
    question: "Is a token of ten seconds ago still taken?",
    why: "Envoy lets clocks differ by 60 s",
    applies: hasEntrance,
    expect: () => ({ reason: "ok" }),
    send: asked((t) => ({ ...t, expiresIn: -10 })),
  },
  {
    id: "J6-open",
    question: "Is a token taken that never expires, unless requireExpiry says otherwise?",
    why: "JWT allows tokens without exp, and so does Istio",
    applies: (s) => hasEntrance(s) && !s.authentication.requireExpiry,
    expect: () => ({ reason: "ok" }),
    send: asked((t) => ({ ...t, expiresIn: null })),
  },
  {
    id: "J7-list",
    question: "Is a token for several audiences let in, the stack's among them?",
    why: "one of the audiences will do",
    applies: hasEntrance,
    expect: () => ({ reason: "ok" }),
    send: ({ settings }) =>
      ask(settings, (t) => ({
        ...t,
        audiences: [
          "somebody-else",
          settings.authentication.issuers.find((i) => i.name === t.issuer)!.audiences[0]!,
        ],
      })),
  },
  ...badTokenProbes,
  {
    id: "J18",
    question: "Is a token behind another word than Bearer not taken for one?",
    why: "a token follows `Bearer ` and nothing else; what stands behind another word is none",
    applies: (s) => enforced(s) && usualPlace(s),
    each: () => ["bearer ", "Basic ", "Bearer"],
    expect: (): Expectation => ({ reason: "rbac-denied", refusedBy: "gateway" }),
    send: ({ settings }, item) => ({ ...ask(settings), tokenPrefix: item }),
    control: rightToken("Bearer and one space"),
  },
  {
    id: "J18-space",
    question: "Is a token behind Bearer and two spaces taken for what it is?",
    why: "Envoy looks for what can be a token from behind the prefix on; it is the same token, and checked the same",
    applies: (s) => enforced(s) && usualPlace(s),
    expect: () => ({ reason: "ok" }),
    send: ({ settings }) => ({ ...ask(settings), tokenPrefix: "Bearer  " }),
  },
  {
    id: "J18-query",
    question: "Is a token in the address not taken for one?",
    why: "addresses end up in logs; Envoy would take access_token unless told where tokens stand",
    applies: (s) => enforced(s) && usualPlace(s),
    expect: () => ({ reason: "rbac-denied", refusedBy: "gateway" }),
    send: ({ settings }) => ({ ...ask(settings), tokenIn: { query: "access_token" } }),
    control: rightToken("the same token in the Authorization header"),
  },
  {
    id: "J19",
    question: "Is a forged claim header overwritten by the token's claim?",
    why: "the gateway writes it anew from the token that it checked",
    applies: (s) => hasEntrance(s) && claimHeader(s)?.claim === "sub" && echoes(s),
    expect: (s) => ({ reason: "ok", seen: { [claimHeader(s)!.header.toLowerCase()]: "tester" } }),
    send: ({ settings: s }) => {
      const request = ask(s);
      const forged = { [claimHeader(s)!.header]: "somebody-else" };
      return { ...request, headers: { ...request.headers, ...forged } };
    },
  },
  {
    id: "J19-missing",
    question: "Is a forged claim header taken away from a request without a token?",
    why: "the gateway clears the headers that it writes, whether there is something to write or not",
    applies: (s) => claimHeader(s) !== undefined && needless(s) !== undefined,
    expect: (s) => ({ reason: "ok", seen: { [claimHeader(s)!.header.toLowerCase()]: null } }),
    send: ({ settings: s }) => {
      const { call } = needless(s)!;
      const forged = { [claimHeader(s)!.header]: "somebody-else" };
      const { headers } = messageOf(s, call);
      const request = { ...good(s, call.path), method: call.method, ...messageOf(s, call) };
      return { ...request, headers: { ...headers, ...forged } };
    },
  },
  {
    id: "J19-preflight",
    question: "Is a forged claim header taken away from a CORS preflight?",
    why: "the tokens' filter lets preflights pass as they are, so their route takes it away",
    applies: (s) => claimHeader(s) !== undefined && preflighted(s) !== undefined,
    expect: (s) => ({ reason: "ok", seen: { [claimHeader(s)!.header.toLowerCase()]: null } }),
    send: ({ settings: s }) => {
      const { path } = preflighted(s)!;
      const forged = { [claimHeader(s)!.header]: "somebody-else" };
      return { ...good(s, path), method: "OPTIONS", headers: { ...preflight, ...forged } };
    },
  },
  {
    id: "J22",
    question: "Does a CORS preflight pass the tokens' filter, whatever it brings?",
    why: "browsers send none with a preflight; a bad one is not looked at",
    applies: (s) => s.authorization === "dry-run" && hasEntrance(s),
    expect: () => ({ reason: "ok" }),
    send: ({ settings: s }) => ({
      ...ask(s, (t) => ({ ...t, expiresIn: -beyondSkew })),
      method: "OPTIONS",
      headers: preflight,
    }),
  },
  {
    id: "J22-plain",
    question: "Is a bad token refused with OPTIONS when it is no preflight?",
    why: "without Origin it is a request like any other",
    applies: (s) => s.authorization === "dry-run" && hasEntrance(s),
    expect: () => ({ reason: "token-expired", refusedBy: "gateway" }),
    send: ({ settings: s }) => ({
      ...ask(s, (t) => ({ ...t, expiresIn: -beyondSkew })),
      method: "OPTIONS",
    }),
    control: {
      differs: "a token that has not expired",
      send: ({ settings }) => ({ ...ask(settings), method: "OPTIONS" }),
    },
  },
  {
    id: "J23",
    question: "Does an exempt path answer without a token?",
    why: "config says that this path needs none",
    applies: (s) => enforced(s) && exempt(s) !== undefined,
    expect: () => ({ reason: "ok" }),
    send: ({ settings: s }) => good(s, exempt(s)!.path),
  },
];
