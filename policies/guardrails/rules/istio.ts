import { Workload, workloadKinds } from "../pods.ts";
import type { Resource } from "../resource.ts";
import { type Fault, type Finding, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, selectorOf } from "../world.ts";

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

/** ist-01 */
export function supportedVersion(): Rule {
  const about = {
    id: "ist-01",
    level: "mandatory",
    description:
      "Istio is 1.29.7, 1.30.4, 1.31.1 or later of these lines, and its three charts are of one version",
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
  });
}

const retired =
  /istio-release\.storage\.googleapis\.com|storage\.googleapis\.com\/istio-|gcr\.io\/istio-(release|testing)|hub\.docker\.com\/u\/istio/;

/** ist-02 */
export function livingHosts(): Rule {
  const about = {
    id: "ist-02",
    level: "mandatory",
    description: "Charts and images of Istio come from hosts that are not being retired",
    url: "https://istio.io/latest/blog/",
  } as const;
  const places = (resource: Resource): unknown => {
    if (resource.type.endsWith(":Release") || resource.type.endsWith(":Chart"))
      return resource.props;
    return resource.type.endsWith(":ConfigMap") ? resource.props.data : undefined;
  };
  return {
    ...about,
    *resource(resource) {
      const found = retired.exec(JSON.stringify(places(resource) ?? ""))?.[0];
      if (found) yield { ...at(resource), what: `names ${found}, which is retired`, fix: moved };
      yield* images.resource!(resource, { registries: [], leafHours: 0, minReplicas: 0 });
    },
  };
}

const moved =
  "take charts from blob.istio.io or oci://ghcr.io/istio/release, images from docker.io/istio";

const images = objectRule(
  { id: "ist-02", level: "mandatory", description: "", url: "" },
  workloadKinds,
  function* (object): Iterable<Fault> {
    for (const { image = "" } of new Workload(object).containers)
      if (retired.test(image)) yield { what: `runs ${image}, from a retired host`, fix: moved };
  },
);

/** ist-03 */
export function guardedControlPlane(): Rule {
  const about = {
    id: "ist-03",
    level: "production",
    description:
      "istiod has no plaintext port and no open debug pages, and its webhooks fail closed",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#control-plane",
  } as const;
  return stackRule(about, function* (world) {
    yield* world.each(
      world.workloads.filter((w) => w.isControlPlane),
      function* (workload) {
        const where = at(workload.object);
        const args = workload.containers.flatMap((c) => c.args ?? []);
        const env = workload.containers.flatMap((c) => c.env ?? []);
        if (!args.some((arg) => /^--grpcAddr=("")?$/.test(arg)))
          yield {
            ...where,
            part: "plaintext",
            what: "serves configuration in plaintext on 15010",
            fix: 'start it with --grpcAddr=""',
          };
        if (!env.some((e) => e.name === "ENABLE_DEBUG_ON_HTTP" && e.value === "false"))
          yield {
            ...where,
            part: "debug",
            what: "shows its debug pages on 8080 and 15014",
            fix: "set ENABLE_DEBUG_ON_HTTP to false in pilot.env",
          };
      },
    );
    const kinds = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
    yield* world.each(world.of(...kinds), function* (object) {
      const hooks = (object.resource.props.webhooks ?? []) as readonly {
        readonly name: string;
        readonly failurePolicy?: string;
      }[];
      const open = hooks.filter(
        (hook) => hook.name.endsWith("istio.io") && hook.failurePolicy === "Ignore",
      );
      if (open.length > 0)
        yield {
          ...at(object),
          part: "webhooks",
          what: `${open.map((hook) => hook.name).join(", ")} let everything pass while istiod is away`,
          fix: "set failurePolicy: Fail (base.validationFailurePolicy)",
        };
    });
  });
}

/** ist-04 */
export function noOpenWindow(): Rule {
  const about = {
    id: "ist-04",
    level: "mandatory",
    description: "A Gateway comes after istiod and after the policies that its gateway asks",
    url: "https://www.pulumi.com/docs/iac/concepts/resources/options/dependson/",
  } as const;
  return stackRule(about, function* (world) {
    const after = order(world);
    const istiod = world.workloads.filter((w) => w.isControlPlane).map((w) => w.object);
    const policies = world
      .of("AuthorizationPolicy", "RequestAuthentication")
      .filter((o) => selectorOf(o) && world.isAtGateway(o));
    yield* world.each(world.of("Gateway", "VirtualService"), function* (gateway) {
      if (!gateway.resource.urn || !gateway.resource.dependencies) return;
      const before = after(gateway.resource);
      const early = [...istiod, ...policies].filter((o) => !before.has(o.resource.urn!));
      if (early.length > 0)
        yield {
          ...at(gateway),
          what: `may be there before ${early.map((o) => at(o).about).join(", ")}`,
          fix: "add them to its dependsOn",
        } satisfies Finding;
    });
  });
}

/** Everything that is there before a resource: what it and its parents wait for, and the parts of that. */
function order(world: World): (resource: Resource) => ReadonlySet<string> {
  const byUrn = new Map(world.resources.flatMap((r) => (r.urn ? [[r.urn, r] as const] : [])));
  const children = Map.groupBy(world.resources, (r) => r.parent);
  return (resource) => {
    const seen = new Set<string>();
    const add = (urn: string) => {
      if (seen.has(urn)) return;
      seen.add(urn);
      for (const child of children.get(urn) ?? []) if (child.urn) add(child.urn);
      visit(byUrn.get(urn));
    };
    const visit = (one: Resource | undefined) => {
      one?.dependencies?.forEach(add);
      if (one?.parent) visit(byUrn.get(one.parent));
    };
    visit(resource);
    return seen;
  };
}
