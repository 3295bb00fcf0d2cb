import type { Tools } from "./access-checks.ts";
import { nearest } from "./nearest.ts";
import { gatewayNamespace as istioNamespace, gatewayPrincipal } from "./rollout.ts";
import type { Problem } from "./problems.ts";
import type { Rule } from "./rule-checks.ts";
import type { Settings } from "./schema.ts";

/** An identity that nobody can have: of a service that the stack does not have, or of another trust domain. */
export function principalChecks(
  s: Settings,
  { principal }: Rule,
  key: string,
  { problem, set }: Tools,
): Problem[] {
  if (principal === undefined) return [];
  const [domain, namespace, account] = principal.split(/\/(?:ns|sa)\//);
  const names = s.services.map((x) => x.name);
  const own = namespace === s.namespace && account!.endsWith("-sa");
  const found: Problem[] = [];
  // whoever brought an Istio of his own may have named its trust domain
  if (domain !== "cluster.local" && !s.adopt.includes("istio"))
    found.push(
      problem(
        `${key}.principal`,
        principal,
        "an identity of the mesh's trust domain, cluster.local",
        set(`${key}.principal`, principal.replace(/^[^/]+/, "cluster.local")),
      ),
    );
  const name = account!.replace(/-sa$/, "");
  if (own && !names.includes(name)) {
    const near = nearest(name, names);
    found.push(
      problem(
        `${key}.principal`,
        principal,
        `an account of a service of this stack: ${names.map((n) => `${n}-sa`).join(", ")}`,
        set(`${key}.principal`, `cluster.local/ns/${namespace}/sa/${near ?? "<name>"}-sa`),
      ),
    );
  }
  return [...found, ...accountChecks(s, principal, namespace!, account!, key, { problem, set })];
}

/** Who is in a namespace that the stack makes, beside the bank's, is known; so is who made a cluster of the stack's own. */
function accountChecks(
  s: Settings,
  principal: string,
  namespace: string,
  account: string,
  key: string,
  { problem, set }: Pick<Tools, "problem" | "set">,
): Problem[] {
  const clients = s.clients.filter((c) => c.namespace === namespace).map((c) => `${c.name}-sa`);
  const adopted = ["istio", "namespaces", istioNamespace].some((name) => s.adopt.includes(name));
  const known =
    namespace === istioNamespace && !adopted ? [gatewayPrincipal.split("/").at(-1)!] : clients;
  const elsewhere = namespace === s.namespace || (s.cluster !== "kind" && known.length === 0);
  if (elsewhere || (namespace === istioNamespace && adopted) || known.includes(account)) return [];
  const near = nearest(account, known);
  return [
    problem(
      `${key}.principal`,
      principal,
      known.length > 0
        ? `an account that ${namespace} has: ${known.join(", ")}`
        : `an identity in a namespace of this stack: ${namespacesOf(s).join(", ")}; clients make others`,
      set(
        `${key}.principal`,
        `cluster.local/ns/${known.length > 0 ? namespace : "<namespace>"}/sa/${near ?? "<account>"}`,
      ),
    ),
  ];
}

/** Namespaces of the stack in which somebody has an identity. */
const namespacesOf = (s: Settings) => [
  ...new Set([
    ...[s.namespace, istioNamespace],
    ...s.clients.filter((c) => c.injection !== "none").map((c) => c.namespace),
  ]),
];

/**
 * On a cluster of the stack's own, a namespace that the stack does not make has nobody in it; and who is outside the mesh
 * has no namespace that a proxy could know.
 */
export function namespaceChecks(
  s: Settings,
  { namespace }: Rule,
  key: string,
  { problem, remove, set }: Tools,
): Problem[] {
  if (namespace === undefined || s.cluster !== "kind") return [];
  const inside = s.clients.findIndex((c) => c.namespace === namespace);
  const own = [s.namespace, istioNamespace].includes(namespace);
  if (inside >= 0 && !own) {
    const injected = s.clients.some((c) => c.namespace === namespace && c.injection !== "none");
    const allowed = `a namespace with a client inside the mesh: those of ${namespace} have no sidecar (injection: none), so no identity either`;
    const fix = set(`clients[${inside}].injection`, "namespace");
    return injected ? [] : [problem(`${key}.namespace`, namespace, allowed, fix)];
  }
  const known = namespacesOf(s);
  if (known.includes(namespace)) return [];
  const near = nearest(namespace, known);
  const allowed = `a namespace of this stack: ${known.join(", ")}; clients make others`;
  return [
    problem(
      `${key}.namespace`,
      namespace,
      allowed,
      near ? set(`${key}.namespace`, near) : remove(key),
    ),
  ];
}

/** The gateway alone knows where a client is. */
export function addressChecks(
  s: Settings,
  rule: Rule,
  key: string,
  { problem, remove, set }: Tools,
): Problem[] {
  const at = `${key}.remoteIpBlocks`;
  const found: Problem[] = [];
  if (!rule.gateway)
    found.push(
      problem(
        at,
        rule.remoteIpBlocks,
        "nothing but with gateway: true, for inside the mesh callers have identities",
        remove(key),
      ),
    );
  if (rule.ports)
    found.push(
      problem(
        at,
        rule.remoteIpBlocks,
        "no ports beside it: the gateway knows the client's address, the service its own ports",
        remove(key),
      ),
    );
  if (s.cluster === "kind" && s.trustedProxies === 0)
    found.push(
      problem(
        "trustedProxies",
        0,
        `at least 1 on kind while ${at} is set: behind Docker's NAT the peer's address is never the client's`,
        set("trustedProxies", "1"),
      ),
    );
  return found;
}
