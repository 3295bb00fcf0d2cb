import type { Rule, Source } from "../../policies/rule-spec.ts";
import { claimPath } from "../evaluate/conditions.ts";
import type { Caller, Headers, Token } from "../evaluate/request.ts";
import type { Issuer } from "../evaluate/tokens.ts";
import { addressesAround, around, inside, pathInside, pathsAround, unique } from "./literals.ts";

/** A request that is not yet anybody's: what rules can ask about it. */
export interface Draft {
  readonly caller?: Caller;
  readonly method: string;
  readonly path: string;
  readonly host?: string;
  readonly headers?: Headers;
  readonly token?: Token;
  readonly address?: string;
  readonly port?: number;
  readonly serverName?: string;
}

/** What rules about the same pods know beside what they ask for. */
export interface DraftContext {
  /** Somebody with an account; a workload, if one has it. */
  readonly callerWith: (principal: string) => Caller;
  /** Somebody of a namespace, whom no rule names. */
  readonly strangerOf: (namespace: string) => Caller;
  /** Namespace of the policy. */
  readonly namespace: string;
  readonly trustDomain: string;
  /** Whose tokens are looked at, on either side. */
  readonly issuers: readonly Issuer[];
  /** Path of a request whose rule names none. */
  readonly path: string;
}

/** Values of each part of a request that a rule speaks of, the first of each such that the rule asks for it. */
export interface Parts {
  readonly callers: readonly Caller[];
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly hosts: readonly string[];
  readonly headers: readonly (Headers | undefined)[];
  readonly tokens: readonly (Token | undefined)[];
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  readonly serverNames: readonly string[];
}

/** A request that is all that a rule asks for, as far as its texts tell, and values beside it in each of its parts. */
export function partsOf(rule: Rule, context: DraftContext): Parts {
  const sources = (rule.from ?? []).map((f) => f.source ?? {});
  const operations = (rule.to ?? []).map((t) => t.operation ?? {});
  const when = rule.when ?? [];
  const values = (...keys: string[]) =>
    when
      .filter((c) => keys.includes(c.key))
      .flatMap((c) => [...(c.values ?? []), ...(c.notValues ?? [])]);
  const of = <T extends object>(all: readonly T[], field: keyof T, not: keyof T): string[] =>
    all.flatMap((x) => [...((x[field] as string[]) ?? []), ...((x[not] as string[]) ?? [])]);
  const blocks = [
    ...of(sources, "ipBlocks", "notIpBlocks"),
    ...of(sources, "remoteIpBlocks", "notRemoteIpBlocks"),
    ...values("source.ip", "remote.ip"),
  ];
  const ports = [...of(operations, "ports", "notPorts"), ...values("destination.port")];
  const paths = of(operations, "paths", "notPaths");
  return {
    callers: [...sources.flatMap((s) => callersOf(s, context)), ...namedInWhen(values, context)],
    methods: of(operations, "methods", "notMethods").map(inside),
    paths: unique([...paths.map(pathInside), ...paths.flatMap(pathsAround)]),
    hosts: of(operations, "hosts", "notHosts").flatMap((h) => around(h).slice(0, 2)),
    headers: headersOf(rule),
    tokens: tokensOf(rule, context),
    addresses: unique(blocks.flatMap(addressesAround)),
    ports: unique(ports.map(Number)),
    serverNames: values("connection.sni").flatMap((v) => around(v).slice(0, 2)),
  };
}

function callersOf(source: Source, context: DraftContext): Caller[] {
  const all = source as Readonly<Record<string, string[] | undefined>>;
  const named = (field: string) => [
    ...(all[field] ?? []),
    ...(all[`not${field[0]!.toUpperCase()}${field.slice(1)}`] ?? []),
  ];
  return [
    ...named("principals").map((p) => context.callerWith(principalInside(p, context))),
    ...named("serviceAccounts").map((value) => {
      const [ns, account] = value.includes("/") ? value.split("/") : [context.namespace, value];
      return context.callerWith(`${context.trustDomain}/ns/${ns}/sa/${account}`);
    }),
    ...named("namespaces").map((ns) => context.strangerOf(inside(ns))),
    ...named("trustDomains").map((td) => context.callerWith(`${inside(td)}/ns/any/sa/any`)),
  ];
}

function namedInWhen(values: (...keys: string[]) => string[], context: DraftContext): Caller[] {
  const source = {
    principals: values("source.principal"),
    namespaces: values("source.namespace"),
    serviceAccounts: values("source.serviceAccount"),
    trustDomains: values("source.trustDomain"),
  };
  return callersOf(source, context);
}

/** An identity that a pattern of principals matches. */
function principalInside(pattern: string, { trustDomain }: DraftContext): string {
  const text = pattern === "*" ? `${trustDomain}/ns/any/sa/any` : inside(pattern);
  if (/^[^/]+\/ns\/[^/]+\/sa\/.+$/.test(text)) return text;
  const end = /\/ns\/([^/]+)\/sa\/(.+)$/.exec(text);
  if (end) return `${trustDomain}/ns/${end[1]}/sa/${end[2]}`;
  const account = /\/sa\/([^/]+)$/.exec(text);
  if (account) return `${trustDomain}/ns/any/sa/${account[1]}`;
  const namespace = /\/ns\/([^/]+)/.exec(text);
  return `${trustDomain}/ns/${namespace?.[1] ?? "any"}/sa/any`;
}

function headersOf(rule: Rule): (Headers | undefined)[] {
  const asked = (rule.when ?? []).flatMap(({ key, values = [], notValues = [] }) => {
    const name = /^request\.headers\[(.+)\]$/.exec(key)?.[1]?.toLowerCase();
    return name === undefined ? [] : [{ name, values, notValues }];
  });
  if (asked.length === 0) return [];
  const right = Object.fromEntries(
    asked.flatMap(({ name, values }) =>
      values[0] === undefined ? [] : [[name, inside(values[0])]],
    ),
  ) as Headers;
  const others = asked.flatMap(({ name, values, notValues }) =>
    [...values.flatMap((v) => around(v).slice(0, 2)), ...notValues.map(inside)].map((value) => ({
      ...right,
      [name]: value,
    })),
  );
  return [right, ...others, undefined];
}

/** A claim by the names that lead to it, and its value. */
type Claim = readonly [path: readonly string[], value: unknown];

/** No token, a plain one of each issuer, and for each claim right values and look-alikes. */
function tokensOf(rule: Rule, { issuers }: DraftContext): (Token | undefined)[] {
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
  const withClaim = (path: readonly string[], value: unknown) =>
    token([...right.filter(([p]) => p.join() !== path.join()), [path, value]]);
  const single = (path: readonly string[]) => path[0] === "aud" || path[0] === "azp";
  return [
    full,
    undefined,
    ...(claims.length > 0 ? [token([])] : []),
    ...claims.flatMap(({ path, values, notValues }) => [
      ...[...values.slice(1), ...notValues].map((v) => withClaim(path, inside(v))),
      ...(single(path) ? [] : values.slice(0, 1).flatMap((v) => likenesses(inside(v)))).map((v) =>
        withClaim(path, v),
      ),
    ]),
    ...subjects
      .filter((s) => !s.endsWith("/*") && s !== "*")
      .map((s) => ({
        ...full,
        claims: { ...full.claims, sub: `${principalParts(s).subject}2` },
      })),
    ...issuers.filter((i) => i !== issuer).map((i) => token(right, i)),
    { ...full, issuer: "https://nobody.example" },
    { ...full, audiences: ["somebody-else"] },
    { ...full, lasting: true },
  ];
}

/** A look-alike, the same among others, and the same as a list. */
function likenesses(value: string): unknown[] {
  return [`${value}2`, `other ${value}`, ["other", value], value.toUpperCase()];
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
