import { setTimeout as sleep } from "node:timers/promises";
import { classify } from "./classify.ts";
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
  /** How long a wrong answer may still become right: configuration takes time to reach the proxies. @default 20 */
  readonly patienceSeconds?: number;
  /** Time limit of the whole run. @default 180 */
  readonly limitSeconds?: number;
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
  /** From the begin of the run until it was settled. */
  readonly seconds: number;
}

/** Sends requests side by side; each on a connection of its own. */
export type RoundSender = (
  requests: readonly ProbeRequest[],
) => Promise<ReadonlyMap<ProbeRequest, Evidence>>;

/** Time between two rounds. */
const pause = 200;

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
  const { samples = 3, patienceSeconds = 20, limitSeconds = 180 } = options;
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
  for (;;) {
    const open = questions.filter((q) => !q.outcome);
    if (open.length === 0) break;
    const requests = [...new Set(open.flatMap((q) => q.requests))];
    const answers = await send(requests);
    for (const question of open) {
      question.take(answers, identities);
      const now = elapsed();
      const stable = question.streak >= (question.samplesWanted ?? samples);
      const right = question.last?.verdict === "holds";
      // no answer in time says more about this machine than about the platform: with less to ask there is time
      const wrong = now >= patienceSeconds && !question.unanswered;
      if ((stable && (right || wrong)) || now >= limitSeconds) {
        const outcome = question.settle(stable, now);
        options.onSettled?.(outcome);
      }
    }
    if (questions.every((q) => q.outcome)) break;
    await sleep(pause);
  }
  return questions.map((q) => q.outcome!);
}

/** One question and its answers so far. */
class Question {
  public outcome: Outcome | undefined;
  public last: Judgement | undefined;
  public streak = 0;
  private samples = 0;
  private evidence: Evidence | undefined;
  private controlEvidence: Evidence | undefined;
  private readonly request: ProbeRequest;
  private readonly control: ProbeRequest | undefined;
  private readonly controlled: Control | undefined;
  private readonly expected: Expectation;
  private readonly group: string | undefined;
  private readonly rows: readonly string[];

  private readonly probe: Probe;
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

  public get samplesWanted(): number | undefined {
    return this.probe.samples;
  }

  /** Whether the last request, or its control, had no answer in time. */
  public get unanswered(): boolean {
    return [this.evidence, this.controlEvidence].some((e) => e && classify(e, false) === "timeout");
  }

  public get requests(): ProbeRequest[] {
    return this.control ? [this.request, this.control] : [this.request];
  }

  public take(answers: ReadonlyMap<ProbeRequest, Evidence>, identities: Identities): void {
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
    this.last = judged;
    this.samples++;
  }

  public settle(stable: boolean, seconds: number): Outcome {
    const { probe, item, rows, expected, request, samples } = this;
    const judged: Judgement = stable
      ? this.last!
      : { ...this.last!, verdict: "inconclusive", text: `not stable: last ${this.last!.text}` };
    const control = this.controlled &&
      this.controlEvidence && { differs: this.controlled.differs, evidence: this.controlEvidence };
    this.outcome = {
      ...judged,
      ...{ id: probe.id, item, probe, rows, expected, request, samples, seconds },
      evidence: this.evidence!,
      ...(this.group !== undefined && { group: this.group }),
      ...(control && { control }),
    };
    return this.outcome;
  }
}
