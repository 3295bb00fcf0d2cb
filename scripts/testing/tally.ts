/** What a part of the tests came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 };

export function add(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** One part as it ran. */
export interface PartResult extends Tally {
  readonly name: string;
  readonly seconds: number;
  /** Seconds that it may take on two cores with a warm cache; shown beside what it took. */
  readonly budget: number;
}

/** A part in which nothing ran has not proved anything: it counts as one failure. */
export function judged(name: string, tally: Tally, seconds: number, budget: number): PartResult {
  const empty = tally.passed + tally.failed === 0;
  return { name, seconds, budget, ...tally, failed: empty ? 1 : tally.failed };
}

/** The table of all parts, and the last line. */
export function report(parts: readonly PartResult[]): string {
  const rows = [
    ["part", "seconds", "budget", "passed", "failed", "skipped"],
    ...parts.map((p) => [
      p.name,
      p.seconds.toFixed(1),
      String(p.budget),
      String(p.passed),
      String(p.failed),
      String(p.skipped),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  "),
  );
  return `${lines.join("\n")}\n\n${lastLine(parts.reduce<Tally>(add, nothing))}`;
}

/** What is skipped stands in the table. */
export function lastLine(all: Tally): string {
  return `${all.passed} passed, ${all.failed} failed`;
}
