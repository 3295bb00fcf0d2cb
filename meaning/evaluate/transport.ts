import type { Labels } from "../manifests/objects.ts";
import type { Platform } from "../manifests/platform.ts";
import type { Workload } from "../manifests/workloads.ts";
import { clientTlsOf } from "./client-tls.ts";
import { type Mode, modeOn, mtlsOf } from "./peer-authentication.ts";
import type { Answer, Caller, InsideRequest } from "./request.ts";

/** A connection that was made, or why none was. */
export type Connection =
  | {
      /** Whose identity is behind it, without `spiffe://`; undefined for plaintext. */
      readonly principal: string | undefined;
      readonly serverName: string;
    }
  | { readonly failed: Answer };

/** Somebody whose proxy dials. */
export interface Client {
  readonly namespace: string;
  readonly labels: Labels;
  readonly principal: string;
}

/** What is spoken on a port: the mode of its sidecar, or `bare` where none stands in front of the container. */
export function takenOn(platform: Platform, workload: Workload, port: number): Mode | "bare" {
  if (workload.proxy === "none" || workload.bypassed(port)) return "bare";
  return modeOn(modesOf(platform, workload), port);
}

const modes = new WeakMap<object, WeakMap<object, ReturnType<typeof mtlsOf>>>();
export function modesOf(platform: Platform, workload: Workload) {
  const mine = modes.get(platform) ?? new WeakMap<object, ReturnType<typeof mtlsOf>>();
  modes.set(platform, mine);
  const found = mine.get(workload) ?? mtlsOf(platform, workload);
  mine.set(workload, found);
  return found;
}

/** Where a connection goes. */
export interface Destination {
  readonly workload: Workload;
  readonly port: number;
  /** The Service that is dialled, if any. */
  readonly via?: InsideRequest["via"] & { readonly subset?: string };
}

/** A connection of somebody inside the cluster. */
export function connect(platform: Platform, from: Caller, to: Destination): Connection {
  const taken = takenOn(platform, to.workload, to.port);
  const by = modesOf(platform, to.workload).by;
  const closed = (reason: Answer["reason"], at: Answer["at"] = "service"): Connection => ({
    failed: { verdict: "closed", reason, at, by },
  });
  const plain: Connection = { principal: undefined, serverName: "" };
  switch (from.kind) {
    case "plaintext":
      return taken === "STRICT" ? closed("tls-required") : plain;
    case "tls":
      if (taken === "STRICT")
        return closed(from.certificate === "foreign" ? "unknown-ca" : "cert-required");
      return taken === "PERMISSIVE" ? applicationTls : closed("plaintext-only");
    case "certificate": {
      if (taken === "STRICT") return { principal: principalOf(platform, from), serverName: "" };
      return taken === "PERMISSIVE" ? applicationTls : closed("plaintext-only");
    }
    case "mesh":
      return dial(platform, { ...from, labels: {}, principal: principalOf(platform, from) }, to);
    case "workload": {
      const caller = platform.workloads.get(from.workload);
      if (!caller)
        return {
          failed: {
            verdict: "closed",
            reason: "unreachable",
            at: "caller",
            by: `there is no ${from.workload}`,
          },
        };
      if (caller.proxy === "none") return connect(platform, { kind: "plaintext" }, to);
      const principal = principalOf(platform, caller);
      return dial(platform, { ...caller, principal }, to);
    }
  }
}

/** A proxy in PERMISSIVE takes TLS that is not Istio's for the application's. */
const applicationTls: Connection = {
  failed: {
    verdict: "unknown",
    reason: "unclear",
    at: "service",
    by: "whether the container speaks TLS itself",
  },
};

/** A connection that a proxy of the mesh makes. */
export function dial(platform: Platform, client: Client, to: Destination): Connection {
  const taken = takenOn(platform, to.workload, to.port);
  const { via } = to;
  const rule = via
    ? clientTlsOf(platform, {
        ...{ client, host: via.host, port: via.port, namespace: to.workload.namespace },
        ...(via.subset !== undefined && { subset: via.subset }),
      })
    : // an address that belongs to no Service is dialled as it is
      { mode: "DISABLE" as const, by: "nobody dials mTLS to an address of no Service" };
  const sidecar = to.workload.proxy === "sidecar";
  const automatic =
    platform.mesh.autoMtls && sidecar && taken !== "DISABLE" ? "ISTIO_MUTUAL" : "DISABLE";
  const mode = rule.mode ?? automatic;
  const by = rule.by ?? modesOf(platform, to.workload).by;
  const fails: Connection = {
    failed: { verdict: "closed", reason: "no-upstream", at: "caller", by },
  };
  switch (mode) {
    case "DISABLE":
      return taken === "STRICT" ? fails : { principal: undefined, serverName: "" };
    case "ISTIO_MUTUAL":
      if (!isOfMesh(platform, client.principal)) return strangersFail(client.principal);
      return taken === "STRICT" || taken === "PERMISSIVE"
        ? { principal: client.principal, serverName: serverName(via) }
        : fails;
    default:
      return taken === "STRICT" ? fails : applicationTls;
  }
}

/** A proxy takes certificates of the mesh's own trust domains alone. */
function isOfMesh({ mesh }: Pick<Platform, "mesh">, principal: string): boolean {
  return mesh.trustDomains.includes(principal.slice(0, principal.indexOf("/")));
}

function strangersFail(principal: string): Connection {
  const by = `${principal.split("/")[0]} is no trust domain of the mesh`;
  return { failed: { verdict: "closed", reason: "no-upstream", at: "caller", by } };
}

function serverName(via: Destination["via"]): string {
  return via ? `outbound_.${via.port}_.${via.subset ?? ""}_.${via.host}` : "";
}

/** Identity of an account. */
export function principalOf(
  { mesh }: Pick<Platform, "mesh">,
  of: { readonly namespace: string; readonly account: string; readonly trustDomain?: string },
): string {
  return `${of.trustDomain ?? mesh.trustDomains[0]}/ns/${of.namespace}/sa/${of.account}`;
}
