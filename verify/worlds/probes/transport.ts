import type { PodRequest, Probe } from "../../probe.ts";
import { dialled, legacy, mixed, plainlyDialled, subsetHeader } from "../legacy.ts";
import { naked, spared } from "../naked.ts";
import { type WorldPlace, serviceHost } from "../world.ts";

/** What client rules and mixed subsets make of calls by a workload of the mesh. */
export function mixedProbes(place: WorldPlace): Probe[] {
  const call =
    (service: string, more: Partial<PodRequest> = {}) =>
    (): PodRequest => ({
      ...{ from: "mesh", url: `http://${serviceHost(service, place)}/` },
      ...more,
    });
  const subset = (item: string) => call(mixed, { headers: { [subsetHeader]: item } });
  return [
    {
      id: "M13",
      question: "Does a client rule with DISABLE fail against a service in STRICT?",
      why: "the caller's own proxy sends plaintext then, which the other refuses",
      applies: () => true,
      expect: () => ({ reason: "no-upstream" }),
      send: call(plainlyDialled),
      control: { differs: "a Service of the same pod without such a rule", send: call("strict") },
    },
    {
      id: "M14",
      question: "Does a client rule with ISTIO_MUTUAL fail against a workload without a sidecar?",
      why: "the caller's own proxy dials mTLS, and nobody there speaks it",
      applies: () => true,
      expect: () => ({ reason: "no-upstream" }),
      send: call(dialled),
      control: { differs: "a Service of the same pod without such a rule", send: call(legacy) },
    },
    {
      id: "M15",
      question:
        "Does one Service answer for pods with a sidecar and without, with mTLS to the first alone?",
      why: "auto mTLS looks at each pod, not at the Service",
      applies: () => true,
      each: () => ["with a sidecar", legacy],
      expect: (_, item) => ({ reason: "ok", peer: item === legacy ? "nobody" : "caller" }),
      send: (_, item) => subset(item)(),
    },
  ];
}

/** What a client rule for all of a namespace makes of a workload in it that has no sidecar. */
export function namespaceRuleProbes(place: WorldPlace): Probe[] {
  const from = (caller: PodRequest["from"], service: string) => (): PodRequest => ({
    ...{ from: caller, url: `http://${serviceHost(service, place)}/` },
  });
  return [
    {
      id: "M14-namespace",
      question: "Is it out of reach for the mesh where a rule says mTLS for its namespace?",
      why: "the caller's own proxy dials mTLS, and nobody there speaks it",
      applies: () => true,
      expect: () => ({ reason: "no-upstream" }),
      send: from("mesh", naked),
      control: {
        differs: "a caller without a proxy, who follows no such rule",
        send: from("plain", naked),
      },
    },
    {
      id: "M14-spared",
      question: "Is the same pod reached by a Service that the rule excepts?",
      why: "for this host another rule says that the caller's proxy adds no TLS",
      applies: () => true,
      expect: () => ({ reason: "ok", peer: "nobody" }),
      send: from("mesh", spared),
    },
  ];
}

/** Calls that are counted where they arrive. */
export function countProbes(service: string): Probe[] {
  return [
    {
      id: "T2",
      question: "Does the count of requests by mTLS grow by exactly those that were sent?",
      why: "istio_requests_total names the connection's security policy, and nobody else calls meanwhile",
      applies: () => true,
      samples: 1,
      expect: () => ({ reason: "ok" }),
      send: () => ({ from: "tool", check: "counted", service }),
    },
  ];
}

/** A change of mode under traffic. */
export function flipProbes(service: string): Probe[] {
  return [
    {
      id: "M18",
      question: "Does no call of the mesh fail while a service goes from PERMISSIVE to STRICT?",
      why: "callers of the mesh speak mTLS before and after; plaintext is taken before, and refused after",
      applies: () => true,
      samples: 1,
      // it is STRICT afterwards: asked again, it would say something else than what went wrong
      patienceSeconds: 0,
      expect: () => ({ reason: "ok" }),
      send: () => ({ from: "tool", check: "flip", service }),
    },
  ];
}
