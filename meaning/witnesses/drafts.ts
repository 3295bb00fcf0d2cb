import type { Rule } from "../../policies/rule-spec.ts";
import { type Caller, type Headers, type Token, unnamedAddress } from "../evaluate/request.ts";
import type { Issuer } from "../evaluate/tokens.ts";
import { type AskingContext, type Part, isPlain, takes } from "./asking.ts";
import { callersOf } from "./draft-callers.ts";
import { tokensOf } from "./draft-tokens.ts";
import {
  addressesAround,
  around,
  inFront,
  inside,
  pathInside,
  pathsAround,
  unique,
} from "./literals.ts";

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
export interface DraftContext extends AskingContext {
  /** Everybody with an account: workloads, if any has it. */
  readonly callersWith: (principal: string) => readonly Caller[];
  readonly trustDomain: string;
  /** Names that the mesh has beside its own, on either side. */
  readonly otherDomains: readonly string[];
  /** Whose tokens are looked at, on either side. */
  readonly issuers: readonly Issuer[];
  /** Path of a request whose rule names none. */
  readonly path: string;
  /** Host and ports of a request whose rule names none. */
  readonly host?: string | undefined;
  readonly ports?: readonly number[] | undefined;
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

/**
 * A request that is all that a rule asks for, as far as its texts tell, and values beside it in each of its parts.
 *
 * @param rule with one `from` and one `to` at most
 */
export function partsOf(rule: Rule, context: DraftContext): Parts {
  const [source, operation] = [rule.from?.[0]?.source ?? {}, rule.to?.[0]?.operation ?? {}];
  const lists = { ...source, ...operation } as Readonly<Record<string, string[] | undefined>>;
  const plain = isPlain(rule);
  const values = (...keys: string[]) =>
    (rule.when ?? [])
      .filter((c) => keys.includes(c.key))
      .flatMap((c) => [...(c.values ?? []), ...(c.notValues ?? [])]);
  const of = (field: string) => [
    ...(lists[field] ?? []),
    ...(lists[`not${field[0]!.toUpperCase()}${field.slice(1)}`] ?? []),
  ];
  /** In front the first that the rule takes: one that it names, or else one of those that nobody names. */
  const centred = <T>(
    part: Part,
    named: readonly T[],
    others: readonly T[],
    as: (v: T) => object,
  ) => {
    if (named.length === 0 || plain) return unique(named);
    const test = takes(rule, part, context);
    const first = [...named, ...others].find((v) => test(as(v)));
    return first === undefined ? unique(named) : unique([first, ...named]);
  };
  const blocks = [...of("ipBlocks"), ...of("remoteIpBlocks"), ...values("source.ip", "remote.ip")];
  const ports = [...of("ports"), ...values("destination.port")].map(Number);
  const paths = of("paths");
  const host = context.host === undefined ? [] : [context.host];
  return {
    callers: callersOf(rule, context, plain),
    methods: centred("methods", of("methods").map(inside), usualMethods, (method) => ({ method })),
    paths: centred(
      "paths",
      [...paths.map(pathInside), ...paths.flatMap(pathsAround)],
      [context.path, "/", "/nobody-asks-for-this"],
      (path) => ({ path }),
    ),
    hosts: centred("hosts", of("hosts").flatMap(hostsAround), [...host, "nobody.example"], (h) => ({
      host: h,
    })),
    headers: headersOf(rule, context, plain),
    tokens: tokensOf(rule, context, plain),
    addresses: centred("addresses", blocks.flatMap(addressesAround), [unnamedAddress], (a) => ({
      ...{ peerAddress: a, remoteAddress: a },
    })),
    ports: centred("ports", ports, context.ports ?? [], (port) => ({ port })),
    serverNames: centred(
      "serverNames",
      values("connection.sni").flatMap(hostsAround),
      host,
      (serverName) => ({ serverName }),
    ),
  };
}

const usualMethods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"];

/** A host that a pattern is about, and one that only looks like it. */
function hostsAround(pattern: string): string[] {
  return pattern === "*" ? ["any.example"] : around(pattern).slice(0, 2);
}

function headersOf(rule: Rule, context: DraftContext, plain: boolean): (Headers | undefined)[] {
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
  const all = [right, ...others, undefined];
  if (plain) return all;
  const test = takes(rule, "headers", context);
  return inFront(all, (headers) => test({ headers: headers ?? {} }));
}
