import type { Settings } from "../../settings/index.ts";
import type { Probe } from "../probe.ts";
import { rowsOf } from "../rows.ts";

/** The probes of these ids. */
export function probesNamed(probes: readonly Probe[], ...ids: readonly string[]): Probe[] {
  return ids.map((id) => {
    const found = probes.find((p) => p.id === id);
    if (!found) throw new Error(`there is no probe ${id}`);
    return found;
  });
}

/**
 * A probe with so many of its items for each row of the catalogue, and with none that stands for no row.
 *
 * A world has rules for the sake of rows; what else neighbours them is asked of stacks.
 *
 * @param always items beside them; none unless given
 */
export function perRow(
  probe: Probe,
  count: number,
  always: (s: Settings, item: string) => boolean = () => false,
): Probe {
  const each = (s: Settings) => {
    const taken = new Map<string, number>();
    return (probe.each?.(s) ?? [""]).filter((item) => {
      const rows = rowsOf(probe, s, item);
      const wanted = rows.some((row) => (taken.get(row) ?? 0) < count);
      if (wanted) for (const row of rows) taken.set(row, (taken.get(row) ?? 0) + 1);
      return wanted || always(s, item);
    });
  };
  return { ...probe, each };
}
