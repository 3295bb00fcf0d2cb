import { parseArgs } from "node:util";
import { nearest } from "../settings/nearest.ts";
import { UserError } from "./errors.ts";

/** An option of a command. */
export interface Option {
  /** Long name, without dashes. */
  readonly name: string;
  /** Text behind the name in the help when the option takes a value. */
  readonly value?: string;
  readonly help: string;
}

/** What a command needs to be called and explained. */
export interface CommandSpec {
  readonly name: string;
  /** How it is called in the help; `npm start`, `npm run preview`. */
  readonly usage: string;
  readonly summary: string;
  /** Positional arguments in the help, such as `[stack]`. */
  readonly positional?: string;
  /** Most positional arguments that it takes. @default 1 */
  readonly maxPositional?: number;
  readonly options: readonly Option[];
  /** Further lines of the help. */
  readonly details?: string;
  /** Exit code when it is called wrongly. @default 1 */
  readonly usageExitCode?: number;
  /** Hands all that follows over unread. */
  readonly passthrough?: boolean;
}

export interface ParsedArguments {
  readonly help: boolean;
  readonly positional: readonly string[];
  readonly flags: Readonly<Record<string, string | true>>;
}

/**
 * Reads a command's arguments.
 *
 * @throws UserError that names the unknown option and the nearest known one
 */
export function parseArguments(spec: CommandSpec, args: readonly string[]): ParsedArguments {
  if (spec.passthrough) {
    const help = args.length === 0 || args[0] === "--help" || args[0] === "-h";
    return { help, positional: args, flags: {} };
  }
  const known: readonly Option[] = [...spec.options, { name: "help", help: "" }];
  const { tokens } = parseArgs({
    args: args.map((a) => (a === "-h" ? "--help" : a)),
    options: Object.fromEntries(
      known.map((o) => [o.name, { type: o.value ? "string" : "boolean" } as const]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const flags: Record<string, string | true> = {};
  const positional: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positional.push(token.value);
    if (token.kind !== "option") continue;
    const option = known.find((o) => o.name === token.name);
    if (!option)
      throw new UserError(
        unknown(
          "option",
          token.rawName,
          known.map((o) => `--${o.name}`),
          spec.usage,
        ),
      );
    if (option.value && token.value === undefined) {
      throw new UserError(
        `option ${token.rawName} needs a value: ${token.rawName} ${option.value}`,
      );
    }
    if (!option.value && token.value !== undefined)
      throw new UserError(`option ${token.rawName} takes no value`);
    flags[option.name] = token.value ?? true;
  }
  const most = spec.maxPositional ?? 1;
  const extra = positional[most];
  if (extra !== undefined && flags.help === undefined) {
    throw new UserError(`unexpected argument "${extra}"; usage: ${usageLine(spec)}`);
  }
  return { help: flags.help === true, positional, flags };
}

/** The message for a word that nothing is called. */
export function unknown(
  kind: string,
  word: string,
  known: readonly string[],
  usage: string,
): string {
  const near = nearest(word, known);
  const hint = near ? `did you mean ${near}?` : `there are ${known.join(", ")}`;
  return `unknown ${kind} ${word}: ${hint} (${usage} -- --help tells more)`;
}

export function usageLine(spec: CommandSpec): string {
  const rest = [
    spec.positional,
    ...spec.options.map((o) => `[--${o.name}${o.value ? ` ${o.value}` : ""}]`),
  ];
  const words = rest.filter((w) => w !== undefined);
  return words.length > 0 ? `${spec.usage} -- ${words.join(" ")}` : spec.usage;
}

export function helpText(spec: CommandSpec): string {
  const lines = [spec.summary, "", `usage: ${usageLine(spec)}`];
  if (spec.options.length > 0) {
    const names = spec.options.map((o) => `--${o.name}${o.value ? ` ${o.value}` : ""}`);
    const width = Math.max(...names.map((n) => n.length));
    lines.push("", ...spec.options.map((o, i) => `  ${names[i]!.padEnd(width)}  ${o.help}`));
  }
  if (spec.details) lines.push("", spec.details.trim());
  return lines.join("\n");
}
