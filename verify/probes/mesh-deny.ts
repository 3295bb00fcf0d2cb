import type { Settings } from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import type { PodRequest, Probe, ProbeTarget } from "../probe.ts";
import { messageOf } from "./edge-requests.ts";
import { find, firstPort, hostOf } from "./services.ts";

const applies = (s: Settings) =>
  s.meshDefaultDeny && s.authorization === "enforce" && httpServices(s).length > 0;

/** A call by somebody of the mesh to a workload beside the bank. */
function toTwin({ settings: s, twin }: ProbeTarget, name: string | undefined): PodRequest {
  if (!twin || name === undefined) throw new Error("there is no such twin");
  const service = find(s, twin.service);
  const { port } = firstPort(service);
  const url = `http://${hostOf(name, twin.namespace)}:${port}${service.healthPath ?? "/"}`;
  return { from: "mesh", url, ...messageOf(s, { service: twin.service }) };
}

/** What the mesh's default-deny makes of calls outside the bank's namespace, which has one of its own. */
export const meshDenyProbes: readonly Probe[] = [
  {
    id: "A15-mesh",
    question: "Is a workload of another namespace out of reach that no policy there is about?",
    why: "mesh-default-deny stands in Istio's root namespace, and so is about every workload of the mesh",
    applies,
    expect: () => ({ reason: "rbac-denied" }),
    send: (target) => toTwin(target, target.twin?.ruleless),
    control: {
      differs: "its twin, the same but for a policy that lets everybody in",
      send: (target) => toTwin(target, target.twin?.service),
    },
  },
];
