import { code } from "./comment.ts";

/** A rule in a stack's file of the guardrails: its level, or level and values. */
interface Entry {
  /** @default the rule's own */
  readonly level: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What a file says, by rule. */
export type Entries = ReadonlyMap<string, Entry>;

/** How much a level asks; one that is not known asks most, so that nothing counts as weaker than it is. */
const weights: Readonly<Record<string, number>> = { disabled: 0, advisory: 1 };
const weight = (level: string) => weights[level] ?? 2;

/** Entry of `--policy-pack-config` that is about every rule without one of its own. */
const everyRule = "all";

/**
 * What a change of `stacks/<stack>.json` does to rules, as lines of Markdown.
 *
 * @param was what the base's file says
 * @param is what the head's file says
 * @param own level of each rule without a file
 */
export function levelChanges(
  stack: string,
  was: Entries,
  is: Entries,
  own: ReadonlyMap<string, string>,
): string[] {
  const ids = new Set([...own.keys(), ...was.keys(), ...is.keys()]);
  ids.delete(everyRule);
  return [...ids].flatMap((id) => {
    const [from, to] = [was, is].map(
      (side) => side.get(id)?.level ?? side.get(everyRule)?.level ?? own.get(id) ?? "as it is",
    );
    return [
      ...(from === to ? [] : [levelLine(id, stack, from!, to!)]),
      ...valueLines(id, stack, was.get(id)?.values ?? {}, is.get(id)?.values ?? {}),
    ];
  });
}

/**
 * Reads a stack's file.
 *
 * @param text text of the file. @default that of one that says nothing
 * @throws Error for a text that is no JSON, or no map of levels
 */
export function entriesOf(text = "{}"): Entries {
  const file = JSON.parse(text) as unknown;
  if (!isMap(file)) throw new Error("a map of rules is expected");
  return new Map(
    Object.entries(file).map(([id, entry]) => {
      if (typeof entry === "string") return [id, { level: entry, values: {} }];
      if (!isMap(entry)) throw new Error(`${id}: a level, or a map with one, is expected`);
      const { enforcementLevel: level, ...values } = entry;
      if (level !== undefined && typeof level !== "string")
        throw new Error(`${id}: enforcementLevel has to be a text`);
      return [id, { level, values }];
    }),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function levelLine(id: string, stack: string, from: string, to: string): string {
  const where = `rule ${code(id)} in ${code(stack)}`;
  if (to === "disabled") return `**turned off**: ${where}, was ${code(from)}`;
  if (from === "disabled") return `turned on: ${where}, now ${code(to)}`;
  const start = weight(to) < weight(from) ? "**weighs less**" : "weighs more";
  return `${start}: ${where}, now ${code(to)}, was ${code(from)}`;
}

/** Whether another value asks more or less is the rule's secret: both are shown. */
function valueLines(id: string, stack: string, was: Entry["values"], is: Entry["values"]) {
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((key) => {
    const [from, to] = [was[key], is[key]].map((value) =>
      value === undefined ? "the rule's own" : code(JSON.stringify(value)),
    );
    return from === to
      ? []
      : [`**another value**: rule ${code(id)} in ${code(stack)}, ${code(key)} ${to} (was ${from})`];
  });
}
