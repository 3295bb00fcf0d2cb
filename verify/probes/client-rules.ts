import type { Settings } from "../../settings/index.ts";
import type { Reason } from "../classify.ts";
import type { PodRequest, Probe, ProbeTarget } from "../probe.ts";

/**
 * Hosts without a sidecar that every kind cluster has: what they answer to anybody, and what becomes of mTLS to them.
 * To the one, the caller's proxy answers that it reaches nobody; the other is asked in TLS, which its proxy cannot end.
 */
const nakedHosts: Readonly<Record<string, { readonly url: string; readonly refusal: Reason }>> = {
  "kube-dns.kube-system.svc.cluster.local": {
    url: "http://kube-dns.kube-system.svc.cluster.local:9153/metrics",
    refusal: "no-upstream",
  },
  "kubernetes.default.svc.cluster.local": {
    url: "https://kubernetes.default.svc.cluster.local/version",
    refusal: "tls-refused",
  },
};

/** Those of them that clients of the mesh are told to dial with mTLS, or that are excepted from it. */
const naked = (excepted: boolean) => (s: Settings) =>
  s.cluster === "kind" && s.destinationRule?.scope === "mesh"
    ? Object.keys(nakedHosts).filter((h) => s.destinationRule!.except.includes(h) === excepted)
    : [];
const toNaked =
  (from: PodRequest["from"]) =>
  (_: ProbeTarget, host: string): PodRequest => ({ from, url: nakedHosts[host]!.url });

/** What DestinationRules make of calls to hosts without a sidecar. */
export const clientRuleProbes: readonly Probe[] = [
  {
    id: "M14",
    question:
      "Is a host without a sidecar out of reach for the mesh, where a rule says mTLS for every host?",
    why: "the caller's own proxy dials mTLS, and nobody there speaks the mesh's",
    applies: (s) => naked(false)(s).length > 0,
    each: naked(false),
    expect: (_, host) => ({ reason: nakedHosts[host]!.refusal }),
    send: toNaked("mesh"),
    control: {
      differs: "a caller without a proxy, who follows no such rule",
      send: toNaked("plain"),
    },
  },
  {
    id: "M14-except",
    question: "Is a host without a sidecar reached that the rule excepts?",
    why: "for this host another rule says that the caller's proxy adds no TLS",
    applies: (s) => naked(true)(s).length > 0,
    each: naked(true),
    expect: () => ({ reason: "ok" }),
    send: toNaked("mesh"),
  },
];
