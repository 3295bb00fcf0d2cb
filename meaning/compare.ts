import type { Answer } from "./evaluate/request.ts";
import { type Platform } from "./manifests/platform.ts";
import { type Manifest, groupOf, nameOf, placeText } from "./manifests/objects.ts";
import { edgeQuestions } from "./witnesses/edge.ts";
import { insideQuestions } from "./witnesses/inside.ts";
import type { Sides } from "./witnesses/sides.ts";

/** What a change does to one request. */
export type Effect =
  /** It was refused, and reaches a container now. */
  | "opens"
  /** It reached a container, and is refused now. */
  | "closes"
  /** It reaches a container as before, but with less: without mTLS, or with a token that was kept from it. */
  | "weakens"
  /** The same the other way round. */
  | "strengthens"
  /** It reaches another container, or is refused otherwise. */
  | "differs";

/** A request that gets something else than before. */
export interface Change {
  readonly effect: Effect;
  readonly about: string;
  readonly who: string;
  readonly what: string;
  readonly before: Answer;
  readonly after: Answer;
}

/** Something that cannot be judged, and on which side. */
export interface Blind {
  readonly side: "before" | "after" | "both";
  readonly object: string;
  readonly place: string;
  readonly text: string;
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
export function compare(base: Platform, head: Platform): Comparison {
  const sides: Sides = [base, head];
  const all = [insideQuestions(sides), edgeQuestions(sides)];
  const changes: Change[] = [];
  const notJudged: Comparison["notJudged"][number][] = [];
  let unchanged = 0;
  for (const question of all.flatMap((q) => q.asked)) {
    const [before, after] = [question.ask(base), question.ask(head)];
    const asked = { about: question.about, who: question.who, what: question.what, before, after };
    if (before.verdict === "unknown" || after.verdict === "unknown") {
      notJudged.push(asked);
      continue;
    }
    const effect = effectOf(before, after);
    if (effect) changes.push({ effect, ...asked });
    else unchanged += 1;
  }
  return {
    ...{ changes, unchanged, notJudged, blind: blindSpots(base, head) },
    leftOut: all.reduce((sum, q) => sum + q.leftOut, 0),
    asked: all.reduce((sum, q) => sum + q.asked.length, 0),
  };
}

function effectOf(before: Answer, after: Answer): Effect | undefined {
  const [was, is] = [before.verdict === "open", after.verdict === "open"];
  if (was !== is) return is ? "opens" : "closes";
  if (!is) {
    const same = before.reason === after.reason && before.location === after.location;
    return same ? undefined : "differs";
  }
  if (before.reached !== after.reached) return "differs";
  if (before.mtls !== after.mtls) return after.mtls ? "strengthens" : "weakens";
  if (before.tokenSeen !== after.tokenSeen) return after.tokenSeen ? "weakens" : "strengthens";
  return undefined;
}

/** What cannot be judged on either side, and what changed that is not read at all. */
function blindSpots(base: Platform, head: Platform): Blind[] {
  const of = (p: Platform, side: "before" | "after"): Blind[] =>
    p.unjudged.map((u) => ({ side, object: u.object, place: placeText(u.place), text: u.text }));
  const found = [...of(base, "before"), ...of(head, "after"), ...networkPolicies(base, head)];
  const key = ({ object, text }: Blind) => `${object}\n${text}`;
  const both = found.filter((b) => found.some((o) => o.side !== b.side && key(o) === key(b)));
  return [
    ...both.filter((b) => b.side === "after").map((b) => ({ ...b, side: "both" as const })),
    ...found.filter((b) => !both.includes(b)),
  ];
}

/** Below HTTP and TLS others may refuse, too; where they stay as they are, nothing opens by them. */
function networkPolicies(base: Platform, head: Platform): Blind[] {
  const texts = (p: Platform) =>
    new Map(
      p.objects
        .filter((o) => o.kind === "NetworkPolicy" && groupOf(o) === "networking.k8s.io")
        .map((o) => [nameOf(o), o]),
    );
  const [before, after] = [texts(base), texts(head)];
  const text = (o: Manifest | undefined) => o && JSON.stringify(o.spec);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => text(before.get(name)) !== text(after.get(name)))
    .map((object): Blind => {
      const there = after.get(object) ?? before.get(object)!;
      const side = after.has(object) ? "after" : "before";
      const what = before.has(object) ? (after.has(object) ? "changed" : "gone") : "new";
      const place = placeText(there.place);
      return { side, object, place, text: `is ${what}, and what it does is not read here` };
    });
}

/** Whether anything can be reached, or read, that could not before. */
export function opens({ changes }: Comparison): boolean {
  return changes.some((c) => c.effect === "opens" || c.effect === "weakens");
}

/** Whether every question has an answer. */
export function judged({ notJudged, blind, leftOut }: Comparison): boolean {
  return notJudged.length === 0 && blind.length === 0 && leftOut === 0;
}
