import { type Manifest, selects } from "../../meaning/manifests/objects.ts";
import { servicesOf, workloadId } from "../../meaning/manifests/workloads.ts";
import type { KubernetesObject } from "../../manifests/object.ts";
import { type Agreement, compare, placed, together } from "../agreement.ts";
import type { ManifestNames, ProbeTarget } from "../probe.ts";
import { inWorld } from "../reports/report.ts";
import type { Outcome } from "../runner.ts";
import type { Step, WorldPlace } from "./world.ts";

/** What was asked of a world at once, with the objects that stood in it then. */
export interface AskedOfManifests {
  readonly outcomes: readonly Outcome[];
  readonly target: ProbeTarget;
  readonly objects: readonly KubernetesObject[];
}

/**
 * How the manifests of a world name what is asked of it: pods that nothing makes.
 *
 * @param strangers namespace of the callers whose account no rule names
 */
export function namesIn(
  { gateway }: WorldPlace,
  objects: readonly KubernetesObject[],
  strangers: string,
): ManifestNames {
  const all = objects.map(asManifest);
  const services = servicesOf(all);
  const pods = all.filter(({ kind }) => kind === "Pod");
  const named = (name: string) => pods.find(({ metadata }) => metadata.name === name)!;
  return {
    ...{ door: workloadId(named(gateway.app)), strangers },
    workload: (service) => workloadId(named(service)),
    behind: (host, number) => {
      const { selector = {}, ports = [] } = services.find((s) => s.host === host) ?? {};
      const target = ports.find(({ port }) => port === number)?.target;
      const [pod, ...more] = pods.filter((p) => selects(selector, p.metadata.labels ?? {}));
      if (!pod || more.length > 0 || typeof target !== "number") return undefined;
      return { workload: workloadId(pod), port: target };
    },
  };
}

const asManifest = (object: KubernetesObject) => placed(object);

/** The objects once a step has changed them. */
export function changed(
  objects: readonly KubernetesObject[],
  { apply = [], remove = [] }: Step,
): KubernetesObject[] {
  const key = ({ kind, metadata }: KubernetesObject) => `${kind.toLowerCase()}/${metadata.name}`;
  const gone = new Set([...apply.map(key), ...remove.map((name) => name.toLowerCase())]);
  return [...objects.filter((object) => !gone.has(key(object))), ...apply];
}

/**
 * Holds the evaluator's answers against those of traffic, world by world and step by step.
 *
 * @param running the objects of the cluster around them
 */
export function worldsBesideManifests(
  running: readonly Manifest[],
  asked: readonly AskedOfManifests[],
): Agreement {
  const own = new Set(asked.map(({ target }) => target.settings.namespace));
  const around = running.filter(
    ({ kind, metadata }) => !own.has(kind === "Namespace" ? metadata.name : metadata.namespace!),
  );
  return together(
    asked.map(({ outcomes, target, objects }) => {
      const inside = objects.map(asManifest);
      const named = outcomes.map((o) => ({ ...o, item: inWorld(o, o.item) }));
      return compare([...around, ...inside], named, target);
    }),
  );
}
