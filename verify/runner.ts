import { setTimeout as sleep } from "node:timers/promises";
import { classify } from "./classify.ts";
import { Deadline } from "./deadline.ts";
import type { Evidence } from "./evidence.ts";
import { type Answer, type Identities, type Judgement, judge } from "./judge.ts";
import {
  type Control,
  type Expectation,
  type Probe,
  type ProbeRequest,
  type ProbeTarget,
  controlOf,
} from "./probe.ts";
import { rowsOf } from "./rows.ts";

export interface RunOptions {
  /** Answers in a row that have to be the same. @default 3 */
  readonly samples?: number;
  /**
   * How long a wrong answer may still become right: configuration takes time to reach the proxies.
   *
   * @default each probe's own, 20 where it has none
   */
  readonly patienceSeconds?: number;
  /** Time limit of the whole run; what is not answered by then is inconclusive. @default 180 */
  readonly limitSeconds?: number;
  /** When all runs beside each other and after each other have to be over, by `performance.now()`. @default never */
  readonly endsAt?: number;
  /** Look up the line that the server's proxy wrote about each request; what is judged by it needs it. @default true */
  readonly accessLogs?: boolean;
  /** Called for a probe some of whose questions cannot be asked from here, with their number. */
  readonly onLeftOut?: (id: string, questions: number) => void;
  /** Called at the begin of a run with the number of its questions. */
  readonly onBegun?: (questions: number) => void;
  /** Called when a question is settled. */
  readonly onSettled?: (outcome: Outcome) => void;
}

/** What came of one question. */
export interface Outcome extends Judgement {
  readonly id: string;
  /** What it was asked for; empty when it is asked once. */
  readonly item: string;
  readonly probe: Probe;
  /** Rows of the catalogue that it stands for. */
  readonly rows: readonly string[];
  /** The fixture that answered; undefined for the stack itself. */
  readonly world?: string;
  /** What reports show it as part of, while it holds. */
  readonly group?: string;
  readonly expected: Expectation;
  readonly request: ProbeRequest;
  readonly evidence: Evidence;
  readonly control?: { readonly differs: string; readonly evidence: Evidence };
  /** Answers that were taken. */
  readonly samples: number;
  /** How many of them were the same, counted from the last. */
  readonly alike: number;
  /** From the begin of the run until it was settled. */
  readonly seconds: number;
}

/**
 * Sends requests side by side; each on a connection of its own.
 *
 * @returns the answers; when time is up, at once, those that there are
 */
export type RoundSender = (
  requests: readonly ProbeRequest[],
  deadline: Deadline,
) => Promise<ReadonlyMap<ProbeRequest, Evidence>>;

/** Time limit of a run unless it has one of its own, in s. */
export const defaultLimit = 180;
/** How long a wrong answer may become right where neither run nor probe says so, in s. */
const defaultPatience = 20;
/** Time between two rounds, in ms. */
const pause = 200;
/** How often a wrong answer may come after a right one; beyond, once patience is over, replicas differ. */
const mostTurns = 3;

/**
 * Asks every question in rounds until its answer is stable. A probe and its control are sent in the same round, so
 * that a refusal is judged beside a success of the same moment.
 */
export async function runProbes(
  probes: readonly Probe[],
  target: ProbeTarget,
  identities: Identities,
  send: RoundSender,
  options: RunOptions = {},
): Promise<Outcome[]> {
  const { samples = 3, patienceSeconds, limitSeconds = defaultLimit } = options;
  const unique = new Map<string, ProbeRequest>();
  const once = (request: ProbeRequest): ProbeRequest => {
    const key = JSON.stringify(request);
    const known = unique.get(key) ?? request;
    unique.set(key, known);
    return known;
  };
  const questions = probes.flatMap((probe) =>
    (probe.each?.(target.settings) ?? [""]).map((item) => new Question(probe, item, target, once)),
  );
  options.onBegun?.(questions.length);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const deadline = new Deadline(limitSeconds);
  try {
    for (;;) {
      const open = questions.filter((q) => !q.outcome);
      if (open.length === 0) break;
      const requests = [...new Set(open.flatMap((q) => q.requests))];
      const answers = await send(requests, deadline);
      const timeIsUp = deadline.left === 0;
      for (const question of open) {
        question.take(answers, identities);
        const now = elapsed();
        const stable = question.streak >= (question.probe.samples ?? samples) * question.caution;
        const right = question.last?.verdict === "holds";
        const patience = patienceSeconds ?? question.probe.patienceSeconds ?? defaultPatience;
        // no answer in time says more about this machine than about the platform: with less to ask there is time
        const wrong = now >= patience && !question.unanswered;
        const unstable = question.isUnstable && now >= patience;
        if ((stable && (right || wrong)) || unstable || timeIsUp) {
          const outcome = question.settle(stable && !unstable, now);
          options.onSettled?.(outcome);
        }
      }
      if (questions.every((q) => q.outcome)) break;
      await sleep(pause);
    }
  } finally {
    deadline.close();
  }
  return questions.map((q) => q.outcome!);
}

/** One question and its answers so far. */
class Question {
  public outcome: Outcome | undefined;
  public last: Judgement | undefined;
  public streak = 0;
  private samples = 0;
  /** How often a wrong answer came after a right one. */
  private turns = 0;
  private hasTurned = false;
  private evidence: Evidence | undefined;
  private controlEvidence: Evidence | undefined;
  private readonly request: ProbeRequest;
  private readonly control: ProbeRequest | undefined;
  private readonly controlled: Control | undefined;
  private readonly expected: Expectation;
  private readonly group: string | undefined;
  private readonly rows: readonly string[];

  public readonly probe: Probe;
  private readonly item: string;

  constructor(
    probe: Probe,
    item: string,
    target: ProbeTarget,
    once: (request: ProbeRequest) => ProbeRequest,
  ) {
    this.probe = probe;
    this.item = item;

    this.request = once(probe.send(target, item));
    this.controlled = controlOf(probe, target.settings, item);
    this.control = this.controlled && once(this.controlled.send(target, item));
    this.expected = probe.expect(target.settings, item);
    this.group = probe.group?.(target.settings, item);
    this.rows = rowsOf(probe, target.settings, item);
  }

  /** Whether the last request, or its control, had no answer in time. */
  public get unanswered(): boolean {
    return [this.evidence, this.controlEvidence].some((e) => e && classify(e, false) === "timeout");
  }

  /** How many times as many answers in a row have to be the same: one replica of two may be wrong. */
  public get caution(): number {
    return 2 ** Math.min(this.turns, mostTurns);
  }

  /** Whether right answers and wrong ones have just taken turns once more. */
  public get isUnstable(): boolean {
    return this.turns >= mostTurns && this.hasTurned;
  }

  public get requests(): ProbeRequest[] {
    return this.control ? [this.request, this.control] : [this.request];
  }

  /** Judges the answers of a round; where time was up before they came, the last ones stay. */
  public take(answers: ReadonlyMap<ProbeRequest, Evidence>, identities: Identities): void {
    if (this.requests.some((request) => !answers.has(request))) return;
    this.evidence = answers.get(this.request)!;
    this.controlEvidence = this.control && answers.get(this.control);
    const control: Answer | undefined =
      this.control && this.controlEvidence
        ? {
            request: this.control,
            evidence: this.controlEvidence,
            ...(this.controlled?.succeeds && { succeeds: this.controlled.succeeds }),
          }
        : undefined;
    const answer = { request: this.request, evidence: this.evidence };
    const judged = judge(this.expected, answer, control, identities);
    const same = this.last?.verdict === judged.verdict && this.last.text === judged.text;
    this.streak = same ? this.streak + 1 : 1;
    // what is inconclusive says more about this machine and its clients
    this.hasTurned = this.last?.verdict === "holds" && judged.verdict === "fails";
    if (this.hasTurned) this.turns++;
    this.last = judged;
    this.samples++;
  }

  public settle(stable: boolean, seconds: number): Outcome {
    const { probe, item, rows, expected, request, samples } = this;
    const judged = this.judgementAtEnd(stable, seconds);
    const control = this.controlled &&
      this.controlEvidence && { differs: this.controlled.differs, evidence: this.controlEvidence };
    this.outcome = {
      ...judged,
      ...{ id: probe.id, item, probe, rows, expected, request, samples, seconds },
      alike: this.streak,
      evidence: this.evidence ?? unanswered(seconds),
      ...(this.group !== undefined && { group: this.group }),
      ...(control && { control }),
    };
    return this.outcome;
  }

  private judgementAtEnd(stable: boolean, seconds: number): Judgement {
    const { last, probe, samples } = this;
    const after = `${seconds.toFixed(1)} s`;
    if (!last) {
      const text = `time was up: nothing was answered within ${after}`;
      return { verdict: "inconclusive", got: "timeout", text };
    }
    if (stable) {
      if (!probe.patienceSeconds) return last;
      const text = last.verdict === "holds" ? `${last.text}, after ${after}` : last.text;
      return { ...last, text: last.verdict === "holds" ? text : `still after ${after}: ${text}` };
    }
    const why =
      samples === this.streak
        ? `time was up after ${samples} ${samples === 1 ? "answer" : "answers"}`
        : this.turns > 0
          ? `not stable, ${this.turns} times wrong after it was right`
          : "not stable";
    return { ...last, verdict: "inconclusive", text: `${why}: last ${last.text}` };
  }
}

/** What is known of a request that nobody answered before time was up. */
function unanswered(seconds: number): Evidence {
  const at = new Date(Date.now() - seconds * 1000).toISOString();
  return { at, seconds, body: "", message: "no answer before time was up" };
}
