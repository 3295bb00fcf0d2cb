import type { AllowRule, DenyRule } from "./access-schema.ts";

type Rule = AllowRule | DenyRule;

const callers = ["gateway", "service", "namespace", "principal"] as const;

/** Whether each request that one rule matches is certainly matched by the other, too. */
export function coversRule(wide: Rule, narrow: Rule): boolean {
  const everybody = callers.every((caller) => wide[caller] === undefined);
  if (!everybody && callers.some((caller) => wide[caller] !== narrow[caller])) return false;
  return (
    includesAll(wide.methods, narrow.rpcs ? ["POST"] : narrow.methods) &&
    includesAll(wide.ports, narrow.ports) &&
    pathsCover(wide.rpcs ?? wide.paths, narrow.rpcs ?? narrow.paths) &&
    (!wide.rpcs || narrow.rpcs !== undefined) &&
    (["version", "claims", "token", "issuer", "headers", "remoteIpBlocks"] as const).every(
      (field) =>
        wide[field] === undefined || JSON.stringify(wide[field]) === JSON.stringify(narrow[field]),
    )
  );
}

function includesAll<T>(wide: readonly T[] | undefined, narrow: readonly T[] | undefined): boolean {
  return !wide || (narrow?.every((value) => wide.includes(value)) ?? false);
}

function pathsCover(
  wide: readonly string[] | undefined,
  narrow: readonly string[] | undefined,
): boolean {
  if (!wide) return true;
  return narrow?.every((path) => wide.some((pattern) => covers(pattern, path))) ?? false;
}

/** Whether a pattern takes in everything that another one does. */
function covers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === "*") return true;
  if (wide.endsWith("*") && !narrow.startsWith("*")) return narrow.startsWith(wide.slice(0, -1));
  return wide.startsWith("*") && !narrow.endsWith("*") && narrow.endsWith(wide.slice(1));
}
