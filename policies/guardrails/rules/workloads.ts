import { type Container, type SecurityContext, Workload, runsPods } from "../pods.ts";
import { type Fault, type Finding, type Rule, at, objectRule, stackRule } from "../rule.ts";
import type { World } from "../world.ts";
import { hasDigest, isAllowed, repositoryOf } from "./images.ts";
import { type ServiceSpec, protocolOf, saidOn } from "./services.ts";

/** The injector puts the proxy's own image there. */
const injected = (container: Container) => container.image === "auto";

/** wl-01 */
export function pinnedImages(): Rule {
  const about = {
    id: "wl-01",
    level: "mandatory",
    description: "Images are named by digest, from an allowed registry",
    url: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
  } as const;
  return objectRule(about, runsPods, function* (object, { registries }): Iterable<
    Fault & Partial<Finding>
  > {
    for (const container of new Workload(object).containers) {
      const { image = "" } = container;
      if (injected(container)) continue;
      const of = { about: `Image/${repositoryOf(image)}` };
      const user = `${object.kind} ${object.namespace}/${object.name}`;
      if (!hasDigest(image))
        yield {
          ...of,
          part: "digest",
          what: `${user} runs ${image}, which may be another image tomorrow`,
          fix: "name its digest: <repository>@sha256:…",
        };
      if (/:latest$/.test(image) || !/[:@][^/]+$/.test(image))
        yield { ...of, part: "latest", what: `${user} runs ${image}`, fix: "name a version" };
      if (!isAllowed(image, registries))
        yield {
          ...of,
          part: "registry",
          what: `${user} runs ${image}, from no allowed registry (${registries.join(", ")})`,
          fix: "take it from one of them, or allow its registry in the pack's configuration",
        };
    }
  });
}

/** What of a container's hardening is missing; what the pod says counts where the container says nothing. */
function softSpots(pod: SecurityContext, { securityContext: own = {} }: Container): string[] {
  const drops = (own.capabilities?.drop ?? []).map((c) => c.toUpperCase());
  const seccomp = (own.seccompProfile ?? pod.seccompProfile)?.type ?? "";
  return [
    ...((own.runAsNonRoot ?? pod.runAsNonRoot) ? [] : ["runAsNonRoot: true"]),
    ...(own.allowPrivilegeEscalation === false ? [] : ["allowPrivilegeEscalation: false"]),
    ...(drops.includes("ALL") ? [] : ["capabilities.drop: [ALL]"]),
    ...(own.readOnlyRootFilesystem ? [] : ["readOnlyRootFilesystem: true"]),
    ...(["RuntimeDefault", "Localhost"].includes(seccomp)
      ? []
      : ["seccompProfile.type: RuntimeDefault"]),
    ...(own.privileged ? ["privileged: false"] : []),
  ];
}

/** wl-02 */
export function hardenedPods(): Rule {
  const about = {
    id: "wl-02",
    level: "mandatory",
    description:
      "Containers run without root, rights, system calls and writable files that they do not need",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  } as const;
  return objectRule(about, runsPods, function* (object): Iterable<Fault> {
    const { spec, containers } = new Workload(object);
    for (const [i, container] of containers.entries()) {
      const lacks = softSpots(spec.securityContext ?? {}, container);
      if (lacks.length > 0)
        yield {
          what: `the container ${container.name ?? i} lacks ${lacks.join(", ")}`,
          fix: "set it in the container's securityContext",
        };
      const added = container.securityContext?.capabilities?.add ?? [];
      const rights = added.filter((right) => right.toUpperCase() !== "NET_BIND_SERVICE");
      if (rights.length > 0)
        yield {
          what: `the container ${container.name ?? i} adds ${rights.join(", ")}`,
          fix: "drop it from capabilities.add; only NET_BIND_SERVICE may stand there",
        };
    }
  });
}

interface BudgetSpec {
  readonly minAvailable: number | string;
  readonly maxUnavailable: number | string;
  readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
}

/** Whether a budget lets one pod of so many go. */
function allowsOne(
  { minAvailable, maxUnavailable }: Partial<BudgetSpec>,
  replicas: number,
): boolean {
  if (maxUnavailable !== undefined) return !["0", "0%"].includes(String(maxUnavailable));
  const share = /^(\d+)%$/.exec(String(minAvailable))?.[1];
  const kept = share ? Math.ceil((replicas * Number(share)) / 100) : Number(minAvailable ?? 0);
  return kept < replicas;
}

/** wl-03 */
export function steadyWorkloads(): Rule {
  const about = {
    id: "wl-03",
    level: "production",
    description:
      "Workloads have requests, limits, probes, enough replicas, and a budget that lets a node be emptied",
    url: "https://kubernetes.io/docs/concepts/workloads/pods/disruptions/",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.workloads, function* (workload) {
      const where = at(workload.object);
      for (const container of workload.spec.containers ?? []) {
        const { requests, limits } = container.resources ?? {};
        const lacks = [
          ...(requests?.cpu && requests.memory ? [] : ["requests"]),
          ...(limits?.memory ? [] : ["limits"]),
          ...(container.readinessProbe ? [] : ["readinessProbe"]),
          // a gateway's and istiod's readiness is what their charts give; restarts are Envoy's and Go's own
          ...(container.livenessProbe ? [] : ["livenessProbe"]),
        ];
        if (lacks.length > 0)
          yield {
            ...where,
            part: "containers",
            what: `the container ${container.name ?? ""} has no ${lacks.join(", ")}`,
            fix: "set them",
          };
      }
      if (!["Deployment", "StatefulSet"].includes(workload.object.kind)) return;
      const replicas = workload.replicas ?? 1;
      if (replicas < world.settings.minReplicas)
        yield {
          ...where,
          part: "replicas",
          what: `has ${replicas} replica${replicas === 1 ? "" : "s"}, wanted are ${world.settings.minReplicas}`,
          fix: "set replicas",
        };
      const budgets = world
        .of("PodDisruptionBudget")
        .filter((o) => o.namespace === workload.namespace)
        .map((o) => o.field<BudgetSpec>())
        .filter((b) => b.selector?.matchLabels && workload.matches(b.selector.matchLabels));
      if (replicas > 1 && budgets.length === 0)
        yield { ...where, part: "budget", what: "has no PodDisruptionBudget", fix: "add one" };
      if (budgets.some((budget) => !allowsOne(budget, replicas)))
        yield {
          ...where,
          part: "budget",
          what: "its PodDisruptionBudget lets no pod go: nodes cannot be emptied",
          fix: "allow one to be unavailable",
        };
    }),
  );
}

/** wl-04 */
export function portsMeet(): Rule {
  const about = {
    id: "wl-04",
    level: "mandatory",
    description:
      "A Service leads to a port that the container opens, and says what is spoken there",
    url: "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("Service"), function* (object) {
      const { selector = {}, ports = [] } = object.field<ServiceSpec>();
      if (Object.keys(selector).length === 0) return;
      const pods = podsOf(world, object.namespace, selector);
      // Envoy opens what the Gateway says
      if (pods.some((w) => w.isGateway)) return;
      for (const port of ports) {
        const where = at(object);
        if (!protocolOf(port))
          yield {
            ...where,
            what: `port ${port.port} does not say what is spoken (${saidOn(port) || "no name"})`,
            fix: "begin its name with the protocol (http, grpc, tcp …), or set appProtocol",
          };
        const target = port.targetPort ?? port.port;
        for (const pod of pods.filter((w) => !opens(w, target)))
          yield {
            ...where,
            what: `port ${port.port} leads to ${target}, which ${pod.object.name} does not open`,
            fix: "name a port of the container; a PORT in its environment has to be the same",
          };
      }
    }),
  );
}

function podsOf(world: World, namespace: string, selector: Readonly<Record<string, string>>) {
  return world.workloads.filter((w) => w.namespace === namespace && w.matches(selector));
}

/** Whether a container opens a port, as far as its declaration and its PORT say. */
function opens(workload: Workload, target: number | string): boolean {
  return (workload.spec.containers ?? []).some((c) => {
    const port = (c.ports ?? []).find((p) => p.containerPort === target || p.name === target);
    const said = (c.env ?? []).find((e) => e.name === "PORT")?.value;
    // an image with several ports has one of them in PORT
    const meant =
      said === undefined || (c.ports ?? []).some((p) => String(p.containerPort) === said);
    return port !== undefined && meant;
  });
}
