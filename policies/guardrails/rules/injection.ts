import { type Injector, injectorOf, isInjected } from "../../../meaning/evaluate/injection.ts";
import type { Manifest } from "../../../meaning/manifests/objects.ts";
import { Workload, runsPods } from "../pods.ts";
import type { KubernetesObject, Labels } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, isMeshConfig, meshConfigOf, rootNamespace } from "../world.ts";

const annotationDocs = "https://istio.io/latest/docs/reference/config/annotations/";
const injectionDocs =
  "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#automatic-sidecar-injection";

/** Who puts sidecars into pods, as far as the stack has it. */
function injectorIn(world: World): Injector {
  const settings = world
    .of("ConfigMap")
    .filter((o) => o.namespace === rootNamespace && o.name.startsWith("istio-sidecar-injector"));
  const objects = world.gather(
    [...world.of("MutatingWebhookConfiguration"), ...settings],
    ({ name, kind, labels, resource }) => {
      const manifest = {
        ...resource.props,
        kind,
        metadata: { name, labels },
      } as unknown as Manifest;
      injectorOf([manifest]); // what cannot be read is a finding there
      return [manifest];
    },
  );
  return injectorOf(objects);
}

/** A pod of a namespace; one that says nothing unless a workload is named. */
const podIn = (namespace: string, namespaceLabels: Labels, workload?: Workload) => ({
  ...{ namespace, namespaceLabels },
  labels: workload?.labels ?? {},
  annotations: workload?.annotations ?? {},
  // mesh-10 tells of those
  hostNetwork: false,
});

/** Workloads of a namespace that refuse no sidecar and get none all the same. */
function passedOver(world: World, injector: Injector, namespace: string, labels: Labels): string[] {
  const own = world.workloads.filter((w) => w.namespace === namespace && !w.isControlPlane);
  return world.gather(
    own.map((w) => w.object),
    (object) => {
      const workload = new Workload(object);
      if (workload.injectWord === "false") return [];
      return isInjected(injector, podIn(namespace, labels, workload)) ? [] : [object.name];
    },
  );
}

/** mesh-08 */
export function noOptOut(): Rule {
  const about = {
    id: "mesh-08",
    level: "mandatory",
    description:
      "Pods get their sidecar: none refuses it, and a webhook asks for those of each namespace",
    url: injectionDocs,
  } as const;
  return stackRule(about, function* (world) {
    const apps = world.workloads.filter((w) => !w.isControlPlane);
    yield* world.each(apps, function* (workload) {
      if (workload.injectWord === "false")
        yield {
          ...at(workload.object),
          what: "its pods refuse the sidecar (sidecar.istio.io/inject: false)",
          fix: "drop the label or annotation",
        };
    });
    const injector = injectorIn(world);
    for (const namespace of world.appNamespaces) {
      const labels = world.of("Namespace").find((o) => o.name === namespace)?.labels;
      // a namespace that others made says nothing here
      if (!labels) continue;
      const injection = labels["istio-injection"];
      const revision = injection === undefined ? labels["istio.io/rev"] : "default";
      const where = { about: `Namespace/${namespace}` };
      // whatever revision is named beside it, and whatever pods say themselves
      if (injection !== undefined && injection !== "enabled") {
        yield {
          ...where,
          what: `is labelled istio-injection: ${injection}: no pod there gets a sidecar`,
          fix: "label it istio-injection: enabled, or istio.io/rev alone",
        };
        continue;
      }
      const silent = podIn(namespace, labels);
      if (revision !== undefined && !isInjected({ ...injector, policy: true }, silent)) {
        yield {
          ...where,
          what: `asks for the revision ${revision}, of which there is no webhook: no pod there gets a sidecar`,
          fix: `name a revision that is there: ${injector.revisions.join(", ")}`,
        };
        continue;
      }
      const without = passedOver(world, injector, namespace, labels);
      if (without.length > 0)
        yield {
          ...where,
          what:
            revision === undefined
              ? `is not labelled for injection, and no webhook asks for the pods of ${without.join(", ")} by their labels`
              : `has ${without.join(", ")}, and the webhook leaves out pods that say nothing`,
          fix: "label the namespace istio-injection: enabled or istio.io/rev, or the pods sidecar.istio.io/inject: true",
        };
    }
  });
}

/** Annotations that change what a sidecar intercepts, or what it is. */
const forbidden =
  /^(traffic\.sidecar\.istio\.io\/.+|sidecar\.istio\.io\/(bootstrapOverride|componentLogLevel|controlPlaneAuthPolicy|discoveryAddress|enableCoreDump|extraStatTags|interceptionMode|logLevel|proxyImage|proxyImageType|rewriteAppHTTPProbers|userVolume|userVolumeMount)|inject\.istio\.io\/templates|proxy\.istio\.io\/(config|overrides)|istio\.io\/(redirect-virtual-interfaces|reroute-virtual-interfaces))$/;
/** What a gateway is made with: its template, and which proxies in front of it are believed. */
const gatewaysOwn = ["inject.istio.io/templates", "proxy.istio.io/config"];

const onPods = (object: KubernetesObject) => new Workload(object);

/** mesh-09 */
export function noInterceptionAnnotations(): Rule {
  const about = {
    id: "mesh-09",
    level: "mandatory",
    description: "No pod changes what its sidecar intercepts, or what its sidecar is",
    url: annotationDocs,
  } as const;
  return objectRule(about, runsPods, function* (object): Iterable<Fault> {
    const workload = onPods(object);
    const allowed = workload.isGateway ? gatewaysOwn : [];
    const names = Object.keys(workload.annotations).filter((a) => forbidden.test(a));
    for (const name of names.filter((a) => !allowed.includes(a)))
      yield { what: `its pods have the annotation ${name}`, fix: "drop it" };
  });
}

/** mesh-10 */
export function noProxyRights(): Rule {
  const about = {
    id: "mesh-10",
    level: "mandatory",
    description:
      "No pod has the sidecar's user, may change the network, or is on the node's network",
    url: "https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements",
  } as const;
  return objectRule(about, runsPods, function* (object): Iterable<Fault> {
    const { spec, containers } = onPods(object);
    if (spec.hostNetwork)
      yield { what: "hostNetwork is true: nothing is intercepted", fix: "drop hostNetwork" };
    const contexts = [spec.securityContext, ...containers.map((c) => c.securityContext)];
    if (contexts.some((c) => c?.runAsUser === 1337 || c?.runAsGroup === 1337))
      yield {
        what: "runs as 1337, the sidecar's own user: its traffic goes past the sidecar",
        fix: "choose another runAsUser and runAsGroup",
      };
    const rights = contexts.flatMap((c) => c?.capabilities?.add ?? []);
    const bad = rights.filter((right) => /^(CAP_)?(NET_ADMIN|NET_RAW|ALL)$/i.test(right));
    if (bad.length > 0)
      yield {
        what: `adds ${bad.join(", ")}: it could take the interception away`,
        fix: "drop the capability",
      };
  });
}

/** mesh-11 */
export function normalizedPaths(): Rule {
  const about = {
    id: "mesh-11",
    level: "mandatory",
    description: "Paths are normalized before rules see them: MERGE_SLASHES or stronger",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#customize-your-system-on-path-normalization",
  } as const;
  return objectRule(about, ["ConfigMap"], function* (object): Iterable<Fault> {
    if (object.namespace !== rootNamespace || !isMeshConfig(object)) return;
    const { normalization = "DEFAULT" } = meshConfigOf(object).pathNormalization ?? {};
    if (!["MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"].includes(normalization))
      yield {
        what: `pathNormalization is ${normalization}: a rule about /admin does not see //admin`,
        fix: "set meshConfig.pathNormalization.normalization to DECODE_AND_MERGE_SLASHES",
      };
  });
}

interface SidecarSpec {
  readonly outboundTrafficPolicy: { readonly mode?: string };
}

/** mesh-12 */
export function registryOnly(): Rule {
  const about = {
    id: "mesh-12",
    level: "advisory",
    description: "Workloads call only what the mesh knows: outbound traffic is REGISTRY_ONLY",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#understand-traffic-capture-limitations",
  } as const;
  return stackRule(about, function* (world) {
    const modes = world.meshConfigs.map(({ config }) => config.outboundTrafficPolicy?.mode);
    if (modes.includes("REGISTRY_ONLY")) return;
    const scoped = world
      .of("Sidecar")
      .filter((o) => o.field<SidecarSpec>().outboundTrafficPolicy?.mode === "REGISTRY_ONLY")
      .map((o) => o.namespace);
    const open = world.appNamespaces.filter((ns) => !scoped.includes(ns));
    for (const namespace of scoped.includes(rootNamespace) ? [] : open)
      yield {
        about: `Namespace/${namespace}`,
        what: "its workloads may call any host",
        fix: "set meshConfig.outboundTrafficPolicy.mode to REGISTRY_ONLY, or a Sidecar there",
      };
  });
}
