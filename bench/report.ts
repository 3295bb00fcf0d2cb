import { columns } from "../scripts/columns.ts";

/** One measured figure, in seconds. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  /** The program's time. */
  readonly program: number;
  /** The shell route's time for the same work. @default not measured */
  readonly shell?: number;
  /** Bound in seconds on the air-gapped route; false for none. @default the shell route's time */
  readonly atMost?: number | false;
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
  return [`plugins and images: ${route} route`, ...columns([head, ...rows])].join("\n");
}

function seconds(value: number): string {
  return `${value < 1 ? value.toFixed(3) : value.toFixed(1)} s`;
}

function ratio({ program, shell }: Figure): string {
  return shell ? (program / shell).toFixed(2) : "-";
}

/** Whether a figure is within its bound. */
export function holds({ program, shell, atMost }: Figure): boolean {
  return atMost === false || program <= (atMost ?? shell ?? Infinity);
}

function bound(figure: Figure): string {
  const { atMost } = figure;
  if (atMost === false) return "none, to compare";
  return `${holds(figure) ? "holds" : "missed"} (at most ${atMost === undefined ? "the shell route" : seconds(atMost)})`;
}
