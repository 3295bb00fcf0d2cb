import { blindTo } from "../evaluate/inbound.ts";
import { answerInside } from "../evaluate/inside.ts";
import type { Answer, InsideRequest } from "../evaluate/request.ts";
import { takenOn } from "../evaluate/transport.ts";
import type { Platform } from "../manifests/platform.ts";
import { callersFor } from "./callers.ts";
import { plainTokens } from "./draft-tokens.ts";
import { type Draft, type DraftContext, type Parts, partsOf } from "./drafts.ts";
import { disguises, otherMethod, unique } from "./literals.ts";
import { noParts, pairsOf, union } from "./pairs.ts";
import { type Entry, entriesOf } from "./ports.ts";
import { type Question, type Questions, bounded, callerText, messageText } from "./question.ts";
import {
  type NamedRule,
  type Sides,
  changedFirst,
  contextOf,
  distinct,
  formsOf,
  issuersDiffer,
  issuersOf,
  rulesAbout,
  strangerOf,
  workloadIds,
} from "./sides.ts";
import { type Pool, centreOf, neighbours, overlay } from "./vary.ts";

/** Questions about one workload at most. */
const most = 4000;
/** Callers that are tried with each rule beside its own. */
const mostCallers = 80;
/** Requests that one rule refuses and another lets in, at most. */
const mostCrossed = 400;
/** Requests that a changed rule takes, and that differ in two things from its own, at most. */
const mostPaired = 1500;

/** What callers inside the cluster are asked to get from each workload. */
export function insideQuestions(sides: Sides): Questions {
  const all = workloadIds(sides)
    .filter((id) => formsOf(sides, id).some(({ workload }) => workload.proxy !== "gateway"))
    .map((id) => questionsAbout(sides, id));
  return {
    asked: all.flatMap((q) => q.asked),
    leftOut: all.reduce((sum, q) => sum + q.leftOut, 0),
  };
}

function questionsAbout(sides: Sides, id: string): Questions {
  const entries = entriesOf(sides, id, rulesAbout(sides, id).rules);
  const { centres, around, paired, leftOut } = draftsAbout(sides, id, entries);
  const [main] = entries as [Entry];
  const at = (draft: Draft) => entries.find((e) => e.port === draft.port) ?? main;
  // by its other ways a workload is asked what each rule is about
  const others = entries.filter((e) => e !== main && (e.spare || !e.first));
  const questions = [
    ...entries.filter((e) => e.first).map((e) => transportQuestion(id, e, main)),
    ...[...centres, ...around].map((draft) => questionOf(id, draft, at(draft))),
    ...others.flatMap((e) =>
      centres
        .filter((c) => e.spare || c.port === undefined || c.port === e.port)
        .map((c) => questionOf(id, { ...c, port: e.port }, e, at(c))),
    ),
  ];
  const more = paired.map((draft) => questionOf(id, draft, at(draft)));
  const found = bounded(questions, most, more);
  return { ...found, leftOut: found.leftOut + leftOut };
}

interface Drafts {
  /** What nobody asks for, and what each rule does. */
  readonly centres: readonly Draft[];
  readonly around: readonly Draft[];
  /** What changed rules take that another one may decide as well. */
  readonly paired: readonly Draft[];
  readonly leftOut: number;
}

function draftsAbout(sides: Sides, id: string, entries: readonly Entry[]): Drafts {
  const { rules, leftOut } = rulesAbout(sides, id);
  const issuers = issuersOf(sides, id);
  const namespace = id.split("/")[0]!;
  const base: Draft = { caller: strangerOf(namespace), method: "GET", path: "/" };
  const ports = unique(entries.filter((e) => !e.spare).map((e) => e.port));
  const more = { issuers, path: "/", ports };
  const found = rules.map((r) => {
    const context = contextOf(sides, r.namespace, more);
    const parts = partsOf(r.rule, context);
    return { ...r, context, parts, centre: centreOf(parts, base) };
  });
  const hosts = unique(entries.flatMap((e) => (e.via ? [e.via.host] : [])));
  const named = distinct([
    ...callersFor(sides, id, rules, hosts),
    ...found.flatMap((r) => r.parts.callers),
  ]);
  const methods = unique(found.flatMap((r) => r.parts.methods));
  const pool: Pool = {
    callers: named.slice(0, mostCallers),
    methods: [...methods, ...otherMethod(methods)],
    paths: ["/no-such-path"],
    ports,
    ...(issuersDiffer(sides, id) && { tokens: plainTokens(issuers) }),
  };
  const rewritten = sides[0].mesh.normalization !== sides[1].mesh.normalization;
  const around = found.map(({ centre, parts: own, changed }) => ({
    changed,
    drafts: [
      ...neighbours(centre, own, pool),
      ...(rewritten ? disguises(centre.path).map((path) => ({ ...centre, path })) : []),
    ],
  }));
  const crossed = crossings(found);
  const empty = partsOf({}, contextOf(sides, namespace, more));
  const of = (changed: boolean) =>
    around.filter((a) => a.changed === changed).flatMap((a) => a.drafts);
  return {
    centres: [base, ...found.map((r) => r.centre)],
    around: [...[...neighbours(base, empty, pool), ...of(true), ...crossed.drafts], ...of(false)],
    paired: pairsAbout(sides, id, found, pool),
    leftOut:
      leftOut + crossed.leftOut + Math.max(0, named.length - mostCallers) * (found.length + 1),
  };
}

interface Found extends NamedRule {
  readonly context: DraftContext;
  readonly parts: Parts;
  readonly centre: Draft;
}

/** What changed rules take that another one may decide as well, where the workload is none that one side lacks. */
function pairsAbout(sides: Sides, id: string, all: readonly Found[], pool: Pool): Draft[] {
  const changed = formsOf(sides, id).length > 1 ? all.filter((r) => r.changed) : [];
  if (changed.length === 0) return [];
  const spoken = union([...all.map((r) => r.parts), { ...noParts, ...pool }]);
  return pairsOf(
    sides,
    changed.map((r) => ({ ...r, own: r.parts, pool: spoken })),
    mostPaired,
  );
}

/** What is refused first shows where something else would let it in. */
function crossings(all: readonly Found[]): { drafts: Draft[]; leftOut: number } {
  const [refusing, allowing] = [false, true].map((allows) =>
    all.filter((r) => (r.action === "ALLOW") === allows),
  ) as [Found[], Found[]];
  const pairs = refusing.flatMap((refuses) => allowing.map((allows) => ({ refuses, allows })));
  const ordered = changedFirst(pairs, (p) => p.refuses.changed || p.allows.changed);
  return {
    drafts: ordered
      .slice(0, mostCrossed)
      .map(({ refuses, allows }) => overlay(allows.centre, refuses.parts)),
    leftOut: Math.max(0, ordered.length - mostCrossed),
  };
}

function questionOf(to: string, draft: Draft, entry: Entry, like?: Entry): Question {
  const { caller, method, path, host, headers, token, address } = draft;
  const { port, via, spare, first } = entry;
  const request: InsideRequest = {
    ...{ from: caller!, to, port, method, path },
    ...(via && { via }),
    ...(host !== undefined && { host }),
    ...(headers && { headers }),
    ...(token && { token }),
    ...(address !== undefined && { address }),
  };
  return {
    about: aboutText(to, entry),
    who: callerText(caller!),
    what: `${messageText(request, address)}${first ? "" : `, by ${via!.host}:${via!.port}`}`,
    apart: token && JSON.stringify(token),
    ask: (platform) => answerInside(platform, request),
    ...(spare && like && like !== entry && { like: questionOf(to, draft, like) }),
  };
}

function aboutText(id: string, { port, spare }: Entry): string {
  return spare ? `${id}:any other port` : `${id}:${port}`;
}

/** Whether a connection without mTLS is taken at all, whatever rules say of what comes on it. */
function transportQuestion(id: string, entry: Entry, main: Entry): Question {
  const { port, unspoken } = entry;
  const ask = (platform: Platform): Answer => {
    const workload = platform.workloads.get(id);
    if (!workload) return { verdict: "closed", reason: "unreachable", by: `there is no ${id}` };
    const blind = blindTo(platform, workload, port);
    if (blind) return blind;
    const taken = takenOn(platform, workload, port);
    return taken === "STRICT"
      ? { verdict: "closed", reason: "tls-required", by: `mTLS ${taken}` }
      : { verdict: "open", reason: "ok", by: taken === "bare" ? "no sidecar" : `mTLS ${taken}` };
  };
  return {
    ...{ about: aboutText(id, entry), who: "plaintext", what: "connect, whatever rules say then" },
    ask,
    ...(unspoken && entry !== main && { like: transportQuestion(id, main, main) }),
  };
}
