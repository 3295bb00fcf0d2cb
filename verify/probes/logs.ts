import { type ServiceSettings, type Settings, modeOf } from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import type { Probe } from "../probe.ts";
import { admitted, openPrefixes } from "./edge-requests.ts";
import { hostOf } from "./services.ts";
import { admits, byName, canBeJudged, listed, listedControl } from "./mesh-requests.ts";

/**
 * What logs hold of requests.
 *
 * @param about the service that is asked
 */
export function logProbesOf(about: (s: Settings) => string | undefined): Probe[] {
  const prefix = (s: Settings) => openPrefixes(s)[0];
  const items = (s: Settings) => [
    ...(about(s) === undefined ? [] : ["from inside"]),
    ...(prefix(s) === undefined ? [] : ["from outside"]),
  ];
  return [
    {
      id: "T1",
      question: "Does a request that is answered leave a line with code, flags and peer?",
      why: "the access log says who asked whom, and how it ended",
      // the log of an Istio that somebody else runs is theirs to configure
      applies: (s) => !s.adopt.includes("istio") && items(s).length > 0,
      each: items,
      expect: () => ({ reason: "ok", logged: true }),
      send: (target, item) =>
        item === "from inside"
          ? listed(target, about(target.settings)!)
          : admitted(target.settings, prefix(target.settings)!),
    },
    {
      id: "T1-refused",
      question: "Does a request that is refused leave one?",
      why: "refusals are what a log is read for",
      applies: (s) => {
        const name = about(s);
        return !s.adopt.includes("istio") && name !== undefined && !admits(s, name, "mesh");
      },
      expect: () => ({ reason: "rbac-denied", logged: true }),
      send: (target) => byName("mesh")(target, about(target.settings)!),
      control: { ...listedControl, send: (t) => listed(t, about(t.settings)!) },
    },
  ];
}

/** About the first service whom a workload of the mesh may ask, and whose proxy learns who it is. */
export const logProbes = logProbesOf(
  (s) =>
    httpServices(s).find((x) => isDialledWithIdentity(s, x) && canBeJudged("mesh")(s, x.name))
      ?.name,
);

function isDialledWithIdentity(s: Settings, service: ServiceSettings): boolean {
  const host = hostOf(service.name, s.namespace);
  return modeOf(s, service) !== "DISABLE" && !s.destinationRule?.except.includes(host);
}
