import type { Settings } from "../../settings/index.ts";
import type { Probe } from "../probe.ts";
import { accessProbes } from "./access.ts";
import { clientRuleProbes } from "./client-rules.ts";
import { edgeProbes } from "./edge.ts";
import { logProbes } from "./logs.ts";
import { meshDenyProbes } from "./mesh-deny.ts";
import { meshProbes } from "./mesh.ts";
import { operationProbes } from "./operations.ts";
import { pathProbes } from "./paths.ts";
import { portProbes } from "./ports.ts";
import { tokenProbes } from "./tokens.ts";

/** What traffic answers. */
export const trafficProbes: readonly Probe[] = [
  ...meshProbes,
  ...portProbes,
  ...clientRuleProbes,
  ...edgeProbes,
  ...tokenProbes,
  ...accessProbes,
  ...meshDenyProbes,
  ...pathProbes,
  ...logProbes,
];

/** Every probe, in the order of the report. */
export const allProbes: readonly Probe[] = [...trafficProbes, ...operationProbes];

/** The probes that a stack of these settings has to answer. */
export function probesFor(settings: Settings, probes = allProbes): Probe[] {
  return probes.filter((probe) => probe.applies(settings));
}
