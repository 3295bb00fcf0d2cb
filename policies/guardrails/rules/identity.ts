import type { Workload } from "../pods.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Rule, at, stackRule } from "../rule.ts";
import { type World, rootNamespace } from "../world.ts";

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}

interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs?: readonly string[];
}

/** Roles that Kubernetes brings along and that grant nearly everything, secrets among it: they say nothing of a need. */
const wideRoles: Readonly<Record<string, readonly string[]>> = {
  "cluster-admin": ["read secrets", "make gateways"],
  admin: ["read secrets"],
  edit: ["read secrets"],
};

interface Bound {
  readonly account: string;
  /** The role, where it is of the stack. */
  readonly role: KubernetesObject | undefined;
  /** Kind and name of the role. */
  readonly named: string;
  /** What the role grants too much, when it is one that Kubernetes brings along. */
  readonly wide: readonly string[] | undefined;
  readonly binding: KubernetesObject;
}

/** Accounts that roles are bound to, each as namespace/name, with the role. */
function boundAccounts(world: World): Bound[] {
  const roles = world.of("Role", "ClusterRole");
  return world.gather(world.of("RoleBinding", "ClusterRoleBinding"), (binding) => {
    const { kind, name } = binding.field<Binding["roleRef"]>("roleRef");
    const role = roles.find(
      (r) =>
        r.kind === kind &&
        r.name === name &&
        (kind === "ClusterRole" || r.namespace === binding.namespace),
    );
    const subjects = binding.field<Binding["subjects"]>("subjects");
    return [...(Array.isArray(subjects) ? (subjects as Binding["subjects"]) : [])]
      .filter((subject) => subject.kind === "ServiceAccount")
      .map((s) => ({
        account: `${s.namespace ?? binding.namespace}/${s.name}`,
        ...{ role, binding, named: `${kind} ${name}` },
        wide: role || kind !== "ClusterRole" ? undefined : wideRoles[name ?? ""],
      }));
  });
}

/** id-01 */
export function ownAccounts(): Rule {
  const about = {
    id: "id-01",
    level: "mandatory",
    description: "Each workload has a ServiceAccount of its own, never the namespace's default",
    url: "https://istio.io/latest/docs/concepts/security/#istio-identity",
  } as const;
  return stackRule(about, function* (world) {
    const seen = new Map<string, Workload>();
    yield* world.each(world.workloads, function* (workload) {
      const where = at(workload.object);
      const key = `${workload.namespace}/${workload.account}`;
      const other = seen.get(key);
      if (workload.account === "default")
        yield {
          ...where,
          what: "runs as the namespace's default account: rules cannot tell it from others",
          fix: "give it a ServiceAccount and name it in serviceAccountName",
        };
      else if (other)
        yield {
          ...where,
          what: `shares the account ${workload.account} with ${other.object.name}`,
          fix: "give each a ServiceAccount of its own",
        };
      else seen.set(key, workload);
    });
  });
}

interface Account {
  readonly automountServiceAccountToken: boolean;
}

/** id-02 */
export function noNeedlessTokens(): Rule {
  const about = {
    id: "id-02",
    level: "mandatory",
    description:
      "Pods get no token for the Kubernetes API unless a role that says what for is bound to their account",
    url: "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting",
  } as const;
  return stackRule(about, function* (world) {
    const needed = new Set(
      boundAccounts(world).flatMap(({ account, wide }) => (wide ? [] : [account])),
    );
    const accounts = world.of("ServiceAccount");
    yield* world.each(world.workloads, function* (workload) {
      const key = `${workload.namespace}/${workload.account}`;
      const account = accounts.find((o) => `${o.namespace}/${o.name}` === key);
      const mounted =
        workload.spec.automountServiceAccountToken ??
        (account?.resource.props as Partial<Account> | undefined)?.automountServiceAccountToken;
      if (mounted !== false && !needed.has(key))
        yield {
          ...at(workload.object),
          what: `its pods get a token of ${workload.account}, to which no role is bound that says what for`,
          fix: "set automountServiceAccountToken: false, or bind a role of what they need",
        };
    });
  });
}

const has = (list: readonly string[] | undefined, ...words: readonly string[]) =>
  (list ?? []).some((word) => word === "*" || words.includes(word));

function readsSecrets(rule: PolicyRule): boolean {
  return (
    has(rule.apiGroups, "") &&
    has(rule.resources, "secrets") &&
    has(rule.verbs, "get", "list", "watch")
  );
}

function makesGateways(rule: PolicyRule): boolean {
  return (
    has(rule.apiGroups, "networking.istio.io", "gateway.networking.k8s.io") &&
    has(rule.resources, "gateways") &&
    has(rule.verbs, "create", "update", "patch")
  );
}

/** id-03 */
export function fewRights(): Rule {
  const about = {
    id: "id-03",
    level: "advisory",
    description: "No application's account reads secrets or makes gateways",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#restrict-gateway-creation-privileges",
  } as const;
  return stackRule(about, function* (world) {
    const apps = boundAccounts(world).filter((b) => !b.account.startsWith(`${rootNamespace}/`));
    for (const { account, role, named, wide, binding } of apps) {
      const granted = role?.field<readonly PolicyRule[]>("rules");
      const list = Array.isArray(granted) ? (granted as readonly PolicyRule[]) : [];
      const can = [
        ...(wide ?? []),
        ...(list.some(readsSecrets) ? ["read secrets"] : []),
        ...(list.some(makesGateways) ? ["make gateways"] : []),
      ];
      if (can.length > 0)
        yield {
          about: `ServiceAccount/${account}`,
          urn: (role ?? binding).resource.urn,
          what: `may ${can.join(" and ")} by ${named}`,
          fix: wide
            ? "bind a role of what the account needs"
            : "take the verb out of the role, or bind it to another account",
        };
    }
  });
}
