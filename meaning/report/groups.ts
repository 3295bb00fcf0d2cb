import type { Change, Comparison, Effect } from "../compare.ts";
import type { Answer } from "../evaluate/request.ts";

/** Requests of one caller to one place that fare alike. */
export interface Group {
  readonly effect: Effect;
  readonly about: string;
  readonly who: string;
  /** What is asked for; the plainest first. */
  readonly what: readonly string[];
  readonly before: string;
  readonly after: string;
  /** What decides, in words. */
  readonly by: string;
}

const order: readonly Effect[] = ["opens", "weakens", "closes", "strengthens", "differs"];

/** Changes in groups, what opens up first. */
export function groupsOf({ changes }: Pick<Comparison, "changes">): Group[] {
  const found = new Map<string, Change[]>();
  for (const change of changes) {
    const { effect, about, who, before, after } = change;
    // whom it reaches now beside whom it reached is all that a reviewer has to know
    const where = before.verdict === "open" && effect === "opens" ? after.reached : "";
    const key = [effect, about, who, where, kindOf(before), kindOf(after)].join("\n");
    found.set(key, [...(found.get(key) ?? []), change]);
  }
  return [...found.values()]
    .map((all): Group => {
      const [{ effect, about, who, before, after }] = all as [Change];
      const text = (answers: Answer[]) => few([...new Set(answers.map(answerText))], 2);
      const what = [...new Set(all.map((c) => c.what))].sort(
        (a, b) => a.length - b.length || (a < b ? -1 : 1),
      );
      const decider = effect === "closes" || effect === "differs" ? after : before;
      return {
        ...{ effect, about, who, what },
        ...{ before: text(all.map((c) => c.before)), after: text(all.map((c) => c.after)) },
        by: decider.by ?? "",
      };
    })
    .sort(
      (a, b) =>
        order.indexOf(a.effect) - order.indexOf(b.effect) ||
        (a.about < b.about ? -1 : a.about > b.about ? 1 : 0),
    );
}

/** What answers have in common, whomever they reach. */
function kindOf({ verdict, reason, mtls, tokenSeen, location }: Answer): string {
  return [verdict, reason, mtls, tokenSeen, location !== undefined].join();
}

const refusals: Partial<Record<Answer["reason"], string>> = {
  redirect: "redirected",
  "not-found": "404, no route",
  "rbac-denied": "403 by rules",
  "token-issuer": "401, unknown issuer",
  "token-audience": "403, other audience",
  "token-signature": "401, token refused",
  "cert-required": "refused, certificate required",
  "unknown-ca": "refused, unknown CA",
  "protocol-version": "refused, TLS version",
  "tls-required": "refused, mTLS required",
  closed: "connection closed",
  "tls-refused": "refused, server name",
  "plaintext-only": "refused, no TLS there",
  "no-upstream": "503, not reached",
  unreachable: "not there",
};

/** What a request gets, in a few words. */
export function answerText({
  verdict,
  reason,
  reached,
  mtls,
  tokenSeen,
  location,
}: Answer): string {
  if (verdict === "unknown") return "cannot be judged";
  if (verdict === "closed")
    return location === undefined
      ? (refusals[reason] ?? reason)
      : `redirected to ${location.replace(/^(\w+:\/\/[^/]+).*/, "$1")}`;
  if (reached === undefined) return "taken";
  const with_ = [...(mtls ? ["mTLS"] : ["plaintext"]), ...(tokenSeen ? ["token seen"] : [])];
  return `reaches ${reached} (${with_.join(", ")})`;
}

/** How much of everything there is. */
export interface Counts {
  readonly opens: number;
  readonly weakens: number;
  readonly closes: number;
  readonly strengthens: number;
  readonly differs: number;
  readonly unchanged: number;
  readonly notJudged: number;
}

export function countsOf({ changes, unchanged, notJudged }: Comparison): Counts {
  const of = (effect: Effect) => changes.filter((c) => c.effect === effect).length;
  return {
    ...{ opens: of("opens"), weakens: of("weakens"), closes: of("closes") },
    ...{ strengthens: of("strengthens"), differs: of("differs") },
    ...{ unchanged, notJudged: notJudged.length },
  };
}

/** Words for what a group's caller may do now. */
export const effectWords: Readonly<Record<Effect, string>> = {
  opens: "OPENS UP",
  weakens: "WEAKER",
  closes: "closes",
  strengthens: "stronger",
  differs: "differs",
};

/** The first few of a list, and how many there are beside them. */
export function few(all: readonly string[], most = 3): string {
  const more = all.length - most;
  return more > 0 ? `${all.slice(0, most).join("; ")}; and ${more} more` : all.join("; ");
}
