import type { PeerAuthenticationSpec } from "../../mtls.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type World, rootNamespace, selectorOf } from "../world.ts";

const docs = "https://istio.io/latest/docs/reference/config/security/peer_authentication/";
const rules = "https://istio.io/latest/docs/reference/config/networking/destination-rule/";

type Mode = "DISABLE" | "PERMISSIVE" | "STRICT";
const strength: readonly string[] = ["DISABLE", "PERMISSIVE", "STRICT"];

const specOf = (object: KubernetesObject) => object.field<PeerAuthenticationSpec>();
const isWhole = (object: KubernetesObject) => selectorOf(object) === undefined;

/** Mode that an object sets itself; undefined when it inherits. */
function ownMode(object: KubernetesObject): Mode | undefined {
  const mode = specOf(object).mtls?.mode;
  return mode === undefined || mode === "UNSET" ? undefined : mode;
}

/** Mode of a namespace: its own, else the mesh's, else Istio's. */
function modeOf(world: World, namespace: string): Mode {
  const whole = world.of("PeerAuthentication").filter(isWhole);
  const in_ = (ns: string) =>
    whole.filter((o) => o.namespace === ns).flatMap((o) => ownMode(o) ?? [])[0];
  return in_(namespace) ?? in_(rootNamespace) ?? "PERMISSIVE";
}

/** mesh-01 */
export function onePeerAuthentication(): Rule {
  const about = {
    id: "mesh-01",
    level: "mandatory",
    description: "Each application namespace has exactly one PeerAuthentication without a selector",
    url: `${docs}#PeerAuthentication`,
  } as const;
  return stackRule(about, function* (world) {
    const whole = world.of("PeerAuthentication").filter(isWhole);
    const inRoot = whole.filter((object) => object.namespace === rootNamespace);
    for (const namespace of new Set([...world.appNamespaces, rootNamespace])) {
      const own = whole.filter((object) => object.namespace === namespace);
      const inherits = namespace === rootNamespace || inRoot.length === 1;
      if (own.length === 1 || (own.length === 0 && inherits)) continue;
      yield {
        about: `Namespace/${namespace}`,
        what: `has ${own.length} PeerAuthentications without a selector`,
        fix:
          own.length === 0
            ? `add one, or one in ${rootNamespace} for the whole mesh`
            : `keep one of ${own.map((o) => o.name).join(", ")}: Istio takes the oldest and ignores the rest`,
      };
    }
  });
}

/** mesh-02 */
export function strictMode(): Rule {
  const about = {
    id: "mesh-02",
    level: "production",
    description: "PeerAuthentications ask for mTLS: mode STRICT",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#mutual-tls",
  } as const;
  const fix = "set spec.mtls.mode to STRICT (bankmesh:mtlsMode)";
  return {
    ...objectRule(about, ["PeerAuthentication"], function* (object) {
      const mode = ownMode(object) ?? "STRICT";
      if (mode !== "STRICT") yield { what: `mode is ${mode}: plaintext is accepted`, fix };
    }),
    // what sets none has the mode of what is around it
    stack: (world) =>
      world.each(world.of("PeerAuthentication"), function* (object) {
        if (ownMode(object) !== undefined || !isWhole(object)) return;
        const mode = modeOf(world, object.namespace);
        if (mode !== "STRICT")
          yield {
            ...at(object),
            what: `mode is UNSET, which is ${mode} here: plaintext is accepted`,
            fix,
          };
      }),
  };
}

/** mesh-03 */
export function noWeakerMode(): Rule {
  const about = {
    id: "mesh-03",
    level: "mandatory",
    description: "mTLS is disabled nowhere, and no port has a weaker mode than its workload",
    url: `${docs}#PeerAuthentication-MutualTLS-Mode`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("PeerAuthentication"), function* (object) {
      const mode = ownMode(object);
      const where = at(object);
      if (mode === "DISABLE")
        yield { ...where, what: "mode is DISABLE", fix: "set spec.mtls.mode to STRICT" };
      const around = mode ?? modeOf(world, object.namespace);
      for (const [port, own] of Object.entries(specOf(object).portLevelMtls ?? {})) {
        const portMode = own?.mode ?? "UNSET";
        if (portMode === "UNSET") continue;
        if (portMode !== "DISABLE" && strength.indexOf(portMode) >= strength.indexOf(around))
          continue;
        const what = `port ${port} has mode ${portMode}, the workload ${around}`;
        yield { ...where, what, fix: `drop spec.portLevelMtls["${port}"]` };
      }
    }),
  );
}

/** mesh-04 */
export function portsOfWorkloads(): Rule {
  const about = {
    id: "mesh-04",
    level: "mandatory",
    description: "portLevelMtls has a selector, and names container ports of a workload it selects",
    url: `${docs}#PeerAuthentication`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("PeerAuthentication"), function* (object) {
      const ports = Object.keys(specOf(object).portLevelMtls ?? {});
      if (ports.length === 0) return;
      const where = at(object);
      if (isWhole(object)) {
        const what = "has portLevelMtls and no selector: Istio ignores the ports";
        yield { ...where, what, fix: "add spec.selector.matchLabels" };
        return;
      }
      const open = world
        .selected(object)
        .flatMap((w) => w.containers.flatMap((c) => c.ports ?? []))
        .map((p) => String(p.containerPort));
      for (const port of ports.filter((p) => !open.includes(p)))
        yield {
          ...where,
          what: `port ${port} is no container port of what it selects (${open.join(", ") || "nothing"})`,
          fix: "name the container's port, not the Service's",
        };
    }),
  );
}

/** What a DestinationRule says about TLS to its host. */
interface ClientTls {
  readonly mode?: string;
  readonly insecureSkipVerify?: boolean;
  readonly caCertificates?: string;
  readonly credentialName?: string;
  readonly sni?: string;
  readonly subjectAltNames?: readonly string[];
}

interface TrafficPolicy {
  readonly tls?: ClientTls;
  readonly portLevelSettings?: readonly { readonly tls?: ClientTls }[];
}

/** The part of a DestinationRule that matters here. Its generated type keeps the compiler busy for a minute and a half. */
interface Dialled {
  readonly host?: string;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets?: readonly { readonly trafficPolicy?: TrafficPolicy }[];
}

/** Each TLS setting of a DestinationRule, with its path. */
function tlsSettings(spec: Dialled) {
  const policies = [
    ["spec.trafficPolicy", spec.trafficPolicy] as const,
    ...(spec.subsets ?? []).map(
      (subset, i) => [`spec.subsets[${i}].trafficPolicy`, subset.trafficPolicy] as const,
    ),
  ];
  return policies.flatMap(([path, policy]) => [
    ...(policy?.tls ? [{ path: `${path}.tls`, tls: policy.tls }] : []),
    ...(policy?.portLevelSettings ?? []).flatMap((port, i) =>
      port.tls ? [{ path: `${path}.portLevelSettings[${i}].tls`, tls: port.tls }] : [],
    ),
  ]);
}

const dialled = (object: KubernetesObject) => object.field<Dialled>();

/** mesh-05 */
export function noPlaintextDialling(): Rule {
  const about = {
    id: "mesh-05",
    level: "mandatory",
    description: "No DestinationRule turns TLS off, for a host, a port or a subset",
    url: `${rules}#ClientTLSSettings`,
  } as const;
  return objectRule(about, ["DestinationRule"], function* (object): Iterable<Fault> {
    for (const { path, tls } of tlsSettings(dialled(object)))
      if ((tls.mode ?? "DISABLE") === "DISABLE")
        yield {
          what: `${path}.mode is ${tls.mode ?? "not set, which is DISABLE"}`,
          fix: "set ISTIO_MUTUAL, or leave tls out: auto mTLS finds out by itself",
        };
  });
}

/** mesh-06 */
export function serversAreChecked(): Rule {
  const about = {
    id: "mesh-06",
    level: "mandatory",
    description: "A DestinationRule that dials TLS checks the server: CA certificates and its name",
    url: "https://istio.io/latest/docs/reference/config/analysis/ist0128/",
  } as const;
  return objectRule(about, ["DestinationRule"], function* (object): Iterable<Fault> {
    for (const { path, tls } of tlsSettings(dialled(object))) {
      if (tls.insecureSkipVerify)
        yield {
          what: `${path}.insecureSkipVerify is true: any certificate will do`,
          fix: `drop ${path}.insecureSkipVerify`,
        };
      if (tls.mode !== "SIMPLE" && tls.mode !== "MUTUAL") continue;
      if (!tls.caCertificates && !tls.credentialName)
        yield {
          what: `${path} has no CA certificates: any server will do`,
          fix: `set ${path}.caCertificates or credentialName`,
        };
      if (!tls.sni && !tls.subjectAltNames?.length)
        yield {
          what: `${path} names neither sni nor subjectAltNames: any name will do`,
          fix: `set ${path}.subjectAltNames or sni`,
        };
    }
  });
}

/** mesh-07 */
export function narrowHosts(): Rule {
  const about = {
    id: "mesh-07",
    level: "mandatory",
    description: "No DestinationRule is about every host of the mesh",
    url: `${rules}#DestinationRule-host`,
  } as const;
  return objectRule(about, ["DestinationRule"], function* (object): Iterable<Fault> {
    const { host = "" } = dialled(object);
    if (["*", "*.local", "*.cluster.local", "*.svc.cluster.local"].includes(host))
      yield {
        what: `its host is ${host}: services without a sidecar cannot be called any more`,
        fix: "name a service, or one namespace's hosts (*.bank.svc.cluster.local)",
      };
  });
}
