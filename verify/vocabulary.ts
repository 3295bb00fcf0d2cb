import { routePaths } from "../policies/authorization.ts";
import { type Call, type Caller, addressMatches } from "../policies/decide.ts";
import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  asksForToken,
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
  if (!from || token === "foreign") return undefined;
  const prefix = prefixOf(service);
  if (from.kind === "outside" && prefix === undefined) return undefined;
  const port = portFor(service, rule);
  const grpc = protocolOn(service, port) === "grpc";
  const { headers = {} } = rule;
  const brought = Object.entries(headers).map(([name, values]) => [name, concrete(values[0]!)]);
  const clientAddress = from.kind === "outside" ? addressFor(s, rule) : undefined;
  if (rule.remoteIpBlocks && clientAddress === undefined) return undefined;
  return {
    ...(clientAddress && { clientAddress }),
    ...{ from, service: service.name, method: rule.methods?.[0] ?? (grpc ? "POST" : "GET") },
    path: pathFor(rule, from.kind === "outside" ? prefix! : grpc ? someRpc : "/"),
    ...(port !== undefined && { port }),
    ...(token && { token }),
    ...(brought.length > 0 && { headers: Object.fromEntries(brought) as Record<string, string> }),
  };
}

/** A gRPC method that no server has. */
const someRpc = "/any.Service/Any";

function pathFor({ rpcs, paths }: Rule, otherwise: string): string {
  const pattern = (rpcs ?? paths)?.[0];
  return pattern === undefined ? otherwise : concrete(pattern);
}

/** Port of the container that a rule is about; undefined for the first one. */
function portFor({ ports = [] }: ServiceSettings, rule: Rule): number | undefined {
  if (rule.ports) return rule.ports[0];
  if (!rule.rpcs || ports[0]?.protocol === "grpc") return undefined;
  return ports.find((p) => p.protocol === "grpc")?.targetPort;
}

/** What is spoken on a port of the container; without one, on the first. */
export function protocolOn({ ports }: ServiceSettings, port?: number): string {
  return (ports?.find((p) => p.targetPort === port) ?? ports?.[0])?.protocol ?? "http";
}

/** A caller that a rule is about and that can be brought here; without one, somebody of the mesh. */
function callerOf(
  s: Settings,
  { gateway, service, namespace, principal }: Rule,
): Caller | undefined {
  if (gateway) return { kind: "outside" };
  if (service !== undefined) return { kind: "service", service };
  if (namespace === s.namespace) return stranger(s);
  if (namespace !== undefined) return clientCallers(s).find((c) => c.namespace === namespace);
  if (principal === undefined) return stranger(s);
  const own = s.services.find((x) => principal.endsWith(`/ns/${s.namespace}/sa/${x.name}-sa`));
  if (own) return { kind: "service", service: own.name };
  return clientCallers(s).find((c) => principal.endsWith(`/ns/${c.namespace}/sa/${c.account}`));
}

/** Clients of the stack that have an identity. */
function clientCallers(s: Settings): Extract<Caller, { kind: "workload" }>[] {
  return s.clients
    .filter((c) => c.injection !== "none")
    .map(({ name, namespace }) => ({ kind: "workload", namespace, account: `${name}-sa` }));
}

/** The client that a caller is; undefined for everybody else. */
export function clientNamed(s: Settings, from: Caller): string | undefined {
  if (from.kind !== "workload") return undefined;
  return s.clients.find((c) => c.namespace === from.namespace && `${c.name}-sa` === from.account)
    ?.name;
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
  /** The same for calls by GET alone: what reads as well, and is another method to a rule that names GET. */
  readonly besideGet: readonly string[];
  readonly paths: readonly string[];
  readonly tokens: readonly (TokenSpec | undefined)[];
  readonly headers: readonly (Readonly<Record<string, string>> | undefined)[];
  /** Ports of the container beside its first one; empty where no rule asks for one. */
  readonly ports: readonly number[];
  /** Addresses of clients; empty where no rule asks for one, or none can be chosen here. */
  readonly addresses: readonly string[];
}

function rulesOf({ allowFrom = [], denyFrom = [] }: ServiceSettings): Rule[] {
  return [...allowFrom, ...denyFrom];
}

/** An address that a rule is about; undefined where nobody here can choose his own. */
function addressFor(s: Settings, { remoteIpBlocks }: Rule): string | undefined {
  if (s.trustedProxies === 0) return undefined;
  return remoteIpBlocks ? remoteIpBlocks[0]!.split("/")[0]! : outsideAddress(s);
}

/** The address of a client whom no rule names; undefined where no rule asks for one, or nobody here can choose his own. */
export function outsideAddress(s: Settings): string | undefined {
  const asked = s.services.some((x) => rulesOf(x).some((r) => r.remoteIpBlocks));
  return asked && s.trustedProxies > 0 ? addressElsewhere(s) : undefined;
}

/** An address that no rule names: of those for documentation (RFC 5737). */
export function addressElsewhere(s: Settings): string | undefined {
  const blocks = s.services.flatMap((x) => rulesOf(x).flatMap((r) => r.remoteIpBlocks ?? []));
  const free = ["192.0.2.77", "198.51.100.77", "203.0.113.77", "240.0.0.77"];
  return free.find((address) => !addressMatches(blocks, address));
}

/** The first address of each block, the one before it, and one that no rule names. */
function addresses(s: Settings, rules: readonly Rule[]): string[] {
  const starts = rules.flatMap((r) => (r.remoteIpBlocks ?? []).map((b) => b.split("/")[0]!));
  if (starts.length === 0 || s.trustedProxies === 0) return [];
  const before = starts.flatMap((start) => addressBefore(start) ?? []);
  const blocks = rules.flatMap((r) => r.remoteIpBlocks ?? []);
  const after = blocks.flatMap((block) => addressAfter(block) ?? []);
  return unique([
    ...starts,
    ...before,
    ...after,
    ...[addressElsewhere(s)].filter((a) => a !== undefined),
  ]);
}

function addressBefore(address: string): string | undefined {
  return address.includes(":") ? undefined : addressOf(numberOf(address) - 1);
}

function addressAfter(block: string): string | undefined {
  const [address, length = "32"] = block.split("/") as [string, string?];
  if (address.includes(":")) return undefined;
  const size = 2 ** (32 - Number(length));
  return addressOf((Math.floor(numberOf(address) / size) + 1) * size);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressOf(number: number): string | undefined {
  if (number < 0 || number >= 2 ** 32) return undefined;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

const someMethods = ["GET", "POST", "DELETE"];
/** A method that is no part of HTTP itself. */
const oddMethod = "PURGE";

/** What may stand in the places of calls to a service. */
export function vocabulary(s: Settings, service: ServiceSettings): Vocabulary {
  const rules = rulesOf(service);
  const used = unique(rules.flatMap((rule) => rule.methods ?? ["GET"]));
  const more = someMethods.find((m) => !used.includes(m));
  const patterns = unique([
    ...(routePaths(service) ?? []),
    ...rules.flatMap((rule) => rule.rpcs ?? rule.paths ?? []),
    ...s.authentication.exempt,
  ]);
  return {
    callers: callers(s, service, rules),
    methods: [...used, ...(more ? [more] : []), oddMethod],
    besideGet: rules.some((rule) => rule.methods?.includes("GET")) ? ["HEAD"] : [],
    paths: unique([...patterns.flatMap((p) => around(p, prefixOf(service))), "/no-such-path"]),
    tokens: tokens(s, rules),
    addresses: addresses(s, rules),
    ports: rules.some((rule) => rule.ports) ? otherPorts(service) : [],
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

function otherPorts({ ports = [] }: ServiceSettings): number[] {
  return ports.slice(1).map((p) => p.targetPort);
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
    ...clientCallers(s),
    stranger(s),
    { kind: "plaintext" },
  ];
}

/** A path that a pattern matches, a neighbour of it, one below it, and for a pattern with * at its end those just outside. */
function around(pattern: string, prefix: string | undefined): string[] {
  const path = concretePath(pattern, prefix);
  const begin = pattern.endsWith("*") && !pattern.startsWith("*") ? pattern.slice(0, -2) : "";
  const outside = pattern.endsWith("/*") ? [begin, `${begin}X`] : [begin];
  const near = [path, `${path}X`, path.endsWith("/") ? `${path}1` : `${path}/1`];
  return [...near, ...outside.filter((p) => p !== "" && p !== "X")];
}

/** No token, a plain one of each issuer, and for each claim that a rule asks for, right ones and look-alikes. */
function tokens(s: Settings, rules: readonly Rule[]): (TokenSpec | undefined)[] {
  const issuers = ownIssuers(s);
  if (issuers.length === 0 || !rules.some(asksForToken)) return [undefined];
  const plain = issuers.map((issuer): TokenSpec => ({ issuer }));
  const perRule = rules.flatMap((rule) => {
    const token = tokenFor(s, rule);
    if (!token || token === "foreign") return [];
    const claims = Object.fromEntries(
      Object.entries(rule.claims ?? {}).map(([claim, values]): [string, unknown] => [
        claim,
        concrete(values[0]!),
      ]),
    );
    // all else stays as the rule asks for it, so that one thing differs
    const withValue = (claim: string, value: unknown): TokenSpec => ({
      ...token,
      claims: nested({ ...claims, [claim]: value }, (v) => v),
    });
    return [
      token,
      ...issuers.filter((i) => i !== token.issuer).map((issuer) => ({ ...token, issuer })),
      ...Object.entries(rule.claims ?? {}).flatMap(([claim, values]) => [
        ...values.slice(1).map((value) => withValue(claim, concrete(value))),
        ...likenesses(claim, concrete(values[0]!)).map((value) => withValue(claim, value)),
      ]),
    ];
  });
  return [undefined, ...plain, ...perRule];
}

/** A claim's value in the forms that are right, and in forms that only look like it. */
function likenesses(claim: string, value: string): unknown[] {
  // a token whose sub is a list is none: it is refused before any rule is asked
  const lists = claim !== "sub";
  return [
    value,
    ...[[value], ["other", value]].filter(() => lists),
    // words apart by spaces, where the claim is such a list
    ...[`other ${value}`, `${value} other`],
    ...[`${value}2`, `x${value}`, value.toUpperCase(), ""],
    ...[[`${value}2`]].filter(() => lists),
  ];
}

/** A path that a pattern matches, below a prefix where it may stand anywhere. */
export function concretePath(pattern: string, prefix = ""): string {
  return pattern.startsWith("*") ? `${prefix}${concrete(pattern)}` : concrete(pattern);
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
