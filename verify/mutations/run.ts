import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../../settings/index.ts";
import { allProbes } from "../probes/index.ts";
import type { Probe } from "../probe.ts";
import type { Outcome, RunOptions } from "../runner.ts";
import { type Finding, judgeMutation, probesToAsk, withoutUnasked } from "./judge.ts";
import type { Materials, Mutation } from "./mutation.ts";

/** Asks the platform as it is now. */
export type Ask = (
  probes: readonly Probe[],
  options: RunOptions,
  trusts?: Mutation["trusts"],
) => Promise<Outcome[]>;

/** Makes changes and undoes them; see Breakage. */
export interface Breaker {
  make(mutation: Mutation, materials: Materials): Promise<void>;
  undo(): Promise<void>;
}

export interface MutationRun {
  readonly ask: Ask;
  readonly breaker: Breaker;
  readonly materials: Materials;
  /** Ask every probe, not only those that have to notice. @default false */
  readonly everyProbe?: boolean;
  /** Probes that cannot be asked here. @default none */
  readonly unasked?: ReadonlySet<string>;
  /** How long a change may take to be noticed, and to be gone again. @default 30 */
  readonly patienceSeconds?: number;
}

/** What came of one mutation. */
export interface MutationResult {
  readonly mutation: Mutation;
  readonly verdict: "caught" | "missed" | "not asked";
  readonly finding: Finding;
  /** What is still red once it was undone. */
  readonly left: readonly Outcome[];
  /** Why it could not be made. */
  readonly error?: string;
  /** From the change until it was noticed; undefined when it was not. */
  readonly noticedAfter?: number;
  /** All of it, undoing included. */
  readonly seconds: number;
}

const nothing: Finding = { caught: [], missed: [], others: [] };
/** Answers in a row: the platform was asked before, and is asked again afterwards. */
const samples = 2;
const pause = 300;

/**
 * Breaks the platform in one way, asks until those probes that have to notice did, undoes it, and asks until they hold
 * again: so each is green, red and green, and nothing but the change differs.
 */
export async function runMutation(
  mutation: Mutation,
  settings: Settings,
  run: MutationRun,
): Promise<MutationResult> {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const expected = withoutUnasked(mutation.expected(settings), run.unasked ?? new Set());
  const none = { mutation, finding: nothing, left: [] };
  if (expected.length === 0) return { ...none, verdict: "not asked", seconds: seconds() };
  const probes = probesToAsk(expected);
  const { patienceSeconds = 30 } = run;
  let finding = nothing;
  let noticedAfter: number | undefined;
  let error: string | undefined;
  try {
    await run.breaker.make(mutation, run.materials);
    const made = seconds();
    do {
      const outcomes = await run.ask(probes, impatient, mutation.trusts);
      finding = judgeMutation(expected, outcomes);
      if (finding.missed.length > 0) await sleep(pause);
      else noticedAfter = seconds() - made;
    } while (noticedAfter === undefined && seconds() - made < patienceSeconds);
    if (run.everyProbe && noticedAfter !== undefined) {
      const all = await run.ask(allProbes, impatient, mutation.trusts);
      finding = { ...finding, others: judgeMutation(expected, all).others };
    }
  } catch (e) {
    error = (e as Error).message;
  } finally {
    await run.breaker.undo();
  }
  const after = await run.ask(probes, { samples, patienceSeconds, ...quick(patienceSeconds) });
  const left = after.filter((o) => o.verdict !== "holds");
  const verdict = noticedAfter !== undefined && left.length === 0 ? "caught" : "missed";
  return {
    ...{ mutation, verdict, finding, left, seconds: seconds() },
    ...(error !== undefined && { error }),
    ...(noticedAfter !== undefined && { noticedAfter }),
  };
}

/** What is limited in time, and looks nothing up in logs: what a log says decides nothing here. */
const quick = (limit: number): RunOptions => ({ limitSeconds: limit + 15, accessLogs: false });
/** A wrong answer is what is waited for, so that none gets time to become right. */
const impatient: RunOptions = { samples, patienceSeconds: 0, ...quick(15) };
