import type { AccessLogLine } from "./access-log.ts";
import type { Outcome } from "./runner.ts";

/**
 * What the rules of a dry run would have said, from the line that the proxy wrote: the shadow results of its RBAC
 * filter, of HTTP or of bytes that are handed on. Undefined where the line has none.
 *
 * @see https://istio.io/latest/docs/tasks/security/authorization/authz-dry-run/
 */
export function wouldBe(line: AccessLogLine): "allowed" | "denied" | undefined {
  const results = [line.rbac, line.rbac_network].flatMap((metadata) =>
    typeof metadata === "object" && metadata !== null
      ? Object.entries(metadata as Record<string, unknown>)
      : [],
  );
  const result = (action: "allow" | "deny") =>
    results.find(
      ([key]) => key.includes(`_${action}_`) && key.endsWith("shadow_engine_result"),
    )?.[1];
  const [allow, deny] = [result("allow"), result("deny")];
  if (deny === "denied" || allow === "denied") return "denied";
  return allow === "allowed" || deny === "allowed" ? "allowed" : undefined;
}

/** The outcome with what the log says of the rules, where that was asked. */
export function judgeDryRun(outcome: Outcome): Outcome {
  const { expected, evidence, verdict } = outcome;
  if (expected.wouldBe === undefined || verdict !== "holds") return outcome;
  const found = evidence.accessLog && wouldBe(evidence.accessLog);
  if (found === expected.wouldBe) return { ...outcome, text: `answered, and would be ${found}` };
  return found === undefined
    ? {
        ...outcome,
        verdict: "inconclusive",
        text: "no log line says what the rules would have done",
      }
    : { ...outcome, verdict: "fails", text: `the rules would have ${found} it` };
}
