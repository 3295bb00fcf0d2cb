import type { AuthorizationPolicySpec, Rule as PolicyRule } from "../../rule-spec.ts";
import type { KubernetesObject } from "../resource.ts";
import { type World, isTargeted, rootNamespace, selectorOf } from "../world.ts";

export const policyDocs =
  "https://istio.io/latest/docs/reference/config/security/authorization-policy/";

type Spec = AuthorizationPolicySpec;
type Condition = NonNullable<PolicyRule["when"]>[number];

/** What a policy says. */
export function policyOf(object: KubernetesObject): Partial<Spec> & { action: string } {
  const spec = object.field<Spec>();
  return { ...spec, action: spec.action ?? "ALLOW" };
}

export const rulesOf = (object: KubernetesObject) => policyOf(object).rules ?? [];
export const sourcesOf = (rule: PolicyRule) => (rule.from ?? []).map((f) => f.source ?? {});
export const operationsOf = (rule: PolicyRule) => (rule.to ?? []).map((t) => t.operation ?? {});
/** Key of a condition; az-07 tells of those without one. */
export const keyOf = (condition: { readonly key?: string }) => condition.key ?? "";
/** Conditions of a rule about one key. */
export const conditionsOn = (rule: PolicyRule, key: string): Condition[] =>
  (rule.when ?? []).filter((c) => keyOf(c) === key);

/** What Go reads as true; what says so is only logged. */
const truths = ["1", "t", "T", "true", "TRUE", "True"];

/** Whether a policy refuses anything: one in dry run tells what it would have done. */
export function isEnforced(object: KubernetesObject): boolean {
  return !truths.includes(object.annotations["istio.io/dry-run"] ?? "");
}

/** Whether a policy lets nobody in, so that others have to allow what is allowed. */
export function isDefaultDeny(object: KubernetesObject): boolean {
  const { action, rules } = policyOf(object);
  const whole = selectorOf(object) === undefined && !isTargeted(object);
  return action === "ALLOW" && !rules?.length && whole && isEnforced(object);
}

/** Whether everything in a namespace is refused unless a policy allows it. */
export function isDenied(world: World, namespace: string): boolean {
  const about = world
    .of("AuthorizationPolicy")
    .filter((o) => o.namespace === namespace || o.namespace === rootNamespace);
  return world.gather(about, (o) => (isDefaultDeny(o) ? [o] : [])).length > 0;
}

const says = (parts: readonly object[]) =>
  parts.length > 0 && parts.every((part) => Object.keys(part).length > 0);
/** Whether a rule says who calls; one empty source among others is everybody. */
export const saysWho = (rule: PolicyRule) => says(sourcesOf(rule));
/** Whether a rule says what is asked for. */
export const saysWhat = (rule: PolicyRule) => says(operationsOf(rule));

/** Whether a condition of a rule has values of a token, which a request without one does not have. */
export const asksForClaims = (rule: PolicyRule) =>
  (rule.when ?? []).some((c) => keyOf(c).startsWith("request.auth.") && c.values?.length);

/** Whether a rule takes only requests with a token. */
export function asksForToken(rule: PolicyRule): boolean {
  const sources = sourcesOf(rule);
  const all = sources.length > 0 && sources.every((s) => s.requestPrincipals?.length);
  return all || asksForClaims(rule);
}

/** Whether a rule names who may call by what mTLS says of them. */
export function namesCallers(rule: PolicyRule): boolean {
  const sources = sourcesOf(rule);
  const all = sources.every(
    (s) => s.principals?.length || s.serviceAccounts?.length || s.namespaces?.length,
  );
  const keys = ["source.principal", "source.namespace", "source.serviceAccount"];
  return (
    (sources.length > 0 && all) ||
    keys.some((key) => conditionsOn(rule, key).some((c) => c.values?.length))
  );
}
