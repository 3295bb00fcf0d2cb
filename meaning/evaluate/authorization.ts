import type { AuthorizationPolicySpec } from "../../policies/rule-spec.ts";
import { type Labels, selects } from "../manifests/objects.ts";
import type { Platform, Policy } from "../manifests/platform.ts";
import type { Test } from "./conditions.ts";
import type { Seen } from "./request.ts";
import { ruleTest } from "./rule.ts";

/** What the rules about a pod say of a request. */
export interface Ruling {
  /** Undefined where nobody can know. */
  readonly allowed: boolean | undefined;
  /** What decided, in words. */
  readonly by: string;
}

type AuthorizationPolicy = Policy<AuthorizationPolicySpec>;

/** The rules of a policy as tests. */
interface Compiled {
  readonly http: readonly Test[];
  readonly bytes: readonly Test[];
}

const compiled = new WeakMap<AuthorizationPolicySpec, Map<string, Compiled>>();

function testsOf(
  { spec, namespace }: AuthorizationPolicy,
  trustDomains: readonly string[],
): Compiled {
  const context = `${namespace} ${trustDomains.join()}`;
  const bySpec = compiled.get(spec) ?? new Map<string, Compiled>();
  compiled.set(spec, bySpec);
  const known = bySpec.get(context);
  if (known) return known;
  const allows = (spec.action ?? "ALLOW") === "ALLOW";
  const read = (http: boolean) =>
    (spec.rules ?? []).map((rule) => ruleTest(rule, { namespace, trustDomains, allows, http }));
  const made = { http: read(true), bytes: read(false) };
  bySpec.set(context, made);
  return made;
}

/** Policies about pods of a namespace with these labels, those in dry run apart. What names a target is about no sidecar. */
export function policiesAbout(
  platform: Pick<Platform, "authorizationPolicies" | "mesh">,
  pod: { readonly namespace: string; readonly labels: Labels },
): AuthorizationPolicy[] {
  return platform.authorizationPolicies.filter(
    ({ namespace, spec, annotations }) =>
      (namespace === pod.namespace || namespace === platform.mesh.rootNamespace) &&
      !spec.targetRef &&
      !spec.targetRefs?.length &&
      selects(spec.selector?.matchLabels as Labels | undefined, pod.labels) &&
      !isDryRun(annotations),
  );
}

/** What Go reads as true. */
const truths = ["1", "t", "T", "true", "TRUE", "True"];

export function isDryRun(annotations: Labels): boolean {
  return truths.includes(annotations["istio.io/dry-run"] ?? "");
}

/**
 * CUSTOM, then DENY, then ALLOW. Each can only refuse, so that an authorizer that nobody can ask here decides what the
 * others let pass.
 *
 * @see https://istio.io/latest/docs/concepts/security/#implicit-enablement
 */
export function rulingOf(
  platform: Pick<Platform, "authorizationPolicies" | "mesh">,
  seen: Seen,
): Ruling {
  const { trustDomains, providers } = platform.mesh;
  const about = policiesFor(platform, seen.pod);
  const unknown: string[] = [];
  for (const policy of about.custom) {
    const matches = matchOf(policy, seen, trustDomains);
    if (matches === false) continue;
    const provider = policy.spec.provider!.name!;
    if (matches && providers && !providers.includes(provider))
      return {
        allowed: false,
        by: `${words(policy)} asks ${provider}, whom the mesh does not know`,
      };
    unknown.push(`${words(policy)} asks ${provider}`);
  }
  for (const policy of about.deny) {
    const matches = matchOf(policy, seen, trustDomains);
    if (matches) return { allowed: false, by: words(policy) };
    if (matches === undefined) unknown.push(words(policy));
  }
  const allows = about.allow.map(
    (policy) => [policy, matchOf(policy, seen, trustDomains)] as const,
  );
  const allowing = allows.find(([, matches]) => matches);
  if (allows.length > 0 && !allowing) {
    const maybe = allows.filter(([, matches]) => matches === undefined);
    if (maybe.length === 0)
      return { allowed: false, by: `no rule of ${listed(allows.map(([p]) => p))} matches` };
    unknown.push(...maybe.map(([policy]) => words(policy)));
  }
  if (unknown.length > 0) return { allowed: undefined, by: unknown.join("; ") };
  return { allowed: true, by: allowing ? words(allowing[0]) : "no rules" };
}

interface ByAction {
  readonly custom: readonly AuthorizationPolicy[];
  readonly deny: readonly AuthorizationPolicy[];
  readonly allow: readonly AuthorizationPolicy[];
}
const byPods = new WeakMap<object, WeakMap<object, ByAction>>();

/** The same pods are asked about again and again. */
function policiesFor(
  platform: Pick<Platform, "authorizationPolicies" | "mesh">,
  pod: Seen["pod"],
): ByAction {
  const mine = byPods.get(platform) ?? new WeakMap<object, ByAction>();
  byPods.set(platform, mine);
  const known = mine.get(pod);
  if (known) return known;
  const about = policiesAbout(platform, pod);
  const of = (action: string) => about.filter((p) => (p.spec.action ?? "ALLOW") === action);
  const found = { custom: of("CUSTOM"), deny: of("DENY"), allow: of("ALLOW") };
  mine.set(pod, found);
  return found;
}

function matchOf(policy: AuthorizationPolicy, seen: Seen, trustDomains: readonly string[]) {
  const tests = testsOf(policy, trustDomains);
  let result: boolean | undefined = false;
  for (const test of seen.http ? tests.http : tests.bytes) {
    const holds = test(seen);
    if (holds) return true;
    if (holds === undefined) result = undefined;
  }
  return result;
}

function words({ namespace, name }: AuthorizationPolicy): string {
  return `AuthorizationPolicy ${namespace}/${name}`;
}

function listed(policies: readonly AuthorizationPolicy[]): string {
  const [first, ...more] = policies.map(({ namespace, name }) => `${namespace}/${name}`);
  return more.length === 0 ? first! : `${first} and ${more.length} more`;
}
