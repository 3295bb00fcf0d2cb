import type { AuthorizationPolicySpec, Rule as PolicyRule } from "../../rule-spec.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, rootNamespace, selectorOf } from "../world.ts";

const docs = "https://istio.io/latest/docs/reference/config/security/authorization-policy/";
const practice =
  "https://istio.io/latest/docs/ops/best-practices/security/#use-default-deny-patterns";

type Spec = AuthorizationPolicySpec;

/** What a policy says. */
export function policyOf(object: KubernetesObject): Partial<Spec> & { action: string } {
  const spec = object.field<Spec>();
  return { ...spec, action: spec.action ?? "ALLOW" };
}

export const sourcesOf = (rule: PolicyRule) => (rule.from ?? []).map((f) => f.source ?? {});
export const operationsOf = (rule: PolicyRule) => (rule.to ?? []).map((t) => t.operation ?? {});

/** Whether a policy lets nobody in, so that others have to allow what is allowed. */
export function isDefaultDeny(object: KubernetesObject): boolean {
  const { action, rules } = policyOf(object);
  return action === "ALLOW" && !rules?.length && selectorOf(object) === undefined;
}

/** Whether everything in a namespace is refused unless a policy allows it. */
export function isDenied(world: World, namespace: string): boolean {
  return world
    .of("AuthorizationPolicy")
    .filter((o) => o.namespace === namespace || o.namespace === rootNamespace)
    .some(isDefaultDeny);
}

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

/** Whether a policy refuses requests without a token, or asks some callers for one. */
function asksForPrincipal(object: KubernetesObject): boolean {
  const { action, rules = [] } = policyOf(object);
  if (action === "DENY")
    return rules.some((r) => sourcesOf(r).some((s) => s.notRequestPrincipals?.includes("*")));
  const asks = (r: PolicyRule) =>
    sourcesOf(r).some((s) => s.requestPrincipals?.length) ||
    (r.when ?? []).some((c) => c.key.startsWith("request.auth."));
  return action === "ALLOW" && rules.some(asks);
}

/** az-02 */
export function tokensAreAskedFor(): Rule {
  const about = {
    id: "az-02",
    level: "mandatory",
    description:
      "Where tokens are looked at, some policy asks for one: without, any request passes",
    url: "https://istio.io/latest/docs/reference/config/security/request_authentication/",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("RequestAuthentication"), function* (object) {
      const mine = selectorOf(object);
      const asked = world.of("AuthorizationPolicy").some((policy) => {
        if (policy.namespace !== object.namespace && policy.namespace !== rootNamespace)
          return false;
        const theirs = selectorOf(policy) ?? {};
        // one of them is about all that the other is about
        const covers = (a: object, b: object) =>
          Object.entries(a).every(([k, v]) => Reflect.get(b, k) === v);
        const meet = !mine || covers(theirs, mine) || covers(mine, theirs);
        return meet && asksForPrincipal(policy);
      });
      if (!asked)
        yield {
          ...at(object),
          what: "no AuthorizationPolicy for the same workloads asks for a request principal",
          fix: "add requestPrincipals to the rules that allow, or deny notRequestPrincipals: [*]",
        };
    }),
  );
}

const isEmpty = (rule: PolicyRule) => !rule.from?.length && !rule.to?.length && !rule.when?.length;

/** az-03 */
export function noOpenRules(): Rule {
  const about = {
    id: "az-03",
    level: "mandatory",
    description: "Behind the gateway, no rule allows everybody, or everybody with an identity",
    url: practice,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const { action, rules = [] } = policyOf(object);
      if (action !== "ALLOW" || world.isAtGateway(object)) return;
      for (const [i, rule] of rules.entries()) {
        const anybody = sourcesOf(rule).some(
          (s) =>
            s.principals?.includes("*") && !s.namespaces?.length && !s.requestPrincipals?.length,
        );
        if (isEmpty(rule) || anybody)
          yield {
            ...at(object),
            what: `spec.rules[${i}] allows ${anybody ? "every identity of the mesh" : "everybody"}`,
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
        if (isEmpty(rule) || (rule.from?.length && rule.to?.length)) return undefined;
        // who calls from outside has no identity: there, what is asked for may stand alone
        if (gateway && (rule.to?.length || rule.when?.length)) return undefined;
        if (rule.when?.length) return rule.from?.length || rule.to?.length ? undefined : "when";
        return rule.from?.length ? "from" : "to";
      };
      for (const [i, rule] of rules.entries()) {
        const alone = half(rule);
        if (alone)
          yield {
            ...at(object),
            what: `spec.rules[${i}] has ${alone} alone: ${alone === "from" ? "that caller may do anything" : "anybody may do that"}`,
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
    for (const [i, { when = [] }] of (policyOf(object).rules ?? []).entries()) {
      const keys = when.map((c) => c.key).filter((key) => key.startsWith("request.auth.claims"));
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

export const authorizationDocs = docs;
