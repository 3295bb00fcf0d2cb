import { columns } from "../../scripts/columns.ts";
import type { Answer, Effect } from "./judge.ts";

/** What the figures are held against. */
export interface Targets {
  /** Requests a second, all streams together. */
  readonly rate: number;
  /** Longest time that a connection may live on after an update that refuses it: what the stack's config says; seconds. */
  readonly drain: number;
}

/** Envoy's timers, and the way of the last bytes. */
const slack = 1;
/** Failures that are shown one by one. */
const shown = 20;

export interface Outcome {
  readonly effects: readonly Effect[];
  /** Requests a second. */
  readonly rate: number;
  readonly targets: Targets;
}

/** What is missed, one line each; empty when all targets are met. */
export function missed({ effects, rate, targets }: Outcome): string[] {
  const lines = effects.flatMap(({ update: { name }, ...e }) => [
    ...(e.failed.length > 0 ? [`${name}: ${e.failed.length} requests failed`] : []),
    ...(e.letIn.length > 0 ? [`${name}: ${e.letIn.length} requests were let in`] : []),
    ...(e.tightens && e.refused === 0
      ? [`${name}: no request was refused, so nothing is proved`]
      : []),
    ...(e.livedOn !== undefined && e.livedOn > targets.drain + slack
      ? [`${name}: a connection lived on for ${seconds(e.livedOn)}`]
      : []),
  ]);
  if (rate >= targets.rate) return lines;
  return [...lines, `${rate.toFixed(0)} requests a second, of at least ${targets.rate}`];
}

/** The figures as a table, then what failed with its reason, then what is missed. */
export function report(outcome: Outcome): string {
  const { effects, rate, targets } = outcome;
  const rows = effects.map((e) => [
    e.update.name,
    seconds((e.update.ended - e.update.begun) / 1000),
    String(e.requests),
    String(e.failed.length),
    String(e.letIn.length),
    e.tightens ? String(e.refused) : "-",
    e.livedOn === undefined ? "-" : seconds(e.livedOn),
  ]);
  const head = ["change", "up", "requests", "failed", "let in", "refused", "lived on"];
  const bound = [
    "target",
    "-",
    "-",
    "0",
    "0",
    "1 or more",
    `${seconds(targets.drain + slack)} or less`,
  ];
  const wrong = missed(outcome);
  return [
    `${rate.toFixed(0)} requests a second (target: at least ${targets.rate})`,
    ...columns([head, ...rows, bound]),
    ...effects.flatMap((e) => [...failures(e, "failed"), ...failures(e, "letIn")]),
    ...(wrong.length === 0 ? ["all targets are met"] : wrong.map((line) => `missed: ${line}`)),
  ].join("\n");
}

function failures({ update, ...effect }: Effect, kind: "failed" | "letIn"): string[] {
  const all = effect[kind];
  const offset = (ms: number) => `${ms < 0 ? "" : "+"}${(ms / 1000).toFixed(2)} s`;
  const line = (a: Answer) =>
    `  ${kind === "failed" ? "failed" : "let in"} ${offset(a.sent - update.begun)} after the begin of "${update.name}" (${offset(a.sent - update.ended)} after its end): ${a.stream.name}: ${a.got}, ${a.detail}`;
  const rest = all.length > shown ? [`  and ${all.length - shown} more`] : [];
  return [...all.slice(0, shown).map(line), ...rest];
}

function seconds(value: number): string {
  return value === Infinity ? "not closed" : `${value.toFixed(1)} s`;
}
