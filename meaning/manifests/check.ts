import { type IstioKind, validateSpec } from "../../policies/schema.ts";
import { expiryFilterOf } from "../evaluate/expiry-filter.ts";
import { authorizationProblems } from "./check-authorization.ts";
import { routingProblems } from "./check-routing.ts";
import type { MeshConfig } from "./mesh-config.ts";
import { type Manifest, groupOf, namespaceOf } from "./objects.ts";
import { foreignPods, podOf } from "./pod-templates.ts";
import { type Revision, isInRevision } from "./revision.ts";
import { type Scope, type Unjudged, scopeOf, unjudged } from "./unjudged.ts";

export interface Checked {
  /** Objects that are left out, because what they say is not understood. */
  readonly refused: ReadonlySet<Manifest>;
  readonly unjudged: readonly Unjudged[];
}

export interface CheckContext {
  /** What is wrong with the mesh's settings. */
  readonly problems: readonly { readonly object: Manifest; readonly text: string }[];
  readonly revision: Revision | undefined;
}

/** What is wrong with an object, and whom that is about. */
type Finding = readonly [text: string, scope: Scope];

/** Versions of Istio's kinds that are read here. They differ in name alone. */
const versions: Readonly<Record<string, readonly string[]>> = {
  PeerAuthentication: ["v1", "v1beta1"],
  RequestAuthentication: ["v1", "v1beta1"],
  AuthorizationPolicy: ["v1", "v1beta1"],
  Gateway: ["v1", "v1beta1", "v1alpha3"],
  VirtualService: ["v1", "v1beta1", "v1alpha3"],
  DestinationRule: ["v1", "v1beta1", "v1alpha3"],
  EnvoyFilter: ["v1alpha3"],
};

/** Istio's kinds that change no answer to a caller. */
const harmless = ["Telemetry", "ProxyConfig", "ServiceEntry", "WorkloadGroup"];

/** Finds what cannot be judged: unknown versions and fields, and objects whose effect nobody can read from them. */
export function checkManifests(
  objects: readonly Manifest[],
  mesh: MeshConfig,
  { problems, revision }: CheckContext,
): Checked {
  const refused = new Set<Manifest>();
  const found = problems.map(({ object, text }) => unjudged(object, text, {}));
  for (const object of objects) {
    const findings = findingsOf(object, mesh, revision);
    if (findings.length > 0) refused.add(object);
    found.push(...findings.map(([text, scope]) => unjudged(object, text, scope)));
  }
  return { refused, unjudged: found };
}

function findingsOf(object: Manifest, mesh: MeshConfig, revision: Revision | undefined): Finding[] {
  const group = groupOf(object);
  const { kind } = object;
  const edge: Scope = { edge: true };
  if (group.endsWith(".istio.io")) return ofIstio(object, mesh, revision);
  if (group === "gateway.networking.k8s.io" && kind !== "GatewayClass")
    return [["the Gateway API is not read here", edge]];
  if (group === "networking.k8s.io" && kind === "Ingress")
    return [["an Ingress is not read here", edge]];
  const { labels = {}, name } = object.metadata;
  if (kind === "Namespace" && labels["istio.io/dataplane-mode"] === "ambient")
    return [["ambient mode is not read here", { namespace: name, bare: true }]];
  const foreign = foreignPods(object);
  if (foreign)
    return [
      [
        `a ${kind} makes pods, and what they are like is not read here`,
        { namespace: namespaceOf(object), labels: foreign, own: true },
      ],
    ];
  const pods = podOf(object)?.metadata ?? {};
  return pods.annotations?.["sidecar.istio.io/interceptionMode"] === "NONE"
    ? [
        [
          "its pods' traffic is not taken to their sidecars",
          { namespace: namespaceOf(object), labels: pods.labels ?? {} },
        ],
      ]
    : [];
}

function ofIstio(object: Manifest, mesh: MeshConfig, revision: Revision | undefined): Finding[] {
  const { kind, apiVersion } = object;
  const spec = object.spec ?? {};
  const scope = wider(object, mesh);
  const version = apiVersion.split("/")[1]!;
  if (harmless.includes(kind)) return [];
  if (isInRevision(object, revision) === undefined) {
    const named = object.metadata.labels!["istio.io/rev"];
    return [[`is for revision ${named}, and whether istiod is that one is not read here`, scope]];
  }
  // what it says about ways in is another configuration of the proxy; what about ways out protects nobody
  if (kind === "Sidecar") return spec.ingress ? [["its ingress is not read here", scope]] : [];
  const read = versions[kind];
  if (!read) return [[`what a ${kind} does cannot be read from it`, scope]];
  if (!read.includes(version))
    return [[`apiVersion is ${apiVersion}, known are ${read.join(", ")}`, scope]];
  const problems = validateSpec(kind as IstioKind, spec);
  if (problems.length > 0) return problems.map((p) => [p, scope]);
  return meaningless(object, mesh).map((p) => [p, scope]);
}

/** What the schema allows and nobody can read. */
function meaningless(object: Manifest, mesh: MeshConfig): string[] {
  const spec = object.spec ?? {};
  switch (object.kind) {
    case "AuthorizationPolicy":
      return authorizationProblems(spec, mesh);
    case "VirtualService":
      return routingProblems(spec);
    case "EnvoyFilter":
      return expiryFilterOf(spec) ? [] : ["what an EnvoyFilter does cannot be read from it"];
    default:
      return [];
  }
}

/** Whom an object is about that is not understood. */
function wider(object: Manifest, mesh: MeshConfig): Scope {
  const { kind } = object;
  if (kind === "Gateway" || kind === "VirtualService") return { edge: true };
  // rules for clients are about calls to wherever
  if (kind === "DestinationRule") return {};
  return scopeOf(object, mesh.rootNamespace);
}
