/** One thing that is wrong with a stack's configuration. */
export interface Problem {
  /** Configuration key, with its path for nested values: `services[1].name`. */
  readonly key: string;
  /** The value found, as written; secrets are never shown. */
  readonly value: string;
  /** What would be accepted. */
  readonly allowed: string;
  /** A command or an edit that fixes it. */
  readonly fix: string;
  /** The key is as it stands in the file, with no namespace to be put in front. @default false */
  readonly whole?: boolean;
}

/** Writes a value as people write it, on one line, cut at 60 characters. */
export function show(value: unknown): string {
  if (value === undefined) return "(not set)";
  const text =
    typeof value === "string" ? `"${value.replace(/\s+/g, " ")}"` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The command that sets a key of a stack; nested keys need `--path`. */
export function setCommand(stack: string, key: string, value: string): string {
  const nested = /[.[]/.test(key);
  const target = nested ? `--path 'bankmesh:${key}'` : key;
  return `pulumi config set --stack ${stack} ${target} ${value}`;
}

/** All problems of a stack in one message. */
export function formatProblems(stack: string, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map(
    (p, i) =>
      `  ${i + 1}. ${p.whole ? "" : "bankmesh:"}${p.key} is ${p.value}\n     allowed: ${p.allowed}\n     fix:     ${p.fix}`,
  );
  return `the configuration of stack "${stack}" has ${count}; nothing was touched\n${lines.join("\n")}`;
}
