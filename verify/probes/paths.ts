import { matchesPath } from "../../policies/decide.ts";
import { type Settings, prefixOf } from "../../settings/index.ts";
import { type GraphCall, decisionOf, graphQuestions, spokenBy } from "../calls.ts";
import type { Probe } from "../probe.ts";
import { requestOf } from "./access.ts";

/** A call that is let in by its exact path, and a path beside it that would not be: rules of allowFrom. */
interface Door {
  readonly call: GraphCall;
  readonly beside: string;
}

/** The first such call; undefined where no rule names an exact path. */
function doorOf(s: Settings): Door | undefined {
  if (s.authorization !== "enforce") return undefined;
  // first from outside: hundreds of requests are cheaper from here than from a pod
  const outside = ({ call }: { call: GraphCall }) => call.from.kind === "outside";
  const all = [...graphQuestions(s).values()];
  for (const { call, decision } of [...all.filter(outside), ...all.filter((q) => !outside(q))]) {
    if (!decision.allowed || spokenBy(s, call) !== "http") continue;
    const beside = `${call.path.slice(0, call.path.lastIndexOf("/"))}/no-such-path`;
    const others = [beside, `${call.path}/x`].map((path) => decisionOf(s, { ...call, path }));
    if (others.every((o) => !o.allowed && o.routed !== false)) return { call, beside };
  }
  return undefined;
}

/** Ways to write the path beside, or one that only looks like the open one. */
type Spelling = (open: string, beside: string) => readonly string[];

const hex = (byte: number) => byte.toString(16).padStart(2, "0");
const last = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const up =
  (...steps: string[]): Spelling =>
  (open, beside) =>
    steps.map((step) => `${open}/${step}/${last(beside)}`);

const spellings: Readonly<Record<string, readonly [string, string, Spelling]>> = {
  P1: [
    "Is a path refused that leads back from an open one?",
    "the proxy takes dots away before it asks its rules",
    up("..", "./..", "../."),
  ],
  P2: [
    "Is such a path refused with its dots encoded?",
    "the proxy decodes dots first",
    up("%2E%2E", "%2e%2e", ".%2e", "%2E/%2E%2E"),
  ],
  P3: [
    "Is a path refused that is written with more slashes?",
    "DECODE_AND_MERGE_SLASHES makes one of them",
    (open, beside) => [
      `/${beside}`,
      `//${beside}`,
      // two slashes are a step of their own until they are merged, and dots are taken away before
      `${open}//../../${last(beside)}`,
    ],
  ],
  P5: [
    "Is a path refused that is written with backslashes?",
    "the proxy makes slashes of them",
    (open, beside) => [`${open}\\..\\${last(beside)}`, `${open}/..\\${last(beside)}`],
  ],
  P6: [
    "Is a path refused whose dots are encoded twice?",
    "it is decoded once, and what is left is no open path; whoever decodes it again does so behind the rules",
    up("%252e%252e", "%252E%252E"),
  ],
  P7: [
    "Is a path refused with dots in overlong UTF-8?",
    "that is no spelling of a dot",
    up("%c0%ae%c0%ae", "%c1%9c.."),
  ],
  P9: [
    "Is a path refused that differs from the open one in case?",
    "paths are compared letter by letter",
    (open) => [`${open.slice(0, open.lastIndexOf("/") + 1)}${last(open).toUpperCase()}`],
  ],
  P11: [
    "Is the open path refused with an encoded character behind it?",
    "it is another path then, whatever a service makes of it",
    // NUL apart, which is no path at all
    (open) => Array.from({ length: 255 }, (_, i) => `${open}%${hex(i + 1)}`),
  ],
  P12: [
    "Is a path refused with a query behind it?",
    "a query is no part of the path",
    (open, beside) => [`${beside}?${open}`, `${beside}?x=1`],
  ],
};

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

/** Ways to write a path that denyFrom names, of which a proxy that compared them as they come would know none. */
const disguises: Readonly<Record<string, (prefix: string, rest: string) => readonly string[]>> = {
  P1: (prefix, rest) => [`${prefix}/x/..${rest}`, `${prefix}/.${rest}`],
  P2: (prefix, rest) => [`${prefix}/x/%2e%2e${rest}`, `${prefix}/%2E${rest}`],
  P3: (prefix, rest) => [`${prefix}/${rest}`, `/${prefix}${rest}`, `${prefix}/%2f${rest}`],
  P5: (prefix, rest) => [`${prefix}\\${rest.slice(1)}`, `${prefix}%5c${rest.slice(1)}`],
  P12: (prefix, rest) => [`${prefix}${rest}?x=1`],
};

function disguised(s: Settings, id: string): readonly string[] {
  const guard = guardOf(s);
  const prefix = guard && prefixOf(s.services.find((x) => x.name === guard.call.service)!);
  if (!guard || prefix === undefined) return [];
  return disguises[id]?.(prefix, guard.closed.slice(prefix.length)) ?? [];
}

function spelled(s: Settings, id: string): readonly string[] {
  const door = doorOf(s);
  // an open path in capitals stays what it is
  return door
    ? spellings[id]![2](door.call.path, door.beside).filter((path) => path !== door.call.path)
    : [];
}

/** The call that is let in, beside the path that is not. */
export function openCall(s: Settings, id: string, path: string): GraphCall {
  return (disguised(s, id).includes(path) ? guardOf(s) : doorOf(s))!.call;
}

/** How paths are read before rules are asked. */
export const pathProbes: readonly Probe[] = [
  ...Object.entries(spellings).map(([id, [question, why]]): Probe => {
    const each = (s: Settings) => [...new Set([...disguised(s, id), ...spelled(s, id)])];
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
    question: "Is the open path still open with a query behind it, and with more slashes?",
    why: "it means the same path",
    applies: (s) => doorOf(s) !== undefined,
    each: (s) => {
      const { path } = doorOf(s)!.call;
      return [`${path}?x=1`, `/${path}`];
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
