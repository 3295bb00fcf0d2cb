import type { Tools } from "./access-checks.ts";
import { nearest } from "./nearest.ts";
import { gatewayNamespace as istioNamespace } from "./rollout.ts";
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
  return found;
}

/** On a cluster of the stack's own, a namespace that the stack does not make has nobody in it. */
export function namespaceChecks(
  s: Settings,
  { namespace }: Rule,
  key: string,
  { problem, remove, set }: Tools,
): Problem[] {
  const known = [...new Set([s.namespace, istioNamespace, ...s.clients.map((c) => c.namespace)])];
  if (namespace === undefined || s.cluster !== "kind" || known.includes(namespace)) return [];
  const near = nearest(namespace, known);
  const allowed = `a namespace of this stack: ${known.join(", ")}; clients make others, and principal names an identity that comes from elsewhere`;
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
