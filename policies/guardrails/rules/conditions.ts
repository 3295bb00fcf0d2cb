import type { Rule as PolicyRule } from "../../rule-spec.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, isTargeted, selectorOf } from "../world.ts";
import { fixedVersion, istioVersionOf } from "./releases.ts";
import {
  conditionsOn,
  isDenied,
  keyOf,
  operationsOf,
  policyDocs as docs,
  policyOf,
  rulesOf,
  sourcesOf,
} from "./policies.ts";
import { containerPort, isOpaque, servicesOf } from "./services.ts";

const known =
  /^(request\.headers\[[^\]]+\]|source\.(ip|namespace|principal|serviceAccount)|remote\.ip|request\.auth\.(principal|audiences|presenter)|request\.auth\.claims(\[[^\]]+\])+|destination\.(ip|port)|connection\.sni|experimental\.envoy\.filters\.[^[]+\[[^\]]+\])$/;

/** az-07 */
export function knownConditions(): Rule {
  const about = {
    id: "az-07",
    level: "mandatory",
    description: "Conditions ask for keys that Istio knows",
    url: "https://istio.io/latest/docs/reference/config/security/conditions/",
  } as const;
  return objectRule(about, ["AuthorizationPolicy"], function* (object): Iterable<Fault> {
    for (const [i, { when = [] }] of rulesOf(object).entries())
      for (const key of when.map(keyOf).filter((k) => !known.test(k)))
        yield {
          what: key
            ? `spec.rules[${i}] asks for ${key}, which does not exist`
            : `spec.rules[${i}] has a condition without a key`,
          fix: "use a key of Istio's list, such as source.principal or request.auth.claims[…]",
        };
  });
}

const full = /^[^*/]+\/ns\/[a-z0-9-]+\/sa\/[a-z0-9.-]+$/;

/** az-08 */
export function wholePrincipals(): Rule {
  const about = {
    id: "az-08",
    level: "mandatory",
    description: "Principals are written out: trust domain, namespace and account, no wildcard",
    url: `${docs}#Source`,
  } as const;
  return stackRule(about, function* (world) {
    const version = istioVersionOf(world);
    yield* world.each(world.of("AuthorizationPolicy"), function* (object) {
      const rules = rulesOf(object);
      const conditions = rules.flatMap((rule) => conditionsOn(rule, "source.principal"));
      const named = [
        ...rules
          .flatMap(sourcesOf)
          .flatMap((s) => [...(s.principals ?? []), ...(s.notPrincipals ?? [])]),
        ...conditions.flatMap((c) => [...(c.values ?? []), ...(c.notValues ?? [])]),
      ];
      for (const principal of named.filter((p) => p !== "*")) {
        if (!full.test(principal))
          yield {
            ...at(object),
            what: `the principal ${principal} is not <trust domain>/ns/<namespace>/sa/<account>`,
            fix: "write the whole identity",
          };
        else if (principal.split("/sa/")[1]!.includes(".") && version && !fixedVersion(version))
          yield {
            ...at(object),
            what: `Istio ${version} reads the dot in ${principal} as any character`,
            fix: "upgrade Istio, or name the account without a dot",
          };
      }
    });
  });
}

/** Fields of a rule that only HTTP has; addresses, those behind proxies too, are known of any connection. */
function httpFields(rule: PolicyRule): string[] {
  const operation = operationsOf(rule).flatMap((o) => Object.keys(o));
  const source = sourcesOf(rule).flatMap((s) => Object.keys(s));
  const conditions = (rule.when ?? []).map(keyOf);
  return [
    ...operation.filter((f) => /^(not)?(paths|methods|hosts)$/i.test(f)),
    ...source.filter((f) => /^(not)?requestPrincipals$/i.test(f)),
    ...conditions.filter((key) => key.startsWith("request.")),
  ];
}

/** Container ports of what a policy selects in which proxies see no HTTP; istiod has no proxy. */
function tcpPorts(world: World, selected: ReturnType<World["selected"]>): Set<string> {
  const ports = selected
    .filter((w) => !w.isGateway && !w.isControlPlane)
    .flatMap((w) =>
      servicesOf(world, w).flatMap(({ ports }) =>
        ports.filter(isOpaque).map((port) => containerPort(w, port)),
      ),
    );
  return new Set(ports);
}

/** az-09 */
export function httpRulesForHttp(): Rule {
  const about = {
    id: "az-09",
    level: "mandatory",
    description: "Rules that ask for HTTP are about ports that speak it",
    url: "https://istio.io/latest/docs/ops/common-problems/security-issues/#make-sure-you-are-not-using-http-only-fields-on-tcp-ports",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const tcp = tcpPorts(world, world.selected(object));
      if (tcp.size === 0) return;
      for (const [i, rule] of rulesOf(object).entries()) {
        const fields = httpFields(rule);
        const named = operationsOf(rule).flatMap((o) => o.ports ?? []);
        const meant = named.length === 0 ? [...tcp] : named.filter((port) => tcp.has(port));
        if (fields.length > 0 && meant.length > 0)
          yield {
            ...at(object),
            what: `spec.rules[${i}] asks for ${fields.join(", ")} on port ${meant.join(", ")}, which speaks no HTTP`,
            fix: "name the HTTP ports in to.operation.ports, or write a rule without HTTP's fields",
          };
      }
    }),
  );
}

/** az-10 */
export function denyIsSecondLine(): Rule {
  const about = {
    id: "az-10",
    level: "advisory",
    description: "What is refused by path is also not allowed: paths have many spellings",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#understand-path-normalization-in-authorization-policy",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const { action, rules = [] } = policyOf(object);
      if (action !== "DENY") return;
      const literal = rules.flatMap(operationsOf).flatMap((o) => o.paths ?? []);
      const spelled = literal.filter((p) => /[a-z]/i.test(p));
      if (literal.length > 0 && !isDenied(world, object.namespace))
        yield {
          ...at(object),
          what: `refuses ${literal.join(", ")}, and nothing refuses what no policy allows`,
          fix: "add a default deny and allow the paths that are needed",
        };
      else if (spelled.length > 0)
        yield {
          ...at(object),
          what: `refuses ${spelled.join(", ")} in this spelling alone; servers that ignore case serve others`,
          fix: "make sure that no ALLOW takes another spelling",
        };
    }),
  );
}

/** az-11 */
export function selectorsMatch(): Rule {
  const about = {
    id: "az-11",
    level: "mandatory",
    description: "The selector of a policy matches a workload of the stack",
    url: "https://istio.io/latest/docs/reference/config/analysis/ist0127/",
  } as const;
  return stackRule(about, (world) =>
    world.each(
      world.of("AuthorizationPolicy", "RequestAuthentication", "PeerAuthentication"),
      function* (object) {
        const labels = selectorOf(object);
        if (labels && !isTargeted(object) && world.selected(object).length === 0)
          yield {
            ...at(object),
            what: `selects ${JSON.stringify(labels)}, and no workload has these labels`,
            fix: "name labels of the pods, in the namespace of the pods",
          };
      },
    ),
  );
}

/** az-12 */
export function knownProviders(): Rule {
  const about = {
    id: "az-12",
    level: "mandatory",
    description: "The provider of a CUSTOM policy is in the mesh's configuration",
    url: "https://istio.io/latest/docs/tasks/security/authorization/authz-custom/",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("AuthorizationPolicy"), function* (object) {
      const { action, provider } = policyOf(object);
      if (action !== "CUSTOM") return;
      const declared = world.meshConfigs.flatMap(({ config }) =>
        (config.extensionProviders ?? [])
          .filter((p) => p.envoyExtAuthzHttp ?? p.envoyExtAuthzGrpc)
          .map((p) => p.name),
      );
      if (!declared.includes(provider?.name ?? ""))
        yield {
          ...at(object),
          what: `asks the provider ${provider?.name ?? "without a name"}, declared are: ${declared.join(", ") || "none"}`,
          fix: "declare it in meshConfig.extensionProviders",
        };
    }),
  );
}
