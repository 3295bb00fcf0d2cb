import { Workload, runsPods } from "../pods.ts";
import type { Resource } from "../resource.ts";
import { type Fault, type Finding, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, selectorOf } from "../world.ts";

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
  runsPods,
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
