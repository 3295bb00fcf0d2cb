import type { AllowRule } from "./access-schema.ts";
import type { Tools } from "./access-checks.ts";
import { placesOf } from "./places.ts";
import { prefixOf } from "./prefix.ts";
import type { Problem } from "./problems.ts";
import { serves } from "./rule-checks.ts";
import { coversRule } from "./rule-covers.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

/** Rules of one service held against each other. */
export function pairChecks(
  s: Settings,
  service: ServiceSettings,
  key: string,
  tools: Tools,
): Problem[] {
  return [...idle(s, service, key, tools), ...contradictions(s, service, key, tools)];
}

/**
 * A rule that adds nothing to another one of its list. Standing twice, whoever takes one away believes that it is gone; beside
 * a wider one, what a narrow rule asks for looks like protection, and is none.
 */
function idle(
  s: Settings,
  service: ServiceSettings,
  key: string,
  { problem, remove, isRead = () => true }: Tools,
): Problem[] {
  return (["allowFrom", "denyFrom"] as const).flatMap((list) => {
    const rules = service[list] ?? [];
    return rules.flatMap((rule, i) => {
      const at = `${key}.${list}[${i}]`;
      const by = rules.findIndex(
        (other, j) =>
          j !== i &&
          isRead(`${key}.${list}[${j}]`) &&
          makesIdle(s, service, list, other, rule) &&
          // of two that are the same, the second one goes
          (j < i || !makesIdle(s, service, list, rule, other)),
      );
      if (by < 0) return [];
      const other = `${list}[${by}]`;
      if (makesIdle(s, service, list, rule, rules[by]!))
        return [problem(at, rule, `each rule once; ${other} is the same`, remove(at))];
      const already = `what ${other} does not ${list === "allowFrom" ? "allow" : "refuse"} already; that one is wider, and nothing here makes it narrower`;
      // what is closed stays closed: of two that allow the wide one goes, of two that refuse the narrow one
      const [allowed, gone] =
        list === "allowFrom"
          ? [`${already}; to take this one out changes nothing`, `${key}.${other}`]
          : [already, at];
      return [problem(at, rule, allowed, remove(gone))];
    });
  });
}

/** Whether a rule adds nothing to another one of its list. */
function makesIdle(
  s: Settings,
  service: ServiceSettings,
  list: "allowFrom" | "denyFrom",
  other: AllowRule,
  rule: AllowRule,
): boolean {
  if (!coversRule(s, service, other, rule)) return false;
  // pods that others run beside the stack's may bear another version
  if (other.version !== undefined && other.version !== rule.version) return false;
  const [its, own] = [placesOf(list, other), placesOf(list, rule)];
  // what the service's proxy sees in the one says nothing to a gateway that asks the other alone
  if (!own.every((place) => its.includes(place))) return false;
  // of two about the same requests, where each stands is what they say
  return its.length === own.length || !coversRule(s, service, rule, other);
}

function contradictions(
  s: Settings,
  service: ServiceSettings,
  key: string,
  { problem, remove, isRead = () => true }: Tools,
): Problem[] {
  const denied = service.denyFrom ?? [];
  return (service.allowFrom ?? []).flatMap((allow, i) => {
    const by = denied.findIndex(
      (deny, j) => isRead(`${key}.denyFrom[${j}]`) && coversRule(s, service, deny, allow),
    );
    if (by < 0) return [];
    const allowed = `something that denyFrom[${by}] does not refuse; deny comes first, so this rule lets nobody in`;
    return [problem(`${key}.allowFrom[${i}]`, allow, allowed, remove(`${key}.allowFrom[${i}]`))];
  });
}

/** A path that needs no token, and that a rule refuses to everybody outside. */
export function exemptChecks(
  s: Settings,
  { problem, remove, isRead = () => true }: Tools,
): Problem[] {
  return s.authentication.exempt.flatMap((path, i) => {
    const at = s.services.findIndex((service) => serves(prefixOf(service), path));
    const service = s.services[at];
    if (!service) return [];
    const asked: AllowRule = { gateway: true, paths: [path] };
    const by =
      service.denyFrom?.findIndex(
        (deny, j) =>
          isRead(`services[${at}].denyFrom[${j}]`) && coversRule(s, service, deny, asked),
      ) ?? -1;
    if (by < 0) return [];
    const key = `authentication.exempt[${i}]`;
    const allowed = `a path that services[${at}].denyFrom[${by}] does not refuse; deny comes first, so nobody gets there`;
    return [problem(key, path, allowed, remove(key))];
  });
}
