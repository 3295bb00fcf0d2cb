import type { Rule } from "../../policies/rule-spec.ts";
import type { Seen } from "../evaluate/request.ts";
import { ruleTest } from "../evaluate/rule.ts";

/** Fields of a rule, and keys of its conditions, that are about one part of a request. */
const parts = {
  callers: {
    fields: ["principals", "namespaces", "serviceAccounts", "trustDomains"],
    keys: /^source\.(principal|namespace|serviceAccount|trustDomain)$/,
  },
  tokens: { fields: ["requestPrincipals"], keys: /^request\.auth\./ },
  headers: { fields: [], keys: /^request\.headers\[/ },
  addresses: { fields: ["ipBlocks", "remoteIpBlocks"], keys: /^(source|remote)\.ip$/ },
  methods: { fields: ["methods"], keys: /^$/ },
  paths: { fields: ["paths"], keys: /^$/ },
  hosts: { fields: ["hosts"], keys: /^$/ },
  ports: { fields: ["ports"], keys: /^destination\.port$/ },
  serverNames: { fields: [], keys: /^connection\.sni$/ },
} as const satisfies Record<string, { readonly fields: readonly string[]; readonly keys: RegExp }>;

export type Part = keyof typeof parts;

export interface AskingContext {
  /** Namespace of the policy. */
  readonly namespace: string;
  /** The mesh's own, then its aliases. */
  readonly trustDomains: readonly string[];
}

/** Whether a rule takes one part of a request, whatever the rest of it. */
export function takes(
  rule: Rule,
  part: Part,
  { namespace, trustDomains }: AskingContext,
): (seen: Partial<Seen>) => boolean {
  const { fields, keys } = parts[part];
  const only = (lists: object = {}) =>
    Object.fromEntries(
      Object.entries(lists).filter(([field]) =>
        (fields as readonly string[]).includes(
          field.replace(/^not([A-Z])/, (_, c: string) => c.toLowerCase()),
        ),
      ),
    );
  const asked: Rule = {
    from: (rule.from ?? []).map(({ source }) => ({ source: only(source) })),
    to: (rule.to ?? []).map(({ operation }) => ({ operation: only(operation) })),
    when: (rule.when ?? []).filter(({ key }) => keys.test(key)),
  };
  const test = ruleTest(asked, { namespace, trustDomains, allows: false, http: true });
  return (seen) => test(seen as Seen) === true;
}

/** Whether the first text that each of a rule's lists names is one that all of it takes. */
export function isPlain({ from = [], to = [], when = [] }: Rule): boolean {
  const lists = [...from.map((f) => f.source ?? {}), ...to.map((t) => t.operation ?? {})];
  const sources = from.flatMap((f) => Object.keys(f.source ?? {}));
  const callers = sources.filter((s) => (parts.callers.fields as readonly string[]).includes(s));
  const keys = when.map((w) => w.key);
  return (
    !lists.some((l) => Object.keys(l).some((field) => /^not[A-Z]/.test(field))) &&
    !when.some((w) => w.notValues?.length) &&
    new Set(keys).size === keys.length &&
    callers.length < 2 &&
    !(callers.length > 0 && keys.some((k) => parts.callers.keys.test(k))) &&
    keys.filter((k) => parts.callers.keys.test(k)).length < 2
  );
}
