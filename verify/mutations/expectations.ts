import { type ServiceSettings, type Settings, prefixOf } from "../../settings/index.ts";
import { decisionOf, graphQuestions, spokenBy } from "../calls.ts";
import { admits } from "../probes/mesh-requests.ts";
import { allProbes } from "../probes/index.ts";
import { openPrefixes } from "../probes/edge-requests.ts";
import type { Expected } from "./mutation.ts";

/** What a probe is asked for on a stack; nothing where it does not apply. */
export function itemsOf(probe: string, s: Settings): readonly string[] {
  const found = allProbes.find(({ id }) => id === probe);
  if (!found) throw new Error(`there is no probe ${probe}`);
  return found.applies(s) ? (found.each?.(s) ?? [""]) : [];
}

export function applies(probe: string, s: Settings): boolean {
  return itemsOf(probe, s).length > 0;
}

/** The probe is red for those of its items that are among these; left out where none is. */
export function red(
  s: Settings,
  probe: string,
  expected: Omit<Expected, "probe">,
  items: readonly string[] = itemsOf(probe, s),
): Expected[] {
  const known = itemsOf(probe, s).filter((item) => items.includes(item));
  return known.length > 0 ? [{ probe, ...expected, items: known }] : [];
}

/** The probe that asks each path of the gateway. */
export function answerProbe({ gatewayTls }: Settings): "E0" | "E1" | "E7" {
  return ({ NONE: "E0", SIMPLE: "E1", MUTUAL: "E7" } as const)[gatewayTls];
}

/** Each open path of the gateway, or those of one service, gets something else than an answer. */
export function unanswered(
  s: Settings,
  expected: Omit<Expected, "probe">,
  service?: ServiceSettings,
): Expected[] {
  const paths = openPrefixes(s).filter((path) => !service || prefixOf(service) === path);
  return red(s, answerProbe(s), expected, paths);
}

/**
 * Services that take plaintext although they are STRICT: by name and past their Service. Where rules apply, they refuse
 * it in the proxy's place, which is not the reason that the probes want.
 */
export function takesPlaintext(s: Settings, services: readonly string[]): Expected[] {
  const open = services.filter((name) => admits(s, name, "plain"));
  const ruled = services.filter((name) => !open.includes(name));
  return ["M4", "M5"].flatMap((probe) => [
    ...red(s, probe, { got: "ok" }, open),
    ...red(s, probe, { verdict: "inconclusive", got: "rbac-denied" }, ruled),
  ]);
}

/** A service without a proxy in front takes plaintext, and nobody asks its rules. */
export function takesAnything(s: Settings, service: string): Expected[] {
  return ["M4", "M5"].flatMap((probe) => red(s, probe, { got: "ok" }, [service]));
}

/** Questions that one mutation asks at most about calls; more say nothing more. */
const mostCalls = 20;

/**
 * Calls whose answer would be another one if the stack said something else: those that it would let in are let in, and
 * those that it would not are refused.
 */
export function changedCalls(s: Settings, other: Settings): Expected[] {
  const asked = itemsOf("A-graph", s);
  const questions = graphQuestions(s);
  const changed = asked.filter((item) => {
    const { call, decision } = questions.get(item)!;
    return spokenBy(s, call) === "http" && decisionOf(other, call).allowed !== decision.allowed;
  });
  const [opened, closed] = [false, true].map((allowed) =>
    changed.filter((item) => questions.get(item)!.decision.allowed === allowed).slice(0, mostCalls),
  );
  return [
    ...red(s, "A-graph", { got: "ok" }, opened),
    ...red(s, "A-graph", { got: "rbac-denied" }, closed),
  ];
}

/** The stack with other settings of one service. */
export function withService(s: Settings, service: ServiceSettings): Settings {
  return { ...s, services: s.services.map((x) => (x.name === service.name ? service : x)) };
}

/** The same answer for the same settings, found once: mutations ask for it again and again. */
export function once<T>(find: (s: Settings) => T): (s: Settings) => T {
  const found = new WeakMap<Settings, { readonly value: T }>();
  return (s) => {
    const known = found.get(s) ?? { value: find(s) };
    found.set(s, known);
    return known.value;
  };
}
