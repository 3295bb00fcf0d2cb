import type { Settings } from "../settings/index.ts";
import type { CallerKind } from "./callers/objects.ts";
import { kindOf } from "./callers/kinds.ts";
import { type Probe, type ProbeTarget, controlOf } from "./probe.ts";

/** Callers that the questions need. */
export function kindsIn(settings: Settings, probes: readonly Probe[]): CallerKind[] {
  const target: ProbeTarget = { settings, podAddresses: {} };
  const requests = probes.flatMap((probe) =>
    (probe.each?.(settings) ?? [""]).flatMap((item) => {
      try {
        const control = controlOf(probe, settings, item);
        return [probe.send(target, item), ...(control ? [control.send(target, item)] : [])];
      } catch {
        // about the twin, which only asks as somebody who is always there
        return [];
      }
    }),
  );
  return [
    ...new Set(
      requests.flatMap((r) => (r.from === "host" || r.from === "tool" ? [] : [kindOf(r)])),
    ),
  ];
}
