/** One measured figure, in seconds. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  /** The program's time. */
  readonly program: number;
  /** The shell route's time for the same work. @default not measured */
  readonly shell?: number;
  /** Bound in seconds on the air-gapped route. @default the shell route's time */
  readonly atMost?: number;
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The figures as a table for people. */
export function table(figures: readonly Figure[], route: string): string {
  const rows = figures.map((f) => [
    f.what,
    seconds(f.program),
    f.shell ? seconds(f.shell) : "-",
    ratio(f),
    bound(f),
  ]);
  const head = ["what", "program", "shell route", "ratio", "bound"];
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  return [`plugins and images: ${route} route`, line(head), ...rows.map(line)].join("\n");
}

function seconds(value: number): string {
  return `${value < 1 ? value.toFixed(3) : value.toFixed(1)} s`;
}

function ratio({ program, shell }: Figure): string {
  return shell ? (program / shell).toFixed(2) : "-";
}

function bound({ program, shell, atMost }: Figure): string {
  const limit = atMost ?? shell ?? Infinity;
  return `${program <= limit ? "holds" : "missed"} (at most ${atMost === undefined ? "the shell route" : seconds(limit)})`;
}
