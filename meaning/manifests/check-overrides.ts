import { parse } from "yaml";
import type { Labels, Manifest } from "./objects.ts";
import { type Container, podOf } from "./pod-templates.ts";
import { type Unjudged, unjudged } from "./unjudged.ts";
import { type Workload, workloadId } from "./workloads.ts";

/** Containers that the injector puts into a pod: its proxy, and what leads traffic there. */
const injected = ["istio-proxy", "istio-init", "istio-validation"];
/** What a pod may say of its own proxy, and traffic goes through it as before. */
const harmless = ["name", "resources"];

/**
 * Pods with a container of the injector's name, or annotations that stand for one: what they say of it stands in place of
 * what the injector says, so that nobody knows whether anything still leads through a proxy. A gateway's pods are
 * proxies, whatever their containers say.
 *
 * @see https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#customizing-injection
 */
export function overrideProblems(
  objects: readonly Manifest[],
  workloads: ReadonlyMap<string, Workload>,
): Unjudged[] {
  return objects.flatMap((object) => {
    const spec = podOf(object)?.spec;
    const workload = spec && workloads.get(workloadId(object));
    if (workload?.proxy !== "sidecar") return [];
    const { namespace, labels } = workload;
    const about = (text: string) => unjudged(object, text, { namespace, labels });
    const own = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].filter(overrides);
    return [
      ...own.map(({ name }) =>
        about(`its own container ${name} stands in place of the injector's`),
      ),
      ...annotationProblems(podOf(object)?.metadata?.annotations ?? {}).map(about),
    ];
  });
}

/** Annotations by which a pod gets another proxy than the usual one, or traffic that none of it goes through. */
function annotationProblems(annotations: Labels): string[] {
  const templates = annotations["inject.istio.io/templates"] ?? "sidecar";
  const { interceptionMode } = settingsIn(annotations["proxy.istio.io/config"]);
  return [
    ...(templates === "sidecar"
      ? []
      : [`what the injector makes of templates ${JSON.stringify(templates)} is not read here`]),
    ...(interceptionMode === "NONE" ? ["its pods' traffic is not taken to their sidecars"] : []),
  ];
}

/** Settings of a proxy; those that nobody can read are none to istiod either. */
function settingsIn(text: string | undefined): { readonly interceptionMode?: unknown } {
  try {
    return (parse(text ?? "", { logLevel: "error" }) ?? {}) as { interceptionMode?: unknown };
  } catch {
    return {};
  }
}

function overrides(container: Container): boolean {
  if (!injected.includes(container.name ?? "")) return false;
  const said = Object.entries(container).filter(
    ([field, value]) => !harmless.includes(field) && !(field === "image" && value === "auto"),
  );
  // whatever leads traffic to the proxy has nothing to be told
  return container.name !== "istio-proxy" || said.length > 0;
}
