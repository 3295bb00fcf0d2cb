import type { PeerAuthenticationSpec } from "../../policies/mtls.ts";
import { type Labels, selects } from "../manifests/objects.ts";
import type { Platform, Policy } from "../manifests/platform.ts";

/** How a port receives traffic. */
export type Mode = "PERMISSIVE" | "STRICT" | "DISABLE";

export interface Mtls {
  readonly mode: Mode;
  /** Modes of single ports of the container. */
  readonly ports: ReadonlyMap<number, Mode>;
  /** What says so, in words. */
  readonly by: string;
}

type PeerAuthentication = Policy<PeerAuthenticationSpec>;

/**
 * How pods receive traffic: the nearest policy that says something, of the workload, of the namespace, of the mesh. Of
 * several of one scope the first counts, and those of the root namespace with a selector count for nothing.
 *
 * @see https://istio.io/latest/docs/reference/config/security/peer_authentication/
 */
export function mtlsOf(
  { peerAuthentications, mesh }: Pick<Platform, "peerAuthentications" | "mesh">,
  pod: { readonly namespace: string; readonly labels: Labels },
): Mtls {
  const root = mesh.rootNamespace;
  const broad = (namespace: string) =>
    peerAuthentications.find((p) => p.namespace === namespace && !hasSelector(p));
  const workload = peerAuthentications.find(
    (p) =>
      p.namespace === pod.namespace &&
      p.namespace !== root &&
      hasSelector(p) &&
      selects(p.spec.selector?.matchLabels as Labels, pod.labels),
  );
  const nearest = [workload, broad(pod.namespace), broad(root)].find((p) => modeOf(p?.spec.mtls));
  const mode = modeOf(nearest?.spec.mtls) ?? "PERMISSIVE";
  const ports = Object.entries(workload?.spec.portLevelMtls ?? {}).map(
    ([port, mtls]) => [Number(port), modeOf(mtls) ?? mode] as const,
  );
  return { mode, ports: new Map(ports), by: nearest ? words(nearest) : "Istio's default" };
}

/** Mode of one port of the container. */
export function modeOn({ mode, ports }: Mtls, port: number): Mode {
  return ports.get(port) ?? mode;
}

function hasSelector({ spec }: PeerAuthentication): boolean {
  return Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
}

/** A mode that is not set, or set to UNSET, is another's. */
function modeOf(mtls: { mode?: string } | undefined): Mode | undefined {
  const { mode } = mtls ?? {};
  return mode === undefined || mode === "UNSET" ? undefined : (mode as Mode);
}

function words({ namespace, name }: PeerAuthentication): string {
  return `PeerAuthentication ${namespace}/${name}`;
}
