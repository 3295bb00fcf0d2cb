import { fullName, isWildcard, wildcardMatches } from "../evaluate/hosts.ts";
import type { Caller } from "../evaluate/request.ts";
import { principalOf } from "../evaluate/transport.ts";
import { selects } from "../manifests/objects.ts";
import type { Platform } from "../manifests/platform.ts";
import type { Workload } from "../manifests/workloads.ts";
import { takes } from "./asking.ts";
import { unique } from "./literals.ts";
import { strangersAccount } from "./question.ts";
import { type NamedRule, type Sides, distinct, strangerOf, workloadIds } from "./sides.ts";

/**
 * Callers that are tried with each rule beside its own: plaintext, strangers, gateways, those whom a DestinationRule makes
 * dial otherwise, and workloads that are not what they were.
 *
 * @param hosts names by which the workload is dialled
 */
export function callersFor(
  sides: Sides,
  id: string,
  rules: readonly NamedRule[],
  hosts: readonly string[],
): Caller[] {
  const gateways = sides.flatMap((p) =>
    [...p.workloads.values()].filter((w) => w.proxy === "gateway").map((w) => w.id),
  );
  return distinct<Caller>([
    { kind: "plaintext" },
    strangerOf(id.split("/")[0]!),
    strangerOf("elsewhere"),
    ...[...unique(gateways), ...otherThanBefore(sides, rules)].map(ofWorkload),
    ...dialling(sides, hosts),
    ...foreign(sides, id.split("/")[0]!),
  ]);
}

/** Somebody of each trust domain that either side knows beside the mesh's own. */
function foreign(sides: Sides, namespace: string): Caller[] {
  const own = sides[1].mesh.trustDomains[0];
  return unique(sides.flatMap((p) => p.mesh.trustDomains))
    .filter((trustDomain) => trustDomain !== own)
    .map((trustDomain) => ({ ...strangerOf(namespace), trustDomain }) as Caller);
}

function ofWorkload(workload: string): Caller {
  return { kind: "workload", workload };
}

/** Somebody of each namespace with a DestinationRule for a host, and of each kind of pods that one is about alone. */
function dialling(sides: Sides, hosts: readonly string[]): Caller[] {
  return sides.flatMap(({ destinationRules, workloads }) =>
    destinationRules.flatMap(({ spec, namespace }): Caller[] => {
      const host = fullName(spec.host, namespace);
      const about = (h: string) => (isWildcard(host) ? wildcardMatches(host, h) : host === h);
      if (!hosts.some(about)) return [];
      const labels = spec.workloadSelector?.matchLabels;
      if (!labels) return [strangerOf(namespace)];
      const client = [...workloads.values()].find(
        (w) => w.namespace === namespace && selects(labels, w.labels),
      );
      return client ? [ofWorkload(client.id)] : [];
    }),
  );
}

interface Other {
  readonly id: string;
  /** All that decides how it dials, on both sides. */
  readonly likeness: string;
  /** Whether it is on one side alone, and dials as anybody does. */
  readonly usual: boolean;
  /** Its identities. */
  readonly principals: readonly string[];
}

const known = new WeakMap<Sides, readonly Other[]>();

/** Workloads that are new, or have another identity or proxy: of those that rules and clients' settings tell not apart, one. */
function otherThanBefore(sides: Sides, rules: readonly NamedRule[]): string[] {
  const others = known.get(sides) ?? findOthers(sides);
  known.set(sides, others);
  if (others.length === 0) return [];
  const { trustDomains } = sides[1].mesh;
  const tests = rules.map(({ rule, namespace }) =>
    takes(rule, "callers", { namespace, trustDomains }),
  );
  const held = (principal: string) => tests.map((t) => Number(t({ principal }))).join("");
  const found = new Map<string, string>();
  for (const { id, likeness, principals, usual } of others) {
    const mine = principals.map(held).join();
    // whom no rule tells from a stranger gets what a stranger gets
    const stranger = `${trustDomains[0]}/ns/${id.split("/")[0]}/sa/${strangersAccount}`;
    if (usual && mine === held(stranger)) continue;
    const key = `${likeness} ${mine}`;
    if (!found.has(key)) found.set(key, id);
  }
  return [...found.values()];
}

function findOthers(sides: Sides): Other[] {
  return workloadIds(sides).flatMap((id) => {
    const forms = sides.map((platform) => {
      const workload = platform.workloads.get(id);
      return workload && formOf(platform, workload);
    });
    const [before, after] = forms.map((f) => JSON.stringify(f));
    if (before === after) return [];
    const there = forms.filter((f) => f !== undefined);
    return [
      {
        id,
        likeness: JSON.stringify(
          forms.map((f) => f && { ...f, principal: "", namespace: id.split("/")[0] }),
        ),
        principals: there.map((f) => f.principal),
        usual: there.length === 1 && there[0]!.dials.length === 0,
      },
    ];
  });
}

/** What of a workload decides how it dials, and who it is then. */
function formOf(platform: Platform, workload: Workload) {
  return {
    principal: principalOf(platform, workload),
    proxy: workload.proxy,
    // labels count for nothing else of a caller's
    dials: platform.destinationRules
      .filter(({ spec }) => spec.workloadSelector)
      .filter(({ spec }) => selects(spec.workloadSelector?.matchLabels, workload.labels))
      .map(({ namespace, name }) => `${namespace}/${name}`),
  };
}
