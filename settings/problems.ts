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

/** Commands that take entries out of lists go last and from the end, for each moves those that stand behind it. */
function inOrderOfFixes(problems: readonly Problem[]): Problem[] {
  const removed = (p: Problem) => / config rm .*--path '(.*)'$/.exec(p.fix)?.[1];
  const parts = (path: string) => path.split(/[.[\]]+/).filter(Boolean);
  const later = (a: string, b: string) => {
    const [as, bs] = [parts(a), parts(b)];
    const at = as.findIndex((part, i) => part !== bs[i]);
    if (at < 0) return as.length - bs.length;
    const [x, y] = [Number(as[at]), Number(bs[at])];
    return Number.isNaN(x) || Number.isNaN(y) ? 0 : x - y;
  };
  const stay = problems.filter((p) => removed(p) === undefined);
  const go = problems.filter((p) => removed(p) !== undefined);
  return [...stay, ...go.sort((a, b) => later(removed(b)!, removed(a)!))];
}

/** All problems of a stack in one message; their fixes can be run one after another, from the first to the last. */
export function formatProblems(stack: string, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const ordered = inOrderOfFixes(problems);
  const lines = ordered.map((p, i) => {
    const first = ordered.findIndex((other) => other.fix === p.fix);
    const fix = first < i ? `the command of ${first + 1} mends this too` : p.fix;
    return `  ${i + 1}. ${p.whole ? "" : "bankmesh:"}${p.key} is ${p.value}\n     allowed: ${p.allowed}\n     fix:     ${fix}`;
  });
  return `the configuration of stack "${stack}" has ${count}; nothing was touched\n${lines.join("\n")}`;
}
