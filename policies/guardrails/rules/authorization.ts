import type { Rule as PolicyRule, Source } from "../../rule-spec.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import {
  asksForClaims,
  conditionsOn,
  isDenied,
  keyOf,
  operationsOf,
  policyDocs as docs,
  policyOf,
  rulesOf,
  saysWhat,
  saysWho,
  sourcesOf,
} from "./policies.ts";

const practice =
  "https://istio.io/latest/docs/ops/best-practices/security/#use-default-deny-patterns";

/** az-01 */
export function defaultDeny(): Rule {
  const about = {
    id: "az-01",
    level: "mandatory",
    description: "Each application namespace refuses what no policy allows",
    url: practice,
  } as const;
  return stackRule(about, function* (world) {
    for (const namespace of world.appNamespaces)
      if (!isDenied(world, namespace))
        yield {
          about: `Namespace/${namespace}`,
          what: "has no AuthorizationPolicy without rules: what no policy names is allowed",
          fix: "set bankmesh:authorization to enforce, or add a policy with an empty spec",
        };
  });
}

/** Whether a rule says nothing, which is everybody and everything. */
const isEmpty = (rule: PolicyRule) => !saysWho(rule) && !saysWhat(rule) && !rule.when?.length;

/** Fields of a source, and keys of conditions, by which a caller is told. */
const callers = {
  identities: {
    fields: ["principals", "namespaces", "serviceAccounts"],
    keys: ["source.principal", "source.namespace", "source.serviceAccount"],
  },
  addresses: { fields: ["ipBlocks", "remoteIpBlocks"], keys: ["source.ip", "remote.ip"] },
} as const;

/** Lists of values that a source and the conditions of its rule ask for. */
function listsOf(source: Source, rule: PolicyRule, of: keyof typeof callers): string[][] {
  const { fields, keys } = callers[of];
  const conditions = keys.flatMap((key) => conditionsOn(rule, key));
  const lists = [...fields.map((field) => source[field]), ...conditions.map((c) => c.values)];
  return lists.flatMap((list) => (list?.length ? [list] : []));
}

/** Trust domains that a source asks for; the generated type does not know them yet. */
const domainsOf = (source: Source) =>
  (source as { readonly trustDomains?: readonly string[] }).trustDomains ?? [];

/** Who gets in by a source and the conditions of its rule, in words; undefined when they name somebody. */
function openTo(source: Source, rule: PolicyRule): string | undefined {
  // whose token is taken is no stranger
  if (source.requestPrincipals?.length || asksForClaims(rule)) return undefined;
  const identities = listsOf(source, rule, "identities");
  const domains = domainsOf(source);
  if (identities.some((list) => !list.includes("*"))) return undefined;
  // a trust domain names nobody in it
  if (domains.length > 0 && !domains.includes("*"))
    return `every identity of ${domains.join(", ")}`;
  if (identities.length > 0 || domains.length > 0) return "every identity of the mesh";
  const addresses = listsOf(source, rule, "addresses");
  const anywhere = addresses.every((list) => list.some((block) => /\/0+$/.test(block)));
  return addresses.length > 0 && anywhere ? "every address" : undefined;
}

/** az-03 */
export function noOpenRules(): Rule {
  const about = {
    id: "az-03",
    level: "mandatory",
    description:
      "Behind the gateway, no rule allows everybody, every address, or everybody with an identity",
    url: practice,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const { action, rules = [] } = policyOf(object);
      if (action !== "ALLOW" || world.isAtGateway(object)) return;
      for (const [i, rule] of rules.entries()) {
        const sources = sourcesOf(rule);
        const anybody = (sources.length > 0 ? sources : [{}]).map((s) => openTo(s, rule));
        const open = isEmpty(rule) ? "everybody" : anybody.find((who) => who !== undefined);
        if (open)
          yield {
            ...at(object),
            what: `spec.rules[${i}] allows ${open}`,
            fix: "name the callers: principals: [cluster.local/ns/<ns>/sa/<account>]",
          };
      }
    }),
  );
}

/** Names of negative matches in a rule. */
function negatives(rule: PolicyRule): string[] {
  const fields = [...sourcesOf(rule), ...operationsOf(rule), ...(rule.when ?? [])];
  return fields.flatMap((f) => Object.keys(f).filter((key) => /^not[A-Z]/.test(key)));
}

/** az-04 */
export function positiveAllows(): Rule {
  const about = {
    id: "az-04",
    level: "mandatory",
    description: "ALLOW names what it allows; DENY names what it spares, or comes before an ALLOW",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#use-allow-with-positive-matching-and-deny-with-negative-match-patterns",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const { action, rules = [] } = policyOf(object);
      for (const [i, rule] of rules.entries()) {
        const not = negatives(rule);
        if (action === "ALLOW" && not.length > 0)
          yield {
            ...at(object),
            what: `spec.rules[${i}] allows by ${not.join(", ")}: whatever is not listed gets in`,
            fix: "list what is allowed",
          };
        if (action === "DENY" && not.length === 0 && !isDenied(world, object.namespace))
          yield {
            ...at(object),
            what: `spec.rules[${i}] refuses a list, and what is not on it is allowed`,
            fix: "add a default deny and allow what is needed, or refuse by notPaths, notPrincipals …",
          };
      }
    }),
  );
}

/** Whether a condition asks who calls: by identity, address or token. */
const isAboutCaller = (condition: { readonly key?: string }) =>
  /^(source|request\.auth)\./.test(keyOf(condition));
const anything = "that caller may do anything";

/** az-05 */
export function callerAndRequest(): Rule {
  const about = {
    id: "az-05",
    level: "mandatory",
    description: "One rule names both who may call and what: two rules mean or",
    url: `${docs}#Rule`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const { action, rules = [] } = policyOf(object);
      if (action !== "ALLOW") return;
      const gateway = world.isAtGateway(object);
      const half = (rule: PolicyRule) => {
        if (isEmpty(rule)) return undefined;
        // who calls from outside has no identity: there, what is asked for may stand alone
        if (gateway && (saysWhat(rule) || rule.when?.length)) return undefined;
        if (!saysWhat(rule)) return anything;
        return saysWho(rule) || (rule.when ?? []).some(isAboutCaller)
          ? undefined
          : "anybody may do that";
      };
      for (const [i, rule] of rules.entries()) {
        const alone = half(rule);
        if (alone)
          yield {
            ...at(object),
            what: `spec.rules[${i}] has no ${alone === anything ? "to" : "from"}: ${alone}`,
            fix: "put from and to into one rule",
          };
      }
    }),
  );
}

/** Claims that each grant something by themselves. */
const grants = /^request\.auth\.claims(\[[^\]]+\])*\[(scopes?|scp|permissions?|roles?|groups?)\]$/;

/** az-06 */
export function claimBranches(): Rule {
  const about = {
    id: "az-06",
    level: "mandatory",
    description: "Claims of which one will do stand in separate rules: two conditions mean and",
    url: `${docs}#Rule`,
  } as const;
  return objectRule(about, ["AuthorizationPolicy"], function* (object): Iterable<Fault> {
    for (const [i, { when = [] }] of rulesOf(object).entries()) {
      const keys = when.map(keyOf).filter((key) => key.startsWith("request.auth.claims"));
      const twice = keys.find((key, n) => keys.indexOf(key) < n);
      const granting = keys.filter((key) => grants.test(key));
      if (twice ?? granting.length > 1)
        yield {
          what: `spec.rules[${i}] asks for ${twice ? `${twice} twice` : granting.join(" and ")} at once`,
          fix: "write a rule for each claim that will do",
        };
    }
  });
}
