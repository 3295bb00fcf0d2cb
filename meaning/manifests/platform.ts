import type { PeerAuthenticationSpec } from "../../policies/mtls.ts";
import type { GatewaySpec, VirtualServiceSpec } from "../../policies/routing.ts";
import type { AuthorizationPolicySpec } from "../../policies/rule-spec.ts";
import type { RequestAuthenticationSpec } from "../../policies/authentication.ts";
import { type Injector, injectorOf } from "../evaluate/injection.ts";
import { byAge } from "./age.ts";
import { expiryProblems } from "./check-expiry.ts";
import { overrideProblems } from "./check-overrides.ts";
import { settingProblems } from "./check-settings.ts";
import { gatewayProblems } from "./check-gateways.ts";
import { checkManifests } from "./check.ts";
import type { DestinationRuleSpec } from "./destination-rule.ts";
import { type MeshConfig, meshConfigOf } from "./mesh-config.ts";
import { type Labels, type Manifest, type Place, namespaceOf } from "./objects.ts";
import { type Files, type Unreadable, parseFiles } from "./parse.ts";
import { isInRevision, revisionOf } from "./revision.ts";
import type { Unjudged } from "./unjudged.ts";
import { type Service, type Workload, servicesOf, workloadsOf } from "./workloads.ts";

/** An object of Istio's own kinds. */
export interface Policy<Spec> {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly spec: Spec;
  readonly place: Place;
  /** When a cluster made it. */
  readonly created?: string;
}

/** All that manifests say about who gets what. */
export interface Platform {
  readonly mesh: MeshConfig;
  readonly injector: Injector;
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly services: readonly Service[];
  readonly peerAuthentications: readonly Policy<PeerAuthenticationSpec>[];
  readonly requestAuthentications: readonly Policy<RequestAuthenticationSpec<string>>[];
  readonly authorizationPolicies: readonly Policy<AuthorizationPolicySpec>[];
  readonly destinationRules: readonly Policy<DestinationRuleSpec>[];
  readonly gateways: readonly Policy<GatewaySpec>[];
  readonly virtualServices: readonly Policy<VirtualServiceSpec>[];
  readonly envoyFilters: readonly Policy<Readonly<Record<string, unknown>>>[];
  /** What cannot be judged, and whom it is about. */
  readonly unjudged: readonly Unjudged[];
  /** Objects that were read. */
  readonly objects: readonly Manifest[];
}

/** What is no manifest at all, so that nothing can be said about the platform. */
export class UnreadableManifests extends Error {
  override readonly name = "UnreadableManifests";
  readonly problems: readonly Unreadable[];

  constructor(problems: readonly Unreadable[]) {
    super(problems.map(({ place, text }) => `${place.file}:${place.line}: ${text}`).join("\n"));
    this.problems = problems;
  }
}

/**
 * Reads a platform from its manifests.
 *
 * @throws UnreadableManifests with all files that are not YAML, or hold something else than objects
 */
export function readPlatform(files: Files): Platform {
  const { objects, unreadable } = parseFiles(files);
  if (unreadable.length > 0) throw new UnreadableManifests(unreadable);
  return platformOf(objects);
}

/** The platform that objects make up. */
export function platformOf(objects: readonly Manifest[]): Platform {
  const { mesh, problems } = meshConfigOf(objects);
  const namespaces = new Map(
    objects
      .filter((o) => o.kind === "Namespace" && o.apiVersion === "v1")
      .map((o) => [o.metadata.name, o.metadata.labels ?? {}]),
  );
  const revision = revisionOf(objects);
  const read = objects.filter((o) => isInRevision(o, revision) !== false);
  const { refused, unjudged: found } = checkManifests(read, mesh, { problems, revision });
  const injector = injectorOf(objects);
  const usable = read.filter((o) => !refused.has(o));
  const of = <Spec>(kind: string) => policiesOf<Spec>(usable, kind);
  const gateways = of<GatewaySpec>("Gateway");
  const selectors = gateways.map((g) => g.spec.selector ?? {});
  const workloads = workloadsOf(objects, { namespaces, injector, selectors });
  const requestAuthentications = of<RequestAuthenticationSpec<string>>("RequestAuthentication");
  const root = mesh.rootNamespace;
  const unjudged = [
    ...found,
    ...settingProblems(objects),
    ...overrideProblems(objects, workloads),
    ...gatewayProblems({ gateways, workloads }),
    ...expiryProblems(usable, { root, workloads, requestAuthentications }),
  ];
  return {
    ...{ mesh, injector, namespaces, workloads, gateways, requestAuthentications },
    ...{ unjudged, objects },
    services: servicesOf(objects),
    peerAuthentications: of("PeerAuthentication"),
    authorizationPolicies: of("AuthorizationPolicy"),
    destinationRules: of("DestinationRule"),
    virtualServices: of("VirtualService"),
    envoyFilters: of("EnvoyFilter"),
  };
}

/** Objects of a kind in the order in which Istio reads them. */
function policiesOf<Spec>(objects: readonly Manifest[], kind: string): Policy<Spec>[] {
  return objects
    .filter((o) => o.kind === kind && /\.istio\.io\//.test(o.apiVersion))
    .map((o): Policy<Spec> => {
      const { name, labels, annotations, creationTimestamp: created } = o.metadata;
      return {
        ...{ kind, namespace: namespaceOf(o), name },
        ...{ labels: labels ?? {}, annotations: annotations ?? {} },
        ...{ spec: (o.spec ?? {}) as Spec, place: o.place },
        // tools write null for what no cluster made yet
        ...(typeof created === "string" && { created }),
      };
    })
    .sort(byAge);
}
