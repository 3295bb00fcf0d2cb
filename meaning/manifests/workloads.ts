import { type Injector, isInjected } from "../evaluate/injection.ts";
import { type Labels, type Manifest, type Place, isChosen, namespaceOf } from "./objects.ts";
import { type PodTemplate, accountOf, podOf } from "./pod-templates.ts";

/** Pods of one kind. */
export interface Workload {
  /** Namespace and name, with a slash; and the kind where it is no Deployment. */
  readonly id: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** ServiceAccount. */
  readonly account: string;
  readonly ports: readonly { readonly name?: string; readonly number: number }[];
  /** What stands in front of its containers: a sidecar, nothing, or it is a gateway's proxy itself. */
  readonly proxy: "sidecar" | "none" | "gateway";
  /** Whether traffic to a port of the container goes past its sidecar, because an annotation says so. */
  readonly bypassed: (port: number) => boolean;
  /** Ports that its annotations name. */
  readonly excepted: readonly number[];
  readonly place: Place;
}

/** What proxies make of a port's bytes: HTTP, nothing, or whichever the first bytes look like. */
export type Spoken = "http" | "tcp" | "detected";

export interface ServicePort {
  readonly port: number;
  /** Port of the container, or its name. */
  readonly target: number | string;
  readonly spoken: Spoken;
}

export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** Full name. */
  readonly host: string;
  readonly selector: Labels;
  readonly ports: readonly ServicePort[];
  /** Namespaces whose proxies know it, `.` for its own and `*` for all; undefined where it says nothing. */
  readonly exportTo?: readonly string[];
}

export interface WorkloadContext {
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly injector: Injector;
  /** What Gateway objects ask of the pods that they configure. */
  readonly selectors: readonly Labels[];
}

/** All workloads, by their id. */
export function workloadsOf(
  objects: readonly Manifest[],
  context: WorkloadContext,
): ReadonlyMap<string, Workload> {
  const found = new Map<string, Workload>();
  for (const object of objects) {
    const template = podOf(object);
    if (!template) continue;
    const workload = workloadOf(object, template, context);
    found.set(workload.id, workload);
  }
  return found;
}

/** Id of an object's pods: with its kind where objects of several kinds could have its name. */
export function workloadId(object: Manifest): string {
  const { kind, metadata } = object;
  const id = `${namespaceOf(object)}/${metadata.name}`;
  return kind === "Deployment" ? id : `${id} (${kind})`;
}

function workloadOf(object: Manifest, template: PodTemplate, context: WorkloadContext): Workload {
  const namespace = namespaceOf(object);
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const { hostNetwork = false, containers = [] } = template.spec ?? {};
  const injected = isInjected(context.injector, {
    ...{ namespace, labels, annotations, hostNetwork },
    namespaceLabels: context.namespaces.get(namespace) ?? {},
  });
  return {
    ...{ id: workloadId(object), namespace, labels, place: object.place },
    account: accountOf(template),
    ports: containers.flatMap((c) =>
      (c.ports ?? []).map(({ name, containerPort }) => ({
        ...(name !== undefined && { name }),
        number: containerPort,
      })),
    ),
    proxy: injected ? injectedProxy(annotations) : ownProxy(template, context),
    bypassed: bypass(annotations),
    excepted: namedPorts(annotations, "include").concat(namedPorts(annotations, "exclude")),
  };
}

/** What the injector makes of pods: whatever a Gateway selects, its sidecars stay sidecars. */
function injectedProxy(annotations: Labels): Workload["proxy"] {
  const templates = (annotations["inject.istio.io/templates"] ?? "").split(",");
  return templates.includes("gateway") ? "gateway" : "sidecar";
}

/** What pods are that nothing is put into: a gateway's proxy that somebody wrote himself, for a Gateway that selects it. */
function ownProxy({ metadata, spec }: PodTemplate, { selectors }: WorkloadContext) {
  const proxy = (spec?.containers ?? []).some((c) => c.name === "istio-proxy");
  return proxy && selectors.some((s) => isChosen(s, metadata?.labels ?? {})) ? "gateway" : "none";
}

/** @see https://istio.io/latest/docs/reference/config/annotations/ */
function bypass(annotations: Labels): (port: number) => boolean {
  const ports = (name: string) =>
    annotations[`traffic.sidecar.istio.io/${name}InboundPorts`]?.split(",").map((p) => p.trim());
  const included = ports("include") ?? ["*"];
  const excluded = ports("exclude") ?? [];
  // ports that are named one by one come before those that are left out
  if (included.includes("*")) return (port) => excluded.includes(String(port));
  return (port) => !included.includes(String(port));
}

function namedPorts(annotations: Labels, word: "include" | "exclude"): number[] {
  const named = annotations[`traffic.sidecar.istio.io/${word}InboundPorts`] ?? "";
  return named.split(",").map(Number).filter(Boolean);
}

/** All services whose pods Kubernetes chooses by a selector. */
export function servicesOf(objects: readonly Manifest[]): Service[] {
  return objects.flatMap((object) => {
    if (!isService(object) || !choosesPods(object)) return [];
    const { selector, ports = [] } = object.spec as {
      selector: Labels;
      ports?: readonly RawPort[];
    };
    const namespace = namespaceOf(object);
    const { name, annotations } = object.metadata;
    const exportTo = annotations?.["networking.istio.io/exportTo"];
    return [
      {
        ...{ namespace, name, selector, host: hostOf(object) },
        ...(exportTo && { exportTo: exportTo.split(",").map((n) => n.trim()) }),
        ports: ports
          .filter((p) => p.protocol !== "UDP")
          .map((p) => ({ port: p.port, target: p.targetPort ?? p.port, spoken: spokenOn(p) })),
      },
    ];
  });
}

/** Services that lead to wherever something else than a selector says, by their full names. */
export function servicesElsewhere(objects: readonly Manifest[]): ReadonlyMap<string, Manifest> {
  const found = objects.filter((o) => isService(o) && !choosesPods(o));
  return new Map(found.map((o) => [hostOf(o), o]));
}

function isService({ kind, apiVersion }: Manifest): boolean {
  return kind === "Service" && apiVersion === "v1";
}

/** An empty selector is none, and another name for a host has no pods, whatever its selector says. */
function choosesPods({ spec = {} }: Manifest): boolean {
  return spec.type !== "ExternalName" && Object.keys(spec.selector ?? {}).length > 0;
}

function hostOf(object: Manifest): string {
  return `${object.metadata.name}.${namespaceOf(object)}.svc.cluster.local`;
}

interface RawPort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

const http = ["http", "http2", "grpc", "grpc-web", "http_proxy"];
const opaque = ["tcp", "tls", "https", "mongo", "redis", "mysql"];
/** What Kubernetes itself calls protocols. */
const standard: Readonly<Record<string, Spoken>> = {
  "kubernetes.io/h2c": "http",
  "kubernetes.io/ws": "http",
  "kubernetes.io/wss": "tcp",
};
/** Ports of protocols whose server speaks first, which nobody can wait for. */
const serverFirst = [25, 53, 3306, 27017];

/** @see https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/ */
function spokenOn({ name = "", port, appProtocol }: RawPort): Spoken {
  if (appProtocol !== undefined && standard[appProtocol]) return standard[appProtocol];
  const text = (appProtocol ?? name).toLowerCase();
  if (text.startsWith("grpc-web")) return "http";
  const word = text.split("-")[0]!;
  if (http.includes(word)) return "http";
  return opaque.includes(word) || serverFirst.includes(port) ? "tcp" : "detected";
}

/** Number of the port of a workload that a Service's port leads to; undefined where the pod names no such port. */
export function targetPort(
  workload: Workload,
  { target }: Pick<ServicePort, "target">,
): number | undefined {
  if (typeof target === "number") return target;
  if (/^\d+$/.test(target)) return Number(target);
  return workload.ports.find((p) => p.name === target)?.number;
}
