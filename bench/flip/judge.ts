import type { Reason } from "../../verify/classify.ts";
import { type State, type Stream, streams } from "./steps.ts";

/** One request as its caller saw it. All times are ms of this process's clock. */
export interface Answer {
  readonly stream: Stream;
  /** When its connection was opened. */
  readonly opened: number;
  readonly sent: number;
  readonly ended: number;
  readonly got: Reason;
  /** What was seen, for people. */
  readonly detail: string;
}

/** An update: from the call of `pulumi up` until it returned. */
export interface Update {
  readonly name: string;
  readonly state: State;
  readonly begun: number;
  readonly ended: number;
}

/** A connection that was opened before an update and kept silent. */
export interface Held {
  readonly name: string;
  /** Update that makes what it is illegal. */
  readonly update: string;
  /** Undefined: it was still open when nobody looked any more. */
  readonly closed: number | undefined;
}

export type Verdict =
  | "right"
  /** It should have succeeded, or was refused for a reason that is not the expected one. */
  | "failed"
  /** It should have been refused. */
  | "let in";

/**
 * What may apply to a request: a state from the begin of its update on, until the next update has returned. A connection
 * that was opened before that may live on.
 *
 * @param updates in order; the first one made the stack
 */
export function statesOf(
  { opened, ended }: Pick<Answer, "opened" | "ended">,
  updates: readonly Update[],
): State[] {
  return updates
    .filter(({ begun }, i) => {
      const next = updates[i + 1];
      return (i === 0 || begun <= ended) && (next === undefined || next.ended > opened);
    })
    .map(({ state }) => state);
}

export function verdictOf(answer: Answer, updates: readonly Update[]): Verdict {
  const expected = statesOf(answer, updates).map((state) => answer.stream.expect(state));
  if (expected.includes(answer.got)) return "right";
  // 404 is what a service that is not there gets
  const refusing = expected.every((reason) => reason !== "ok" && reason !== "not-found");
  return refusing && answer.got === "ok" ? "let in" : "failed";
}

/** What one update did to traffic. */
export interface Effect {
  readonly update: Update;
  readonly requests: number;
  readonly failed: readonly Answer[];
  readonly letIn: readonly Answer[];
  /** Refusals after it had returned, of streams that are refused by it: the proof that somebody asked. */
  readonly refused: number;
  /** Whether it refuses what was let in before. */
  readonly tightens: boolean;
  /** How long, after it had returned, connections lived on that it would refuse; seconds. Undefined where there are none. */
  readonly livedOn: number | undefined;
}

/** Requests by the update that was the last to begin before they ended. */
export function effectsOf(
  answers: readonly Answer[],
  updates: readonly Update[],
  held: readonly Held[],
): Effect[] {
  const of = Map.groupBy(answers, ({ ended }) => updates.findLastIndex((u) => u.begun <= ended));
  return updates.slice(1).map((update, i) => {
    const before = updates[i]!.state;
    const mine = of.get(i + 1) ?? [];
    const named = (verdict: Verdict) => mine.filter((a) => verdictOf(a, updates) === verdict);
    const isRefused = (stream: Stream) =>
      stream.expect(before) === "ok" && !["ok", "not-found"].includes(stream.expect(update.state));
    const now = mine.filter((a) => isRefused(a.stream));
    const seconds = (end: number) => Math.max(0, (end - update.ended) / 1000);
    const lived = [
      ...now.filter((a) => a.got === "ok" && a.opened < update.ended).map((a) => seconds(a.ended)),
      ...held
        .filter((h) => h.update === update.name)
        .map(({ closed }) => (closed === undefined ? Infinity : seconds(closed))),
    ];
    return {
      ...{ update, requests: mine.length, failed: named("failed"), letIn: named("let in") },
      refused: now.filter((a) => a.got !== "ok" && a.opened >= update.ended).length,
      tightens: streams.some(isRefused),
      livedOn: lived.length > 0 ? Math.max(...lived) : undefined,
    };
  });
}
