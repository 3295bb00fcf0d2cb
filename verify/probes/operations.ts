import { type Settings, modeOf } from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import type { Probe, ToolRequest } from "../probe.ts";

const names = (s: Settings) => s.services.map((service) => service.name);

/** A question to a tool: each answer takes a second, and says itself what is wrong. */
function tool(
  id: string,
  check: ToolRequest["check"],
  question: string,
  why: string,
  each?: Probe["each"],
): Probe {
  return {
    ...{ id, question, why, samples: 1 },
    ...(each && { each }),
    applies: (s) => !each || each(s).length > 0,
    expect: () => ({ reason: "ok" }),
    send: (_, item) => ({ from: "tool", check, ...(item && { service: item }) }),
  };
}

/** What Istio's own tools and the cluster say of the platform. */
export const operationProbes: readonly Probe[] = [
  tool(
    "O6",
    "analyze",
    "Does istioctl analyze find nothing, on the live cluster?",
    "from a warning on, each message names configuration that does not do what it reads like",
  ),
  tool(
    "O6-precheck",
    "precheck",
    "Does istioctl x precheck find nothing?",
    "nothing on the cluster stands in the way of an upgrade",
  ),
  {
    ...tool(
      "O6-synced",
      "synced",
      "Has each proxy taken what istiod sent?",
      "a proxy that is behind enforces what the stack said before",
    ),
    // istiod sends again with each object of the fixtures, and a busy machine is behind with some proxy at every look
    patienceSeconds: 60,
  },
  tool(
    "O6-rejects",
    "rejections",
    "Has no proxy rejected configuration?",
    "what Envoy rejects is not enforced, and istiod counts it",
  ),
  tool(
    "O6-sidecars",
    "sidecars",
    "Has each pod of the namespace a sidecar, a native one?",
    "without one nobody asks who calls; a native one is there before the application and after it",
  ),
  tool(
    "O6-mode",
    "mode",
    "Does istioctl x describe name the mode that the stack says, for each service?",
    "the nearest PeerAuthentication decides, whoever made it",
    // of a dry run's policies, which refuse nobody, this istioctl ends with a fault of its own
    (s) => (s.authorization === "dry-run" ? [] : names(s)),
  ),
  tool(
    "M20",
    "certificate",
    "Does each proxy serve a certificate of its own identity, by the mesh's root?",
    "istiod gave it to the pod's account, and everybody who calls it asks for that identity",
    names,
  ),
  {
    ...tool(
      "M17",
      "ready",
      "Does the kubelet find the pods well, which has no certificate?",
      "its questions are rewritten to lead through the sidecar, so that STRICT does not refuse them",
      (s) => httpServices(s).map((x) => x.name),
    ),
    // in other modes they are let in with and without that
    rows: (s, name) => (isStrict(s, name) ? ["M17"] : []),
  },
];

/** Whether a service takes mTLS alone. */
export function isStrict(s: Settings, name: string): boolean {
  return (
    modeOf(
      s,
      s.services.find((x) => x.name === name)!,
    ) === "STRICT"
  );
}
