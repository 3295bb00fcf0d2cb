import { answerInside } from "../evaluate/inside.ts";
import type { Answer, Caller, InsideRequest } from "../evaluate/request.ts";
import { takenOn } from "../evaluate/transport.ts";
import { selects } from "../manifests/objects.ts";
import type { Platform } from "../manifests/platform.ts";
import { targetPort } from "../manifests/workloads.ts";
import { type Draft, partsOf } from "./drafts.ts";
import { unique } from "./literals.ts";
import { type Question, type Questions, bounded, callerText, messageText } from "./question.ts";
import {
  type Sides,
  contextOf,
  distinct,
  formsOf,
  issuersOf,
  rulesAbout,
  strangerOf,
  workloadIds,
} from "./sides.ts";
import { disguises } from "./literals.ts";
import { type Pool, centreOf, neighbours, overlay } from "./vary.ts";

/** Questions about one workload at most. */
const most = 3000;
/** Callers that are tried with each rule beside its own. */
const mostCallers = 40;

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

/** A port of a container, and the Service by which it is reached. */
interface Entry {
  readonly port: number;
  readonly via?: { readonly host: string; readonly port: number };
}

function questionsAbout(sides: Sides, id: string): Questions {
  const entries = entriesOf(sides, id);
  const transport = entries.flatMap(({ port }) => transportQuestion(id, port));
  const drafts = draftsAbout(sides, id, entries);
  const requests = drafts.flatMap((draft) => {
    const entry = entries.find((e) => e.port === draft.port) ?? entries[0];
    return entry ? [questionOf(id, draft, entry)] : [];
  });
  return bounded([...transport, ...requests], most);
}

function entriesOf(sides: Sides, id: string): Entry[] {
  const forms = formsOf(sides, id);
  const named = forms.flatMap(({ platform, workload }) =>
    platform.services
      .filter((s) => s.namespace === workload.namespace && selects(s.selector, workload.labels))
      .flatMap((s) =>
        s.ports.flatMap((p): Entry[] => {
          const port = targetPort(workload, p);
          return port === undefined ? [] : [{ port, via: { host: s.host, port: p.port } }];
        }),
      ),
  );
  const bare = forms.flatMap(({ workload }) =>
    workload.ports.map((p): Entry => ({ port: p.number })),
  );
  const all = [...named, ...bare];
  return all.filter((e, i) => all.findIndex((other) => other.port === e.port) === i);
}

function draftsAbout(sides: Sides, id: string, entries: readonly Entry[]): Draft[] {
  const rules = rulesAbout(sides, id);
  const issuers = issuersOf(sides, id);
  const namespace = id.split("/")[0]!;
  const base: Draft = { caller: strangerOf(namespace), method: "GET", path: "/" };
  const parts = rules.map((r) => ({
    ...r,
    parts: partsOf(r.rule, contextOf(sides, r.namespace, issuers, "/")),
  }));
  const pool = poolOf(
    sides,
    id,
    parts.map((p) => p.parts),
    entries,
  );
  const rewritten = sides[0].mesh.normalization !== sides[1].mesh.normalization;
  const centres = parts.map((p) => ({ ...p, centre: centreOf(p.parts, base) }));
  const around = centres.flatMap(({ centre, parts: own }) => [
    ...neighbours(centre, own, pool),
    ...(rewritten ? disguises(centre.path).map((path) => ({ ...centre, path })) : []),
  ]);
  // what is refused first shows where something else would let it in
  const crossed = centres
    .filter((c) => c.action !== "ALLOW")
    .flatMap(({ parts: refusing }) =>
      centres.filter((c) => c.action === "ALLOW").map(({ centre }) => overlay(centre, refusing)),
    );
  const empty = partsOf({}, contextOf(sides, namespace, issuers, "/"));
  return [...neighbours(base, empty, pool), ...around, ...crossed.slice(0, 400)];
}

function poolOf(
  sides: Sides,
  id: string,
  rules: readonly { readonly callers: readonly Caller[]; readonly methods: readonly string[] }[],
  entries: readonly Entry[],
): Pool {
  const namespace = id.split("/")[0]!;
  const gateways = sides.flatMap((p) =>
    [...p.workloads.values()].filter((w) => w.proxy === "gateway").map((w) => w.id),
  );
  const methods = unique(rules.flatMap((r) => r.methods));
  const other = ["GET", "POST", "DELETE", "PUT"].find((m) => !methods.includes(m));
  return {
    callers: distinct<Caller>([
      { kind: "plaintext" },
      strangerOf(namespace),
      strangerOf("elsewhere"),
      ...unique(gateways).map((workload): Caller => ({ kind: "workload", workload })),
      ...rules.flatMap((r) => r.callers),
    ]).slice(0, mostCallers),
    methods: [...methods, ...(other ? [other] : [])],
    paths: ["/no-such-path"],
    ports: entries.map((e) => e.port),
  };
}

function questionOf(to: string, draft: Draft, { port, via }: Entry): Question {
  const { caller, method, path, host, headers, token, address } = draft;
  const request: InsideRequest = {
    ...{ from: caller!, to, port, method, path },
    ...(via && { via }),
    ...(host !== undefined && { host }),
    ...(headers && { headers }),
    ...(token && { token }),
    ...(address !== undefined && { address }),
  };
  return {
    about: `${to}:${port}`,
    who: callerText(caller!),
    what: messageText(request, address),
    ask: (platform) => answerInside(platform, request),
  };
}

/** Whether a connection without mTLS is taken at all, whatever rules say of what comes on it. */
function transportQuestion(id: string, port: number): Question[] {
  const ask = (platform: Platform): Answer => {
    const workload = platform.workloads.get(id);
    if (!workload) return { verdict: "closed", reason: "unreachable", by: `there is no ${id}` };
    const taken = takenOn(platform, workload, port);
    return taken === "STRICT"
      ? { verdict: "closed", reason: "tls-required", by: `mTLS ${taken}` }
      : { verdict: "open", reason: "ok", by: taken === "bare" ? "no sidecar" : `mTLS ${taken}` };
  };
  return [
    { about: `${id}:${port}`, who: "plaintext", what: "connect, whatever rules say then", ask },
  ];
}
