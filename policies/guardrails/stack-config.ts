import * as fs from "node:fs";
import * as path from "node:path";
import type { RuleSettings } from "./rule.ts";

/** What the pack's configuration says of one stack. */
export interface StackConfig {
  /** File for `--policy-pack-config`. */
  readonly file: string;
  /** Rules that are mandatory there, whatever they weigh elsewhere. */
  readonly mandatory: ReadonlySet<string>;
  readonly settings: Partial<RuleSettings>;
}

/** One rule in the file: its level, or level and values. */
type Entry = string | ({ readonly enforcementLevel?: string } & Partial<RuleSettings>);

/**
 * The configuration of a stack; undefined for one without a file of its own, which gets the rules' own levels.
 *
 * @param folder folder of the files. @default the pack's
 * @throws Error when the file is no JSON
 */
export function stackConfig(
  stack: string,
  folder = path.join(import.meta.dirname, "stacks"),
): StackConfig | undefined {
  const file = path.join(folder, `${stack}.json`);
  if (!fs.existsSync(file)) return undefined;
  const entries = Object.entries(
    JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, Entry>,
  );
  const levels = entries.map(
    ([id, entry]) => [id, typeof entry === "string" ? entry : entry.enforcementLevel] as const,
  );
  const mandatory = new Set(levels.flatMap(([id, level]) => (level === "mandatory" ? [id] : [])));
  const values = entries.map(([, entry]) => {
    if (typeof entry === "string") return {};
    const { enforcementLevel, ...own } = entry;
    void enforcementLevel;
    return own;
  });
  return { file, mandatory, settings: Object.assign({}, ...values) as Partial<RuleSettings> };
}
