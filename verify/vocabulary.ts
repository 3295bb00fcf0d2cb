import { asksForToken, routePaths } from "../policies/authorization.ts";
import type { Call, Caller } from "../policies/decide.ts";
import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  prefixOf,
} from "../settings/index.ts";
import type { TokenSpec } from "./tokens.ts";

/** A call that can be made here: as `decide` knows it, with the token that it brings. */
export interface GraphCall extends Omit<Call, "token"> {
  readonly token?: TokenSpec;
}

type Rule = AllowRule | DenyRule;

/** A call that is all that a rule asks for; undefined when nobody here can make one. */
export function example(s: Settings, service: ServiceSettings, rule: Rule): GraphCall | undefined {
  const from = callerOf(s, rule);
  const token = tokenFor(s, rule);
  if (!from || rule.rpcs || token === "foreign") return undefined;
  const prefix = prefixOf(service);
  if (from.kind === "outside" && prefix === undefined) return undefined;
  const { headers = {} } = rule;
  const brought = Object.entries(headers).map(([name, values]) => [name, concrete(values[0]!)]);
  return {
    ...{ from, service: service.name, method: rule.methods?.[0] ?? "GET" },
    path: rule.paths ? concrete(rule.paths[0]!) : from.kind === "outside" ? prefix! : "/",
    ...(rule.ports && { port: rule.ports[0]! }),
    ...(token && { token }),
    ...(brought.length > 0 && { headers: Object.fromEntries(brought) as Record<string, string> }),
  };
}

/** A caller that a rule is about and that can be brought here; without one, somebody of the mesh. */
function callerOf(
  s: Settings,
  { gateway, service, namespace, principal }: Rule,
): Caller | undefined {
  if (gateway) return { kind: "outside" };
  if (service !== undefined) return { kind: "service", service };
  if (namespace !== undefined) return namespace === s.namespace ? stranger(s) : undefined;
  if (principal === undefined) return stranger(s);
  const own = s.services.find((x) => principal.endsWith(`/ns/${s.namespace}/sa/${x.name}-sa`));
  return own && { kind: "service", service: own.name };
}

/** Somebody of the mesh whom no rule names. */
export function stranger(s: Settings): Caller {
  return { kind: "workload", namespace: s.namespace, account: "curl" };
}

/** A token that does for a rule; foreign when only somebody else can sign one. */
function tokenFor(s: Settings, rule: Rule): TokenSpec | "foreign" | undefined {
  if (!asksForToken(rule)) return undefined;
  const issuer = ownIssuers(s).find((name) => rule.issuer === undefined || rule.issuer === name);
  if (issuer === undefined) return "foreign";
  return { issuer, claims: nested(rule.claims ?? {}, (values) => concrete(values[0]!)) };
}

/** Issuers whose keys the stack has. */
export function ownIssuers(s: Settings): string[] {
  return s.authentication.issuers.filter((i) => i.keyIds).map((i) => i.name);
}

/** What may stand in each place of a call. */
export interface Vocabulary {
  readonly callers: readonly Caller[];
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly tokens: readonly (TokenSpec | undefined)[];
  readonly headers: readonly (Readonly<Record<string, string>> | undefined)[];
}

const someMethods = ["GET", "POST", "DELETE"];

/** What may stand in the places of calls to a service. */
export function vocabulary(s: Settings, service: ServiceSettings): Vocabulary {
  const rules: Rule[] = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])];
  const used = unique(rules.flatMap((rule) => rule.methods ?? ["GET"]));
  const more = someMethods.find((m) => !used.includes(m));
  const patterns = unique([
    ...(routePaths(service) ?? []),
    ...rules.flatMap((rule) => rule.paths ?? []),
    ...s.authentication.exempt,
  ]);
  return {
    callers: callers(s, service, rules),
    methods: more ? [...used, more] : used,
    paths: unique([...patterns.flatMap(around), "/no-such-path"]),
    tokens: tokens(s, rules),
    headers: [
      undefined,
      ...rules.flatMap(({ headers = {} }) =>
        Object.entries(headers).flatMap(([name, values]) =>
          [concrete(values[0]!), `${concrete(values[0]!)}2`].map((value) => ({ [name]: value })),
        ),
      ),
    ],
  };
}

/** Callers that rules name, one service that none does, somebody of the mesh, and where it may be, plaintext. */
function callers(s: Settings, service: ServiceSettings, rules: readonly Rule[]): Caller[] {
  const named = rules.flatMap((rule) => {
    const caller = callerOf(s, rule);
    return caller?.kind === "service" ? [caller.service] : [];
  });
  const other = s.services.map((x) => x.name).find((x) => !named.includes(x) && x !== service.name);
  const services = unique([...named, ...(other ? [other] : [])]);
  const outside: Caller[] = prefixOf(service) === undefined ? [] : [{ kind: "outside" }];
  return [
    ...outside,
    ...services.map((name): Caller => ({ kind: "service", service: name })),
    stranger(s),
    { kind: "plaintext" },
  ];
}

/** A path that a pattern matches, a neighbour of it, and one below it. */
function around(pattern: string): string[] {
  const path = concrete(pattern);
  return [path, `${path}X`, path.endsWith("/") ? `${path}1` : `${path}/1`];
}

/** No token, a plain one of each issuer, and for each claim that a rule asks for, right ones and look-alikes. */
function tokens(s: Settings, rules: readonly Rule[]): (TokenSpec | undefined)[] {
  const issuers = ownIssuers(s);
  if (issuers.length === 0 || !rules.some(asksForToken)) return [undefined];
  const plain = issuers.map((issuer): TokenSpec => ({ issuer }));
  const claims = rules.flatMap((rule) =>
    Object.entries(rule.claims ?? {}).flatMap(([claim, values]) =>
      likenesses(claim, concrete(values[0]!)).map((value): TokenSpec => {
        const issuer = rule.issuer ?? issuers[0]!;
        return { issuer, claims: nested({ [claim]: value }, (v) => v) };
      }),
    ),
  );
  const whole = rules.flatMap((rule) => {
    const token = tokenFor(s, rule);
    return token && token !== "foreign" ? [token] : [];
  });
  return [undefined, ...plain, ...whole, ...claims.filter((t) => issuers.includes(t.issuer))];
}

/** A claim's value in the forms that are right, and in forms that only look like it. */
function likenesses(claim: string, value: string): unknown[] {
  const words = ["scope", "permission"].includes(claim);
  return [
    ...[value, [value], ["other", value]],
    ...[`other ${value}`, `${value} other`].filter(() => words),
    ...(words ? [] : [`other ${value}`]),
    ...[`${value}2`, `x${value}`, value.toUpperCase(), [`${value}2`], ""],
  ];
}

/** A text that a pattern matches. */
export function concrete(pattern: string): string {
  if (pattern === "*") return "/any";
  if (pattern.endsWith("*")) return `${pattern.slice(0, -1)}1`;
  return pattern.startsWith("*/") ? `/any${pattern.slice(1)}` : pattern.replace(/^\*/, "/any");
}

/** realm.roles → {realm: {roles: …}}; a claim that is named by a URL keeps its dots. */
function nested<T>(
  claims: Readonly<Record<string, T>>,
  valueOf: (value: T) => unknown,
): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const [claim, value] of Object.entries(claims)) {
    const path = claim.includes("://") ? [claim] : claim.split(".");
    let at = all;
    for (const part of path.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[path.at(-1)!] = valueOf(value);
  }
  return all;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
