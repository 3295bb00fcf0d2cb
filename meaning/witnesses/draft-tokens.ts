import type { Rule } from "../../policies/rule-spec.ts";
import { claimPath } from "../evaluate/conditions.ts";
import type { Token } from "../evaluate/request.ts";
import { type Issuer, claimsOf } from "../evaluate/tokens.ts";
import { takes } from "./asking.ts";
import type { DraftContext } from "./drafts.ts";
import { inFront, inside } from "./literals.ts";

/** A claim by the names that lead to it, and its value. */
type Claim = readonly [path: readonly string[], value: unknown];

/** No token, a plain one of each issuer, and for each claim right values and look-alikes; in front one that the rule takes. */
export function tokensOf(rule: Rule, context: DraftContext, plain: boolean): (Token | undefined)[] {
  const all = tokensFor(rule, context);
  if (plain) return all;
  const test = takes(rule, "tokens", context);
  return inFront(all, (token) => {
    const issuer = context.issuers.find((i) => i.issuer === token?.issuer);
    return test({ claims: token && claimsOf(token), words: issuer?.words ?? [] });
  });
}

function tokensFor(rule: Rule, { issuers }: DraftContext): (Token | undefined)[] {
  const subjects = requestPrincipals(rule);
  const claims = claimsAsked(rule);
  if (subjects.length === 0 && claims.length === 0) return [];
  const named = subjects.map(principalParts);
  const issuer = issuers.find((i) => named.some((n) => n.issuer === i.issuer)) ?? issuers[0];
  if (!issuer) return [undefined];
  const subject = named.find((n) => n.issuer === issuer.issuer)?.subject ?? "somebody";
  const right = claims.map(({ path, values }): Claim => [path, inside(values[0] ?? "any")]);
  const token = (all: readonly Claim[], of: Issuer = issuer): Token => {
    const { aud, ...rest } = nested([[["sub"], subject], ...all]);
    return {
      issuer: of.issuer === "" ? "https://any.example" : of.issuer,
      audiences: typeof aud === "string" ? [aud] : of.audiences.slice(0, 1),
      claims: rest,
      place: of.places[0]!,
    };
  };
  const full = token(right);
  const about = ({ claims: all, ...rest }: Token, sub: string): Token => ({
    ...rest,
    claims: { ...all, sub },
  });
  const withClaim = (path: readonly string[], value: unknown) =>
    token([...right.filter(([p]) => p.join() !== path.join()), [path, value]]);
  return [
    full,
    undefined,
    ...(claims.length > 0 ? [token([])] : []),
    ...claims.flatMap(({ path, values, notValues }) => [
      ...[...values.slice(1), ...notValues].map((v) => withClaim(path, inside(v))),
      ...values
        .flatMap((v, i) => likenesses(path, inside(v)).slice(0, i === 0 ? undefined : 2))
        .map((v) => withClaim(path, v)),
    ]),
    // everybody named, as his own issuer says it
    ...named.flatMap((n) =>
      issuers.filter((i) => i.issuer === n.issuer).map((i) => about(token(right, i), n.subject)),
    ),
    ...subjects
      .filter((s) => !s.endsWith("/*") && s !== "*")
      .map((s) => about(full, `${principalParts(s).subject}2`)),
    ...issuers.filter((i) => i !== issuer).map((i) => token(right, i)),
    ...issuers.flatMap((i) => further(token(right, i), i)),
    { ...full, issuer: "https://nobody.example" },
    { ...full, audiences: ["somebody-else"] },
    { ...full, lasting: true },
  ];
}

/** A token of each issuer, whatever it says, for each of its audiences and in each place where it is looked for. */
export function plainTokens(issuers: readonly Issuer[]): Token[] {
  return issuers.flatMap((of) => {
    const token: Token = {
      issuer: of.issuer === "" ? "https://any.example" : of.issuer,
      audiences: of.audiences.slice(0, 1),
      claims: { sub: "somebody" },
      place: of.places[0]!,
    };
    return [token, ...further(token, of)];
  });
}

/** The same token for each further audience of its issuer, and in each further place. */
function further(token: Token, { audiences, places }: Issuer): Token[] {
  return [
    ...audiences.slice(1).map((a) => ({ ...token, audiences: [a], further: true })),
    ...places.slice(1).map((place) => ({ ...token, place })),
  ];
}

/** A look-alike, the same among others, in capitals, and as a list; some claims are never words or lists. */
function likenesses([name]: readonly string[], value: string): unknown[] {
  const [other, capitals] = [`${value}2`, value.toUpperCase()];
  return name === "aud" || name === "azp"
    ? [other, capitals]
    : [other, `other ${value}`, ["other", value], capitals];
}

function requestPrincipals(rule: Rule): string[] {
  const sources = (rule.from ?? []).flatMap(({ source = {} }) => [
    ...(source.requestPrincipals ?? []),
    ...(source.notRequestPrincipals ?? []),
  ]);
  const when = (rule.when ?? []).filter((c) => c.key === "request.auth.principal");
  return [...sources, ...when.flatMap((c) => [...(c.values ?? []), ...(c.notValues ?? [])])];
}

function principalParts(value: string): { issuer: string; subject: string } {
  const slash = value.lastIndexOf("/");
  return { issuer: value.slice(0, Math.max(slash, 0)), subject: inside(value.slice(slash + 1)) };
}

function claimsAsked(rule: Rule) {
  const names: Readonly<Record<string, string[]>> = {
    "request.auth.audiences": ["aud"],
    "request.auth.presenter": ["azp"],
  };
  return (rule.when ?? []).flatMap(({ key, values = [], notValues = [] }) => {
    const name = /^request\.auth\.claims\[(.+)\]$/.exec(key)?.[1];
    const path = name === undefined ? names[key] : claimPath(name);
    return path ? [{ path, values, notValues }] : [];
  });
}

function nested(claims: readonly Claim[]): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const [path, value] of claims) {
    let at = all;
    for (const part of path.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[path.at(-1)!] = value;
  }
  return all;
}
