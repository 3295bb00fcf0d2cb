import { type Blind, blindSpots } from "./blind.ts";
import { type Effect, effectOf } from "./effect.ts";
import type { Answer } from "./evaluate/request.ts";
import { madeAfter } from "./manifests/age.ts";
import { type Platform } from "./manifests/platform.ts";
import { edgeQuestions } from "./witnesses/edge.ts";
import { insideQuestions } from "./witnesses/inside.ts";
import type { Question } from "./witnesses/question.ts";
import type { Sides } from "./witnesses/sides.ts";

export type { Blind } from "./blind.ts";
export type { Effect } from "./effect.ts";

/** A request that gets something else than before. */
export interface Change {
  readonly effect: Effect;
  readonly about: string;
  readonly who: string;
  readonly what: string;
  readonly before: Answer;
  readonly after: Answer;
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** Questions with the same answer on both sides. */
  readonly unchanged: number;
  /** Questions that have no answer on one side at least. */
  readonly notJudged: readonly Pick<Change, "about" | "who" | "what" | "before" | "after">[];
  readonly blind: readonly Blind[];
  /** Questions that were left out, because there were too many. */
  readonly leftOut: number;
  readonly asked: number;
}

/** Asks both platforms the same questions: what a change means for callers inside and outside. */
export function compare(base: Platform, after: Platform): Comparison {
  const head = madeAfter(base, after);
  const sides: Sides = [base, head];
  const all = [insideQuestions(sides), edgeQuestions(sides)];
  const changes: Change[] = [];
  const notJudged: Comparison["notJudged"][number][] = [];
  let unchanged = 0;
  const answers = ({ ask }: Question) => [ask(base), ask(head)] as const;
  for (const question of all.flatMap((q) => q.asked)) {
    const [before, after] = answers(question);
    // a port that nobody speaks of mostly fares as the others do
    if (question.like && alike([before, after], answers(question.like))) continue;
    const asked = { about: question.about, who: question.who, what: question.what, before, after };
    const effect = effectOf(before, after);
    if (effect === "unknown") notJudged.push(asked);
    else if (effect) changes.push({ effect, ...asked });
    else unchanged += 1;
  }
  return {
    ...{ changes, unchanged, notJudged, blind: blindSpots(base, head) },
    leftOut: all.reduce((sum, q) => sum + q.leftOut, 0),
    asked: changes.length + unchanged + notJudged.length,
  };
}

type Answers = readonly [before: Answer, after: Answer];

function alike(one: Answers, other: Answers): boolean {
  return one.every(
    ({ verdict, reason, reached, mtls, tokenSeen }, i) =>
      verdict === other[i]!.verdict &&
      reason === other[i]!.reason &&
      reached === other[i]!.reached &&
      mtls === other[i]!.mtls &&
      tokenSeen === other[i]!.tokenSeen,
  );
}

/** Whether anything can be reached, or read, that could not before. */
export function opens({ changes }: Comparison): boolean {
  return changes.some((c) => c.effect === "opens" || c.effect === "weakens");
}

/** Whether every question has an answer. */
export function judged({ notJudged, blind, leftOut }: Comparison): boolean {
  return notJudged.length === 0 && blind.length === 0 && leftOut === 0;
}
