import { pathNormalization } from "../../components/istio-values.ts";
import { normalizePath } from "../../meaning/evaluate/path-normalization.ts";
import { matchesPath } from "../../policies/decide.ts";
import { type Settings, prefixOf } from "../../settings/index.ts";
import { type GraphCall, decisionOf, graphQuestions, spokenBy } from "../calls.ts";
import type { Probe } from "../probe.ts";
import { requestOf } from "./access.ts";
import { disguises, spellings } from "./path-spellings.ts";

/** A call that is let in by its exact path, and a path beside it that would not be: rules of allowFrom. */
interface Door {
  readonly call: GraphCall;
  readonly beside: string;
}

/** Calls that are let in, first those from outside: hundreds of requests are cheaper from here than from a pod. */
function openCalls(s: Settings): GraphCall[] {
  const open = [...graphQuestions(s).values()]
    .filter(({ call, decision }) => decision.allowed && spokenBy(s, call) === "http")
    .map(({ call }) => call);
  const [outside, inside] = [true, false].map((wanted) =>
    open.filter(({ from }) => (from.kind === "outside") === wanted),
  );
  return [...outside!, ...inside!];
}

/** The first such call; undefined where no rule names an exact path. */
function doorOf(s: Settings): Door | undefined {
  if (s.authorization !== "enforce") return undefined;
  for (const call of openCalls(s)) {
    const beside = `${call.path.slice(0, call.path.lastIndexOf("/"))}/no-such-path`;
    const others = [beside, `${call.path}/x`].map((path) => decisionOf(s, { ...call, path }));
    if (others.every((o) => !o.allowed && o.routed !== false)) return { call, beside };
  }
  return undefined;
}

/** A call that is let in, and a path of the same service that denyFrom refuses. */
interface Guard {
  readonly call: GraphCall;
  readonly closed: string;
}

/** The first such path below a prefix of the gateway; undefined where there is none. */
function guardOf(s: Settings): Guard | undefined {
  if (s.authorization !== "enforce") return undefined;
  for (const { call, decision, control } of graphQuestions(s).values()) {
    if (decision.allowed || !control || call.from.kind !== "outside") continue;
    const service = s.services.find((x) => x.name === call.service)!;
    const paths = service.denyFrom?.flatMap((rule) => rule.paths ?? []) ?? [];
    const named = paths.some((pattern) => matchesPath(pattern, call.path));
    // the same call with another path is let in, so that the path alone decides
    if (named && control.call.path !== call.path) return { call: control.call, closed: call.path };
  }
  return undefined;
}

/** A call that is let in below a path, as everything there is, and a path beside it that would not be. */
interface Folder {
  readonly call: GraphCall;
  readonly path: string;
  readonly beside: string;
}

/** The first such call; undefined where no rule of allowFrom has a path that ends in a wildcard and lets less in than all. */
function folderOf(s: Settings): Folder | undefined {
  if (s.authorization !== "enforce") return undefined;
  for (const call of openCalls(s)) {
    const { allowFrom = [] } = s.services.find((x) => x.name === call.service)!;
    const patterns = allowFrom.flatMap((rule) => rule.paths ?? []);
    const own = patterns.find((p) => /^[^*]+\/\*$/.test(p) && matchesPath(p, call.path));
    if (own === undefined) continue;
    const path = own.slice(0, -"/*".length);
    const beside = `${path.slice(0, path.lastIndexOf("/"))}/no-such-path`;
    const other = decisionOf(s, { ...call, path: beside });
    // compared as it comes, what leads back out of it is still below it
    const unread = decisionOf(s, { ...call, path: `${path}/../no-such-path` });
    if (!other.allowed && other.routed !== false && unread.allowed) return { call, path, beside };
  }
  return undefined;
}

/** A path as it is sent, and a call that is let in by another one. */
interface Way {
  readonly path: string;
  readonly call: GraphCall;
}

/** The paths that a probe of spellings is about. */
function waysOf(s: Settings, id: string): readonly Way[] {
  const known = found.get(s) ?? new Map<string, readonly Way[]>();
  found.set(s, known);
  const ways = known.get(id) ?? findWays(s, id);
  known.set(id, ways);
  return ways;
}
const found = new WeakMap<Settings, Map<string, readonly Way[]>>();

function findWays(s: Settings, id: string): Way[] {
  const written = spellings[id]![2];
  const to = (call: GraphCall, paths: readonly string[]) => paths.map((path) => ({ path, call }));
  const [guard, door, folder] = [guardOf(s), doorOf(s), folderOf(s)];
  const prefix = guard && prefixOf(s.services.find((x) => x.name === guard.call.service)!);
  const ways = [
    ...(guard && prefix !== undefined
      ? to(guard.call, disguises[id]?.(prefix, guard.closed.slice(prefix.length)) ?? [])
      : []),
    // an open path in capitals stays what it is
    ...(door
      ? to(door.call, written(door.call.path, door.beside)).filter(
          ({ path }) => path !== door.call.path,
        )
      : []),
    // what is refused as it comes as well would say nothing about how it is read
    ...(folder
      ? to(folder.call, written(folder.path, folder.beside)).filter(
          ({ path, call }) => decisionOf(s, { ...call, path }).allowed,
        )
      : []),
  ];
  return ways.filter((way, i) => ways.findIndex(({ path }) => path === way.path) === i);
}

/** Whether rules let a path in as the proxies read it. */
function isOpen(s: Settings, { path, call }: Way): boolean {
  const read = normalizePath(path, pathNormalization);
  return read !== undefined && decisionOf(s, { ...call, path: read }).allowed;
}

/** Paths of a probe that rules let in, or refuse. */
function pathsOf(s: Settings, id: string, open: boolean): string[] {
  return waysOf(s, id)
    .filter((way) => isOpen(s, way) === open)
    .map(({ path }) => path);
}

/** The call that is let in, beside the path that is not. */
export function openCall(s: Settings, id: string, path: string): GraphCall {
  const [spelling] = id.split("-") as [string];
  return waysOf(s, spelling).find((way) => way.path === path)?.call ?? doorOf(s)!.call;
}

/** Of what is decoded once and no more: a path that reads like a closed one to whoever decodes again. */
const decodedOnce: readonly (readonly [string, string])[] = [
  [
    "P6",
    "Are dots that are encoded twice no dots, neither to rules that allow nor to those that deny?",
  ],
  ["P7", "Are dots in overlong UTF-8 no dots, neither to rules that allow nor to those that deny?"],
];

/** How paths are read before rules are asked. */
export const pathProbes: readonly Probe[] = [
  ...Object.entries(spellings).map(([id, [question, why]]): Probe => {
    const each = (s: Settings) => pathsOf(s, id, false);
    return {
      ...{ id, question, why, each },
      // a sweep is one line, and asked once: what it is about is asked more often above
      ...(id === "P11" && { samples: 1, group: () => "%01 to %ff" }),
      applies: (s) => each(s).length > 0,
      expect: () => ({ reason: "rbac-denied" }),
      send: (target, path) => requestOf(target, { ...openCall(target.settings, id, path), path }),
      control: {
        differs: "a path that is let in",
        send: (target, path) => requestOf(target, openCall(target.settings, id, path)),
      },
    };
  }),
  ...decodedOnce.map(([id, question]): Probe => {
    const each = (s: Settings) => pathsOf(s, id, true);
    return {
      ...{ id: `${id}-open`, question, each },
      why: "it is another path, below the open one and beside the closed one; a service must not decode it again",
      applies: (s) => each(s).length > 0,
      expect: () => ({ reason: "ok" }),
      send: (target, path) => requestOf(target, { ...openCall(target.settings, id, path), path }),
    };
  }),
  {
    id: "P9-deny",
    question: "Is a path of denyFrom in capitals another path?",
    why: "paths are compared letter by letter, so rules that allow are safer than those that deny",
    applies: (s) => guardOf(s) !== undefined && inCapitals(s).allowed,
    expect: () => ({ reason: "ok" }),
    send: (target) => requestOf(target, inCapitals(target.settings).call),
  },
  {
    id: "P12-open",
    question:
      "Is the open path still open with a query or a fragment behind it, and with more slashes?",
    why: "it means the same path",
    applies: (s) => doorOf(s) !== undefined,
    each: (s) => {
      const { path } = doorOf(s)!.call;
      return [`${path}?x=1`, `${path}#x`, `/${path}`];
    },
    expect: () => ({ reason: "ok" }),
    send: (target, path) => requestOf(target, { ...doorOf(target.settings)!.call, path }),
  },
];

function inCapitals(s: Settings): { call: GraphCall; allowed: boolean } {
  const { call, closed } = guardOf(s)!;
  const prefix = prefixOf(s.services.find((x) => x.name === call.service)!)!;
  const path = `${prefix}${closed.slice(prefix.length).toUpperCase()}`;
  const other = { ...call, path };
  return { call: other, allowed: decisionOf(s, other).allowed };
}
