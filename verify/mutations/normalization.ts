import { gatewayNamespace, type Settings } from "../../settings/index.ts";
import type { KubernetesObject } from "../callers/objects.ts";
import { decisionOf } from "../calls.ts";
import { unrouted } from "../probes/edge-requests.ts";
import { openCall, pathProbes } from "../probes/paths.ts";
import { itemsOf, red } from "./expectations.ts";
import type { Expected, Mutation } from "./mutation.ts";
import { all, needs } from "./objects.ts";

const configMap = ({ istio }: Settings) => ({
  ...{ apiVersion: "v1", kind: "ConfigMap" },
  metadata: {
    name: istio.revision ? `istio-${istio.revision}` : "istio",
    namespace: gatewayNamespace,
  },
});

/** Paths that get another answer when they are compared as they come: those that rules no longer know, either way. */
function asTheyCome(s: Settings): Expected[] {
  return pathProbes.flatMap(({ id, expect }) => {
    // a sweep of hundreds says nothing more
    if (id === "P11" || id === "P9-deny") return [];
    return itemsOf(id, s).flatMap((path) => {
      const wanted = expect(s, path).reason === "ok";
      const decision = decisionOf(s, { ...openCall(s, id, path), path });
      const { allowed } = decision;
      if (allowed === wanted) return [];
      // a rule may take what no route does
      const nowhere = !allowed && decision.routed === false;
      const got = allowed ? "ok" : nowhere ? unrouted(s, path) : "rbac-denied";
      return red(s, id, { got }, [path]);
    });
  });
}

/** How paths are read before rules are asked. */
export const normalizationMutations: readonly Mutation[] = [
  {
    id: "normalization-none",
    breaks: "paths are compared with rules as they come, not as services read them",
    notFor: all(
      needs((s) => s.cluster === "kind", "the mesh is not the stack's alone"),
      needs(
        (s) => asTheyCome(s).length > 0,
        "no rule names a path that could be written otherwise",
      ),
    ),
    reads: (s) => [configMap(s)],
    change: ([live]) => ({ changed: [unnormalized(live!)] }),
    remounts: true,
    expected: asTheyCome,
  },
];

/** @throws Error when the mesh's configuration does not say how paths are normalized */
function unnormalized(live: KubernetesObject): KubernetesObject {
  const data = live.data as Readonly<Record<string, string>>;
  const mesh = data.mesh!.replace(/^(\s*normalization:) \w+$/m, "$1 NONE");
  if (mesh === data.mesh) throw new Error("the ConfigMap of the mesh names no normalization");
  return { ...live, data: { ...data, mesh } };
}
