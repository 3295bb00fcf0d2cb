/** What a guardrail says of a resource in a preview. */
export interface EngineViolation {
  /** Id of the rule, such as `pki-01`. */
  readonly rule: string;
  readonly level: "mandatory" | "advisory";
  /** Names the resource, what is wrong, and the fix; or what cannot be judged until the update. */
  readonly message: string;
  /** Type of the resource, such as `tls:index:PrivateKey`. */
  readonly type: string;
  /** Name of the resource in the program. */
  readonly name: string;
}

/** A preview, and what the guardrails say in it. */
export interface Said {
  readonly violations: readonly EngineViolation[];
  /** The preview as it is without guardrails. */
  readonly preview: string;
}

// with --diff, violations stand among the resources, each with the rule's description behind its head and its message below
const head =
  /^ *[\w-]+@v\S+ \[(mandatory|advisory)\](?: \[severity: \w+\])? {2}(\S+) {2}\((\S+): (.*?)\)(.*)$/;
const unjudged = /^can't run policy .* during preview: (cannot judge until the update: .*)$/;

/** What the pack and the engine print of the guardrails beside violations. */
const disabled = /^guardrails: \S+ is disabled: /;
const packs = /^Policy Packs run:$/;

/**
 * Takes the guardrails' words out of a preview.
 *
 * @param text output of `pulumi preview --diff` with or without a policy pack
 */
export function splitViolations(text: string): Said {
  const violations: EngineViolation[] = [];
  const rest: string[] = [];
  const lines = text.split("\n");
  const end = lines.findLastIndex((line) => packs.test(line));
  const shown = end < 0 ? lines : lines.slice(0, end);
  for (let i = 0; i < shown.length; i++) {
    const [all, level, rule, type, name, glued] = head.exec(shown[i]!) ?? [];
    if (all === undefined) {
      if (!disabled.test(shown[i]!)) rest.push(shown[i]!);
      continue;
    }
    const [, unknown] = unjudged.exec(glued!) ?? [];
    const message = unknown ?? shown[++i] ?? "";
    violations.push({
      ...{ rule: rule!, message: message.trim(), type: type!, name: name! },
      level: level as EngineViolation["level"],
    });
  }
  return { violations, preview: rest.join("\n") };
}

const refusal = "error: preview failed";

/** Whether a preview that ended with an error was made whole, and a mandatory guardrail is all that it ended by. */
export function isOnlyRefused({ violations, preview }: Said): boolean {
  const lines = preview.split("\n").map((line) => line.trimEnd());
  return (
    violations.some(({ level }) => level === "mandatory") &&
    lines.includes("Resources:") &&
    lines.every((line) => !line.startsWith("error: ") || line === refusal)
  );
}

/** The preview without the line that says what its violations say. */
export function withoutRefusal(preview: string): string {
  return preview
    .split("\n")
    .filter((line) => line.trimEnd() !== refusal)
    .join("\n");
}

/** A finding of another place, such as the manifests. */
interface Finding {
  readonly rule: string;
  readonly level: "mandatory" | "advisory";
  readonly message: string;
}

/**
 * Violations that are not found already, in an order of their own: the engine's is that in which resources happened to be
 * made. One that weighs more here than there is kept.
 */
export function unknownTo(
  found: readonly Finding[],
  violations: readonly EngineViolation[],
): EngineViolation[] {
  const known = new Set(
    found.flatMap((finding) =>
      (finding.level === "mandatory" ? ["mandatory", "advisory"] : ["advisory"]).map((level) =>
        keyOf({ ...finding, level: level as Finding["level"] }),
      ),
    ),
  );
  const unknown = violations.filter((violation) => !known.has(keyOf(violation)));
  const unique = new Map(
    unknown.map((violation) => [describeEngineViolation(violation), violation]),
  );
  return [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, violation]) => violation);
}

/** Both see the same resources, in another order, and name them as they see them. */
function keyOf({ rule, level, message }: Finding): string {
  return JSON.stringify([rule, level, message.split(/[\s,]+/).sort()]);
}

/** A violation as one line, with its resource in the program as its place. */
export function describeEngineViolation(violation: EngineViolation): string {
  const { rule, level, message, type, name } = violation;
  return `${rule} ${level}: ${message} (${type} ${name})`;
}
