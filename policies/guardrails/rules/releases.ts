import { Workload } from "../pods.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Finding, type Rule, at, stackRule } from "../rule.ts";
import { type World, rootNamespace, yamlMap } from "../world.ts";

const bulletins = "https://istio.io/latest/news/security/";

/** First versions of each line without the flaws of the bulletins 2026-001 to 2026-006. */
const floors: Readonly<Record<string, number>> = { "1.29": 7, "1.30": 4, "1.31": 1 };

/** Whether a version of Istio has the known flaws mended. */
export function fixedVersion(version: string): boolean {
  const [, line, patch, suffix] = /^v?(\d+\.\d+)\.(\d+)(-.+)?$/.exec(version) ?? [];
  if (line === undefined || suffix !== undefined) return false;
  const floor = floors[line];
  if (floor !== undefined) return Number(patch) >= floor;
  return Number(line.split(".")[1]) > 31 || !line.startsWith("1.");
}

/** Istio's charts. */
const charts = ["base", "istiod", "gateway"];

/** Versions of Istio's charts by the labels of their objects; all of them, should objects of one chart differ. */
function chartVersions(world: World): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const resource of world.resources) {
    const { labels } = (resource.props.metadata ?? {}) as { labels?: Record<string, string> };
    const [, chart, version] =
      /^(base|istiod|gateway)-(v?\d.*)$/.exec(labels?.["helm.sh/chart"] ?? "") ?? [];
    if (chart && version) found.set(chart, (found.get(chart) ?? new Set<string>()).add(version));
  }
  return found;
}

/** Version of the control plane; undefined when it is not in the stack. */
export function istioVersionOf(world: World): string | undefined {
  return chartVersions(world).get("istiod")?.values().next().value;
}

const newest = Object.entries(floors)
  .map(([line, patch]) => `${line}.${patch}`)
  .join(", ");

/** What is wrong with one version; undefined when nothing is. */
function versionFault(version: string): Fault | undefined {
  if (fixedVersion(version)) return undefined;
  return /^v?\d+\.\d+\.\d+$/.test(version)
    ? { part: "floor", what: `is ${version}, with known flaws`, fix: `use ${newest} or later` }
    : {
        part: "unreleased",
        what: `is ${version}, which is no release: nobody says which flaws it has`,
        fix: `use ${newest} or later`,
      };
}

/** What the injector gives to pods, as far as it tells the version of proxies. */
interface InjectorValues {
  readonly global: {
    readonly hub?: string;
    readonly tag?: string | number;
    readonly proxy?: { readonly image?: string };
  };
}

/** The image of proxies by the injector's settings: a name below the hub, or one that is written out. */
function proxyImageOf(object: KubernetesObject): string {
  const { values = "" } = object.field<{ values: string }>("data");
  const { hub = "", tag = "", proxy } = yamlMap<InjectorValues>(values, "data.values").global ?? {};
  const image = proxy?.image ?? "proxyv2";
  return image.includes("/") ? image : `${hub}/${image}:${tag}`;
}

/** What says which images istiod and the proxies run. */
function imagePlaces(world: World): KubernetesObject[] {
  const pods = world.workloads.filter((w) => w.isControlPlane || w.isGateway);
  const injectors = world
    .of("ConfigMap")
    .filter((o) => o.namespace === rootNamespace && /^istio-sidecar-injector(-|$)/.test(o.name));
  return [...pods.map((w) => w.object), ...injectors];
}

/** Images of Istio that an object names, wherever they come from. */
function istioImages(object: KubernetesObject): string[] {
  if (object.kind === "ConfigMap") return [proxyImageOf(object)];
  const images = new Workload(object).containers.flatMap(({ image = "" }) => image);
  return images.filter((image) => /(^|\/)(pilot|proxyv2)([:@]|$)/.test(image));
}

const releaseOf = (version: string) =>
  /^v?(\d+\.\d+\.\d+)(?:-(?:distroless|debug))?$/.exec(version)?.[1];
const lineOf = (version: string) => /^v?(\d+\.\d+)\./.exec(version)?.[1];

/** What is wrong with an image beside the chart of istiod, whose own faults are told of the chart alone. */
function imageFault(image: string, chart: string | undefined): Fault | undefined {
  const tag = /:([^/:]+)$/.exec(image.replace(/@.*$/, ""))?.[1];
  // a digest by itself names no version
  if (!tag) return undefined;
  const release = releaseOf(tag);
  const fault = release && versionFault(release);
  if (fault) return { ...fault, what: `runs ${image}, with known flaws` };
  if (!chart) return undefined;
  const wanted = releaseOf(chart);
  const runs = `runs ${image}, and the chart of istiod is ${chart}`;
  const fix = "leave hub and tag to the charts, all of one version";
  if (wanted && !release)
    return { part: "unreleased", what: `${runs}: nobody says which flaws the image has`, fix };
  // what is built from a branch is of its line
  const same = wanted ? release === wanted : lineOf(tag) === lineOf(chart);
  return same ? undefined : { part: "equal", what: runs, fix };
}

/** ist-01 */
export function supportedVersion(): Rule {
  const about = {
    id: "ist-01",
    level: "mandatory",
    description:
      "Istio is 1.29.7, 1.30.4, 1.31.1 or later of these lines, and its charts and images are of one version",
    url: bulletins,
  } as const;
  return stackRule(about, function* (world) {
    const versions = chartVersions(world);
    for (const [chart, all] of versions)
      for (const fault of [...all].flatMap((version) => versionFault(version) ?? []))
        yield { about: `Chart/${chart}`, ...fault };
    const missing = charts.filter((chart) => !versions.has(chart));
    if (world.workloads.some((w) => w.isControlPlane) && missing.length > 0)
      yield {
        about: "Chart/istiod",
        part: "unknown",
        what: `istiod is there, and no object says the version of ${missing.join(", ")}`,
        fix: "install Istio by its charts, which label their objects with helm.sh/chart",
      };
    if (new Set([...versions.values()].flatMap((all) => [...all])).size > 1)
      yield {
        about: "Chart/istiod",
        part: "equal",
        // in one order, whatever order the engine has its resources in
        what: `the charts differ: ${charts
          .filter((chart) => versions.has(chart))
          .map((chart) => [chart, ...[...versions.get(chart)!].sort()].join(" "))
          .join(", ")}`,
        fix: "take all three of one version",
      };
    const chart = versions.get("istiod")?.values().next().value;
    yield* world.each(imagePlaces(world), function* (object): Iterable<Finding> {
      for (const fault of istioImages(object).flatMap((image) => imageFault(image, chart) ?? []))
        yield { ...at(object), ...fault };
    });
  });
}
