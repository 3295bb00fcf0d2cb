import type { VirtualServiceSpec } from "../../routing.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import type { World } from "../world.ts";
import { type EnvoyFilterSpec, filtersOf } from "./filters.ts";
import { hasDigest, isAllowed } from "./images.ts";

const envoyFilterDocs = "https://istio.io/latest/docs/reference/config/networking/envoy-filter/";

/** Patches that are for gateways. */
function gatewayPatches(world: World) {
  return world
    .gather(world.of("EnvoyFilter"), filtersOf)
    .filter(({ patch }) => patch.match?.context === "GATEWAY");
}

/** tf-01 */
export function rateLimits(): Rule {
  const about = {
    id: "tf-01",
    level: "production",
    description:
      "The gateway limits rates: each route has its limit, and no limit is for a route that is gone",
    url: "https://istio.io/latest/docs/tasks/policy-enforcement/rate-limit/",
    disabled: "the platform sets no rate limits yet",
  } as const;
  return stackRule(about, function* (world) {
    const limits = gatewayPatches(world).filter(({ patch }) =>
      JSON.stringify(patch.patch ?? {}).includes("ratelimit"),
    );
    const limited = limits.flatMap(
      ({ patch }) => patch.match?.routeConfiguration?.vhost?.route?.name ?? [],
    );
    const routes = world
      .of("VirtualService")
      .flatMap((object) =>
        (object.field<VirtualServiceSpec>().http ?? [])
          .filter((http) => !http.redirect)
          .map((http) => ({ object, name: http.name ?? "" })),
      );
    for (const { object, name } of routes.filter((r) => !limited.includes(r.name)))
      yield {
        ...at(object),
        what: `the route ${name || "without a name"} has no rate limit at the gateway`,
        fix: "add a local_ratelimit for the route's name",
      };
    for (const name of limited.filter((n) => routes.every((r) => r.name !== n)))
      yield {
        about: `Route/${name}`,
        what: "has a rate limit, and no VirtualService has such a route",
        fix: "drop the limit",
      };
  });
}

/**
 * Whether a pattern of versions takes any: those that never were, or both the oldest and one that is far off. It counts
 * where it is found in the version, as Istio reads it.
 */
function isWild(pattern: string): boolean {
  const matches = (version: string) => new RegExp(pattern).test(version);
  return ["0.0.0", "99.0.0"].some(matches) || ["1.0.0", "1.99.0"].every(matches);
}

/** tf-02 */
export function boundedFilters(): Rule {
  const about = {
    id: "tf-02",
    level: "mandatory",
    description:
      "An EnvoyFilter says whose it is, where it applies, in which order and to which versions",
    url: `${envoyFilterDocs}#EnvoyFilter`,
  } as const;
  return objectRule(about, ["EnvoyFilter"], function* (object): Iterable<Fault> {
    const { priority } = object.field<EnvoyFilterSpec>();
    const owner = Object.keys(object.labels).some((label) =>
      /(^|\/)(owner|managed-by)$/.test(label),
    );
    if (!owner) yield { what: "has no owner", fix: "label it app.kubernetes.io/managed-by" };
    if (priority === undefined)
      yield { what: "has no priority: its order is that of its age", fix: "set spec.priority" };
    for (const { path, patch } of filtersOf(object)) {
      if (!patch.match?.context || patch.match.context === "ANY")
        yield { what: `${path} applies everywhere`, fix: `set ${path}.match.context` };
      const version = patch.match?.proxy?.proxyVersion;
      if (version === undefined || isWild(version))
        yield {
          what: `${path} applies to ${version === undefined ? "every version" : `the versions ${version}`}`,
          fix: `set ${path}.match.proxy.proxyVersion to the versions that it was written for, such as ^1\\.31\\.`,
        };
    }
  });
}

interface WasmSpec {
  readonly url: string;
  readonly sha256: string;
  readonly failStrategy: string;
}

/** The module of an extension; undefined when it is none of wasm. */
function moduleOf(object: KubernetesObject): Partial<WasmSpec> | undefined {
  if (object.kind === "WasmPlugin") return object.field<WasmSpec>();
  return object.field<{ wasm: Partial<WasmSpec> }>().wasm;
}

/** tf-03 */
export function pinnedExtensions(): Rule {
  const about = {
    id: "tf-03",
    level: "mandatory",
    description:
      "Code in proxies is pinned by digest, from an allowed registry, and says what its failure means",
    url: "https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/",
  } as const;
  return objectRule(
    about,
    ["WasmPlugin", "TrafficExtension"],
    function* (object, { registries }): Iterable<Fault> {
      const module = moduleOf(object);
      if (!module) return;
      const { url = "", sha256, failStrategy } = module;
      if (!sha256 && !hasDigest(url))
        yield { what: `${url} is not pinned`, fix: "name a digest (@sha256:…), or set sha256" };
      if (!isAllowed(url.replace(/^oci:\/\//, ""), registries))
        yield {
          what: `${url} is from no allowed registry (${registries.join(", ")})`,
          fix: "take it from one of them",
        };
      if (!failStrategy || failStrategy === "UNSPECIFIED")
        yield { what: "does not say what its failure means", fix: "set failStrategy: FAIL_CLOSE" };
    },
  );
}

/** tf-04 */
export function edgeLimits(): Rule {
  const about = {
    id: "tf-04",
    level: "advisory",
    description: "The gateway has timeouts for its routes, and limits for bodies and connections",
    url: "https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge",
  } as const;
  return stackRule(about, function* (world) {
    yield* world.each(world.of("VirtualService"), function* (object) {
      const { http = [] } = object.field<VirtualServiceSpec>();
      const open = http.filter((route) => !route.redirect && !route.timeout);
      if (open.length > 0)
        yield {
          ...at(object),
          part: "timeouts",
          what: `routes without a timeout: ${open.map((route) => route.name ?? "one without a name").join(", ")}`,
          fix: "set timeout on the services",
        };
    });
    const patches = JSON.stringify(gatewayPatches(world).map(({ patch }) => patch));
    for (const gateway of world.gateways) {
      const settings = `${patches}${gateway.annotations["proxy.istio.io/config"] ?? ""}`;
      const lacks = [
        ...(/extensions\.filters\.http\.buffer/.test(settings) ? [] : ["bodies"]),
        ...(/downstream_connections|connection_limit/.test(settings) ? [] : ["connections"]),
      ];
      if (lacks.length > 0)
        yield {
          ...at(gateway.object),
          part: "limits",
          what: `has no limit for ${lacks.join(" and ")}`,
          fix: "add an EnvoyFilter for the gateway",
        };
    }
  });
}
