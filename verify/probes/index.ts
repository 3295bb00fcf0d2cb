import type { Settings } from "../../settings";
import type { Probe } from "../probe";
import { edgeProbes } from "./edge";
import { meshProbes } from "./mesh";

export { edgeProbes } from "./edge";
export { meshProbes } from "./mesh";

/** Every probe, in the order of the report. */
export const allProbes: readonly Probe[] = [...meshProbes, ...edgeProbes];

/** The probes that a stack of these settings has to answer. */
export function probesFor(settings: Settings, probes = allProbes): Probe[] {
  return probes.filter((probe) => probe.applies(settings));
}
