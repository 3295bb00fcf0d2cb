import type { Settings } from "../settings/index.ts";
import type { Probe } from "./probe.ts";

/** Where a row of the catalogue is asked. */
export type Row =
  /** By traffic, or by Istio's own tools, where the settings have in them what it is about. */
  | "verify"
  /** Why it is not asked here, and what asks it instead, if anything does. */
  | { readonly elsewhere: string };

const verified = (letter: string, ...numbers: number[]) =>
  numbers.map((n): [string, Row] => [`${letter}${n}`, "verify"]);
const elsewhere = (why: string, ...ids: string[]) =>
  ids.map((id): [string, Row] => [id, { elsewhere: why }]);

/** Every row of the catalogue, in its order. */
export const rows: ReadonlyMap<string, Row> = new Map([
  ...verified("M", 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 17, 18, 20, 22),
  ...verified("E", 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15, 17, 18, 19, 20, 21, 22, 24, 27, 28, 30),
  ...verified("J", 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 18, 19, 20, 21, 22, 23, 25, 26),
  ...verified("A", 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 13, 15, 17, 18, 19, 20, 22, 23, 25),
  ...verified("P", 1, 2, 3, 5, 6, 7, 9, 11, 12),
  ...elsewhere("the program limits no rates yet", "R1", "R2", "R3", "R5", "R6"),
  ...elsewhere("the program has no web application firewall yet", "W1", "W2", "W3", "W4"),
  ...verified("T", 1, 2),
  ...elsewhere("the program collects no traces yet", "T3"),
  ...verified("T", 4),
  ...verified("O", 1),
  ...elsewhere("end-to-end tests: deleted, stopped and foreign clusters", "O2"),
  ...elsewhere("end-to-end tests: what is left after destroy", "O3"),
  ...elsewhere("end-to-end tests: the steps of each switch, both ways", "O4"),
  ...verified("O", 6),
]);

/** Rows that an item of a probe stands for; none where the catalogue does not know its id. */
export function rowsOf(probe: Probe, settings: Settings, item: string): readonly string[] {
  const own = probe.rows?.(settings, item) ?? [baseOf(probe.id)];
  return own.filter((row) => rows.has(row));
}

/** J4 of J4-inside. */
function baseOf(id: string): string {
  return id.split("-")[0]!;
}

/** Rows of which something was asked, and all that was asked holds. */
export function rowsThatHold(
  outcomes: readonly { readonly rows: readonly string[]; readonly verdict: string }[],
): string[] {
  return [...rows.keys()].filter((row) => {
    const of = outcomes.filter((o) => o.rows.includes(row));
    return of.length > 0 && of.every((o) => o.verdict === "holds");
  });
}
