import { needsToken } from "../../policies/token-needs.ts";
import { type Settings, rolledOut } from "../../settings/index.ts";
import { type GraphCall, decisionOf, httpServices, openFromInside, ownIssuers } from "../calls.ts";
import type { Probe, ProbeTarget, TrafficRequest } from "../probe.ts";
import type { TokenSpec } from "../tokens.ts";
import { requestOf } from "./access.ts";
import { beyondSkew } from "./token-places.ts";

/** A call by which a workload of the mesh gets in with a token, needed or not, to a service whose own proxy looks at it. */
function callTo(s: Settings, name: string): GraphCall | undefined {
  const service = s.services.find((x) => x.name === name)!;
  const open = openFromInside(s, service);
  const [issuer] = ownIssuers(s);
  const token = open?.token ?? (issuer === undefined ? undefined : { issuer });
  const call = open && token && { ...open, token };
  return call && decisionOf(s, call).allowed ? call : undefined;
}

function guarded(s: Settings): string[] {
  if (s.authorization === "off") return [];
  return httpServices(s)
    .filter((x) => rolledOut(s, x.name) && needsToken(s, x))
    .map(({ name }) => name)
    .filter((name) => callTo(s, name) !== undefined);
}

const send =
  (change: (token: TokenSpec) => TokenSpec) =>
  (target: ProbeTarget, name: string): TrafficRequest => {
    const call = callTo(target.settings, name)!;
    return requestOf(target, { ...call, token: change(call.token!) });
  };

const common = {
  applies: (s: Settings) => guarded(s).length > 0,
  each: guarded,
};

/** Each service whose rules ask for tokens has keys and audiences of its own. */
export const insideProbes: readonly Probe[] = [
  {
    ...{ id: "J4-each", ...common },
    question: "Is an expired token refused by each service whose rules ask for tokens?",
    why: "its own proxy looks at tokens, whoever brings them",
    expect: () => ({ reason: "token-expired" }),
    send: send((token) => ({ ...token, expiresIn: -beyondSkew })),
    control: { differs: "the same token with an exp to come", send: send((token) => token) },
  },
  {
    ...{ id: "J7-each", ...common },
    question: "Is a token for another audience refused by each of them?",
    why: "its aud names none of the stack's audiences",
    expect: () => ({ reason: "token-audience" }),
    send: send((token) => ({ ...token, audiences: ["somebody-else"] })),
    control: { differs: "the stack's audience", send: send((token) => token) },
  },
  {
    ...{ id: "J10-each", ...common },
    question: "Is a token that another key signed refused by each of them?",
    why: "no key of the issuer made its signature",
    expect: () => ({ reason: "token-signature" }),
    send: send((token) => ({ ...token, flaw: "other-key" })),
    control: { differs: "the token as its issuer made it", send: send((token) => token) },
  },
];
