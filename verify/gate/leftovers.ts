import type { Kubectl } from "../kubectl.ts";

/** A policy by name. */
export interface PolicyName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const kinds = [
  ...["peerauthentications", "authorizationpolicies", "requestauthentications"].map(
    (kind) => `${kind}.security.istio.io`,
  ),
  "destinationrules.networking.istio.io",
].join(",");

/** Policies where the stack has its own, that are not the stack's as it is now. */
export async function leftovers(
  kubectl: Kubectl,
  own: readonly PolicyName[],
): Promise<PolicyName[]> {
  const namespaces = [...new Set(own.map(({ namespace }) => namespace))];
  const lists = await Promise.all(
    namespaces.map((namespace) =>
      kubectl.json<{
        items: { kind: string; metadata: { namespace: string; name: string } }[];
      }>(["get", kinds, `--namespace=${namespace}`]),
    ),
  );
  const found = lists.flatMap(({ items }) =>
    items.map(({ kind, metadata: { namespace, name } }) => ({ kind, namespace, name })),
  );
  return found.filter((policy) => !own.some((o) => same(o, policy)));
}

/** What an error says about them; empty when there are none. */
export function leftoversText(policies: readonly PolicyName[]): string {
  if (policies.length === 0) return "";
  const names = policies.map(({ kind, namespace, name }) => `${kind} ${name} in ${namespace}`);
  return `
these policies are there too, and not the stack's as it is now: ${names.join(", ")}
fix: delete those that somebody made by hand; what the stack itself no longer has, Pulumi takes away only after this
check, so bring that change up with enforcementGate.enabled: false, and switch it on again`;
}

function same(a: PolicyName, b: PolicyName): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}
