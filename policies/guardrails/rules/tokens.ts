import type { Rule as PolicyRule } from "../../rule-spec.ts";
import type { KubernetesObject, Labels } from "../resource.ts";
import { type Rule, at, stackRule } from "../rule.ts";
import { type World, isTargeted, rootNamespace, selectorOf } from "../world.ts";
import {
  asksForToken,
  conditionsOn,
  isEnforced,
  namesCallers,
  operationsOf,
  policyOf,
  rulesOf,
  sourcesOf,
} from "./policies.ts";
import { isPlain, onlyRedirects, podsOf, serversOf } from "./servers.ts";

/** Pods that tokens are looked at in. */
interface Pods {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** Targets that stand for them: a waypoint's or a gateway's of the Gateway API. @default none */
  readonly targets?: string;
}

const covers = (selector: Labels, labels: Labels) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** Targets of an object, as one text. */
function targetsOf(object: KubernetesObject): string {
  const { targetRef, targetRefs = [] } = object.field<{
    targetRef: object;
    targetRefs: readonly object[];
  }>();
  return JSON.stringify(targetRef ? [targetRef] : targetRefs);
}

/** What an object looks at tokens of; where its pods are not of this stack, what its selector says of them. */
function podsWithTokens(world: World, object: KubernetesObject): Pods[] {
  const { name, namespace } = object;
  const labels = selectorOf(object) ?? {};
  if (isTargeted(object)) return [{ name, namespace, labels: {}, targets: targetsOf(object) }];
  const selected = world.selected(object);
  if (selected.length === 0) return [{ name: "its pods", namespace, labels }];
  return selected
    .filter((w) => !w.isControlPlane)
    .map((w) => ({ name: w.object.name, namespace: w.namespace, labels: w.labels }));
}

/** Policies that refuse something at some pods. */
function policiesAt(world: World, pods: Pods): KubernetesObject[] {
  return world.gather(world.of("AuthorizationPolicy"), (policy) => {
    if (!isEnforced(policy)) return [];
    if (pods.targets !== undefined || isTargeted(policy)) {
      const same = policy.namespace === pods.namespace && targetsOf(policy) === pods.targets;
      return same ? [policy] : [];
    }
    const near = [pods.namespace, rootNamespace].includes(policy.namespace);
    return near && covers(selectorOf(policy) ?? {}, pods.labels) ? [policy] : [];
  });
}

/** Whether a rule of a DENY is about requests without a token, and about what of them. */
function refuses(rule: PolicyRule): "all" | "some" | undefined {
  const sources = sourcesOf(rule);
  const source = sources.find((s) => s.notRequestPrincipals?.includes("*"));
  const condition = conditionsOn(rule, "request.auth.principal").find((c) =>
    c.notValues?.includes("*"),
  );
  if (!source && !condition) return undefined;
  const spares = operationsOf(rule).some((o) => Object.entries(o).some(sparesMuch));
  const others = (rule.when ?? []).filter((c) => c !== condition || c.values?.length);
  const anybody = source ? Object.keys(source).length === 1 : sources.length === 0;
  return anybody && others.length === 0 && !spares ? "all" : "some";
}

/** Whether a field of an operation leaves more of the requests out than what it names one by one. */
function sparesMuch([field, values]: [string, unknown]): boolean {
  if (!field.startsWith("not")) return true;
  const all: readonly unknown[] = ["*", "/*", "/{**}", "{**}"];
  return Array.isArray(values) && values.some((value) => all.includes(value));
}

/** Ports of pods on which all Gateways only send to https. */
function redirectPorts(world: World, pods: Pods): string[] {
  const servers = world.gather(world.of("Gateway"), (gateway) =>
    covers(podsOf(gateway), pods.labels)
      ? serversOf(gateway).map(({ server }) => ({
          port: String(server.port.number),
          redirects: isPlain(server) && onlyRedirects(world, gateway, server),
        }))
      : [],
  );
  const others = servers.filter((s) => !s.redirects).map((s) => s.port);
  return servers.map((s) => s.port).filter((port) => !others.includes(port));
}

/** Whether a rule is about some ports and about nothing else. */
function isAboutPorts(rule: PolicyRule, ports: readonly string[]): boolean {
  const operations = operationsOf(rule);
  return (
    operations.length > 0 &&
    operations.every((o) => o.ports?.length && o.ports.every((port) => ports.includes(port)))
  );
}

/** What lets requests without a token pass at some pods: rules by their place, "nobody asks", or nothing. */
function gaps(world: World, pods: Pods): string[] | "nobody" {
  const rules = (action: string) =>
    world.gather(policiesAt(world, pods), (policy) =>
      policyOf(policy).action === action
        ? rulesOf(policy).map((rule, i) => ({ rule, path: `${policy.name} spec.rules[${i}]` }))
        : [],
    );
  const refused = rules("DENY").map(({ rule }) => refuses(rule));
  if (refused.includes("all")) return [];
  const allowed = rules("ALLOW");
  if (!refused.includes("some") && !allowed.some(({ rule }) => asksForToken(rule))) return "nobody";
  if (allowed.length === 0) return ["what no policy refuses"];
  const ports = redirectPorts(world, pods);
  return allowed
    .filter(({ rule }) => !asksForToken(rule) && !namesCallers(rule) && !isAboutPorts(rule, ports))
    .map(({ path }) => path);
}

/** az-02 */
export function tokensAreAskedFor(): Rule {
  const about = {
    id: "az-02",
    level: "mandatory",
    description:
      "Where tokens are looked at, each rule asks for one or names the caller, but for ports that only redirect",
    url: "https://istio.io/latest/docs/reference/config/security/request_authentication/",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("RequestAuthentication"), function* (object) {
      const found = podsWithTokens(world, object).map((pods) => ({
        ...pods,
        gaps: gaps(world, pods),
      }));
      const unasked = found.filter((pods) => pods.gaps === "nobody").map((pods) => pods.name);
      if (unasked.length > 0)
        yield {
          ...at(object),
          what: `no AuthorizationPolicy that is enforced asks for a token at ${unasked.join(", ")}`,
          fix: "add requestPrincipals to the rules that allow, or deny notRequestPrincipals: [*]",
        };
      const open = found.flatMap((pods) => (pods.gaps === "nobody" ? [] : pods.gaps));
      if (open.length > 0)
        yield {
          ...at(object),
          part: "open",
          what: `requests without a token pass by ${[...new Set(open)].join(", ")}`,
          fix: "add requestPrincipals, or the principals of callers, to each rule",
        };
    }),
  );
}
