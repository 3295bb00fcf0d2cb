import { isChosen } from "./objects.ts";
import type { Platform } from "./platform.ts";
import type { Unjudged } from "./unjudged.ts";

/**
 * Gateways that select pods which are no gateway's proxy, by whatever labels these have in common. A sidecar takes none of
 * their servers, and whether anything else makes a door there nobody can read from them.
 */
export function gatewayProblems({
  gateways,
  workloads,
}: Pick<Platform, "gateways" | "workloads">): Unjudged[] {
  const others = [...workloads.values()].filter((w) => w.proxy !== "gateway");
  return gateways.flatMap(({ namespace, name, spec, place }) =>
    others
      .filter((w) => isChosen(spec.selector, w.labels))
      .map(({ id, namespace: of, labels }): Unjudged => ({
        ...{ object: `Gateway ${namespace}/${name}`, place },
        text: `selects ${id}, whose pods are no gateway's proxy, and what it does there is not read here`,
        // what callers inside get is known: they meet a sidecar, or nothing
        scope: { edge: true, namespace: of, labels },
      })),
  );
}
