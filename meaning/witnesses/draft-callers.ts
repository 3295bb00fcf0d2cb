import type { Rule } from "../../policies/rule-spec.ts";
import type { Caller } from "../evaluate/request.ts";
import { takes } from "./asking.ts";
import type { DraftContext } from "./drafts.ts";
import { inside, unique } from "./literals.ts";
import { strangersAccount } from "./question.ts";

/** Identities that are made up of what a rule names, at most. */
const mostMade = 200;

/** Who a rule names; in front somebody whom it takes, under each of the mesh's names. */
export function callersOf(rule: Rule, context: DraftContext, plain: boolean): Caller[] {
  const named = namedIn(rule, context);
  if (named.length === 0) return [];
  const first = plain ? named[0]! : takenBy(rule, named, context);
  if (first === nobody) return [{ kind: "plaintext" }, ...named.flatMap(context.callersWith)];
  const [, ...account] = first.split("/");
  const others = context.otherDomains.map((domain) => [domain, ...account].join("/"));
  return unique([first, ...others, ...named]).flatMap(context.callersWith);
}

/** Somebody without an identity. */
const nobody = "";

/** The first that a rule takes: of those whom it names, of what else its words make up, of strangers. */
function takenBy(rule: Rule, named: readonly string[], context: DraftContext): string {
  const test = takes(rule, "callers", context);
  const holds = (principal: string) =>
    test({ principal: principal === nobody ? undefined : principal });
  const strangers = [context.namespace, "elsewhere", "any"].map(
    (ns) => `${context.trustDomain}/ns/${ns}/sa/${strangersAccount}`,
  );
  const found = [...named, ...strangers, ...crossed(named, context), nobody].find(holds);
  return found ?? named[0]!;
}

/** Trust domains, namespaces and accounts of several identities in all ways. */
function crossed(named: readonly string[], { trustDomain, namespace }: DraftContext): string[] {
  const parts = named.map((p) => p.split("/"));
  const domains = unique([trustDomain, ...parts.map(([domain]) => domain!)]);
  const namespaces = unique([...parts.map(([, , ns]) => ns ?? "any"), namespace]);
  const accounts = unique(parts.map(([, , , , ...account]) => account.join("/") || "any"));
  return domains
    .flatMap((d) => namespaces.flatMap((ns) => accounts.map((a) => `${d}/ns/${ns}/sa/${a}`)))
    .slice(0, mostMade);
}

/** Identities that a rule's words stand for, what it refuses after what it asks for. */
function namedIn({ from = [], when = [] }: Rule, context: DraftContext): string[] {
  const sources = from.map((f) => (f.source ?? {}) as Readonly<Record<string, string[]>>);
  const both = (field: string, key: string) => {
    const not = `not${field[0]!.toUpperCase()}${field.slice(1)}`;
    const conditions = when.filter((w) => w.key === key);
    return {
      right: [
        ...sources.flatMap((s) => s[field] ?? []),
        ...conditions.flatMap((c) => c.values ?? []),
      ],
      wrong: [
        ...sources.flatMap((s) => s[not] ?? []),
        ...conditions.flatMap((c) => c.notValues ?? []),
      ],
    };
  };
  const all = [
    [both("principals", "source.principal"), (p: string) => principalInside(p, context)],
    [both("serviceAccounts", "source.serviceAccount"), (a: string) => ofAccount(a, context)],
    [both("namespaces", "source.namespace"), (ns: string) => ofNamespace(ns, context)],
    [both("trustDomains", "source.trustDomain"), (d: string) => `${inside(d)}/ns/any/sa/any`],
  ] as const;
  return unique([
    ...all.flatMap(([{ right }, make]) => right.map(make)),
    ...all.flatMap(([{ wrong }, make]) => wrong.map(make)),
  ]);
}

function ofAccount(value: string, { trustDomain, namespace }: DraftContext): string {
  const [ns, account] = value.includes("/") ? value.split("/") : [namespace, value];
  return `${trustDomain}/ns/${ns}/sa/${account}`;
}

function ofNamespace(value: string, { trustDomain }: DraftContext): string {
  return `${trustDomain}/ns/${value.replaceAll("*", "any")}/sa/${strangersAccount}`;
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
