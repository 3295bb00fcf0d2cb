import type { AuthorizationPolicySpec } from "../../policies/rule-spec.ts";
import { type Labels, selects } from "../manifests/objects.ts";
import type { Platform, Policy } from "../manifests/platform.ts";
import type { Test } from "./conditions.ts";
import type { Seen } from "./request.ts";
import { any, ruleTest } from "./rule.ts";

/** What the rules about a pod say of a request. */
export interface Ruling {
  /** Undefined where nobody can know. */
  readonly allowed: boolean | undefined;
  /** What decided, in words. */
  readonly by: string;
}

type AuthorizationPolicy = Policy<AuthorizationPolicySpec>;

/** A policy with its rules as tests. */
interface Compiled {
  readonly policy: AuthorizationPolicy;
  /** Whether any rule matches a request, and whether one matches bytes. */
  readonly http: Test;
  readonly bytes: Test;
}

const compiled = new WeakMap<AuthorizationPolicySpec, Map<string, Compiled>>();

/** Both sides of a comparison have most policies in common; each is compiled once. */
function compile(policy: AuthorizationPolicy, trustDomains: readonly string[]): Compiled {
  const { spec, namespace } = policy;
  const context = [namespace, policy.name, ...trustDomains].join(" ");
  const bySpec = compiled.get(spec) ?? new Map<string, Compiled>();
  compiled.set(spec, bySpec);
  const known = bySpec.get(context);
  if (known) return known;
  const allows = (spec.action ?? "ALLOW") === "ALLOW";
  const read = (http: boolean) =>
    any((spec.rules ?? []).map((r) => ruleTest(r, { namespace, trustDomains, allows, http })));
  let bytes: Test | undefined;
  // few ports hand bytes on
  const made = { policy, http: read(true), bytes: (seen: Seen) => (bytes ??= read(false))(seen) };
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
      selects(spec.selector?.matchLabels, pod.labels) &&
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
  const { providers } = platform.mesh;
  const about = policiesFor(platform, seen.pod);
  const unknown: string[] = [];
  for (const { policy, ...tests } of about.custom) {
    const matches = matchOf(tests, seen);
    if (matches === false) continue;
    const provider = policy.spec.provider!.name!;
    if (matches && providers && !providers.includes(provider))
      return {
        allowed: false,
        by: `${words(policy)} asks ${provider}, whom the mesh does not know`,
      };
    unknown.push(`${words(policy)} asks ${provider}`);
  }
  for (const { policy, ...tests } of about.deny) {
    const matches = matchOf(tests, seen);
    if (matches) return { allowed: false, by: words(policy) };
    if (matches === undefined) unknown.push(words(policy));
  }
  const maybe: AuthorizationPolicy[] = [];
  const allowing = about.allow.find((c) => {
    const matches = matchOf(c, seen);
    if (matches === undefined) maybe.push(c.policy);
    return matches;
  });
  if (about.allow.length > 0 && !allowing) {
    if (maybe.length === 0)
      return {
        allowed: false,
        by: `no rule of ${listed(about.allow.map((c) => c.policy))} matches`,
      };
    unknown.push(...maybe.map(words));
  }
  if (unknown.length > 0) return { allowed: undefined, by: unknown.join("; ") };
  return { allowed: true, by: allowing ? words(allowing.policy) : "no rules" };
}

interface ByAction {
  readonly custom: readonly Compiled[];
  readonly deny: readonly Compiled[];
  readonly allow: readonly Compiled[];
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
  const of = (action: string) =>
    about
      .filter((p) => (p.spec.action ?? "ALLOW") === action)
      .map((p) => compile(p, platform.mesh.trustDomains));
  const found = { custom: of("CUSTOM"), deny: of("DENY"), allow: of("ALLOW") };
  mine.set(pod, found);
  return found;
}

function matchOf({ http, bytes }: Omit<Compiled, "policy">, seen: Seen): boolean | undefined {
  return (seen.http ? http : bytes)(seen);
}

function words({ namespace, name }: AuthorizationPolicy): string {
  return `AuthorizationPolicy ${namespace}/${name}`;
}

function listed(policies: readonly AuthorizationPolicy[]): string {
  const [first, ...more] = policies.map(({ namespace, name }) => `${namespace}/${name}`);
  return more.length === 0 ? first! : `${first} and ${more.length} more`;
}
