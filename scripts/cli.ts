import * as path from "node:path";
import {
  type CommandSpec,
  type ParsedArguments,
  helpText,
  parseArguments,
  unknown,
} from "./arguments.ts";
import { certs, kubeconfig } from "./commands/certs.ts";
import { type Command, stackHelp } from "./commands/command.ts";
import { destroy } from "./commands/destroy.ts";
import { diff } from "./commands/diff.ts";
import { doctor } from "./commands/doctor.ts";
import { exec } from "./commands/exec.ts";
import { graph } from "./commands/graph.ts";
import { format, lint } from "./commands/lint.ts";
import { prComment } from "./commands/pr-comment.ts";
import { preview } from "./commands/preview.ts";
import { render } from "./commands/render.ts";
import { test } from "./commands/test.ts";
import { token } from "./commands/token.ts";
import { up } from "./commands/up.ts";
import { UserError } from "./errors.ts";
import { root } from "./paths.ts";
import { createReporter } from "./progress.ts";
import { installSignals, interruptionCode } from "./signals.ts";

/** Commands of other folders, each of which exports `main(args): Promise<number>`; it may throw errors with an `exitCode`. */
const elsewhere: readonly (CommandSpec & {
  /** Its file. @default main.ts in the folder of its name */
  readonly module?: string;
})[] = [
  {
    name: "verify",
    usage: "npm run verify",
    summary: "Sends real traffic at a running stack and reports.",
    positional: "[stack]",
    options: [
      {
        name: "output",
        value: "FORMATS",
        help: "also writes reports: json, junit, markdown, html, apart by commas",
      },
      { name: "to", value: "FOLDER", help: "where they go (default .bankmesh/reports)" },
      {
        name: "fixtures",
        help: "also asks what the stack has not in it, of throw-away namespaces beside it (the default on kind)",
      },
      { name: "no-fixtures", help: "asks of the stack alone" },
      {
        name: "no-edge",
        help: "on a cluster that somebody else runs: asks nothing of the gateway from this machine",
      },
    ],
    details: `${stackHelp}
exit codes: 0 all hold, 1 some fail or are inconclusive, 2 could not ask`,
    usageExitCode: 2,
  },
  {
    name: "verify:mutate",
    module: "verify/mutate.ts",
    usage: "npm run verify:mutate",
    summary:
      "Breaks a running stack in one way after another, and says which probe noticed it. Puts everything back.",
    positional: "[stack]",
    options: [
      { name: "only", value: "IDS", help: "these mutations alone, apart by commas" },
      { name: "all-probes", help: "asks every probe each time, and names the others that notice" },
      {
        name: "unbroken",
        value: "ROUNDS",
        help: "breaks nothing, and asks so often, with fixtures: none may be red",
      },
      { name: "no-fixtures", help: "with --unbroken: asks of the stack alone" },
      {
        name: "existing",
        help: "breaks a stack on a cluster that it did not make: its policies, gateway and pods",
      },
      { name: "yes", help: "do not ask before prod is broken" },
    ],
    details: `${stackHelp}
exit codes: 0 all caught, 1 some not, 2 could not ask`,
    usageExitCode: 2,
  },
  {
    name: "bench",
    usage: "npm run bench",
    summary: "Measures how long things take, and what traffic notices. Makes clusters of its own.",
    positional: "[part]",
    options: [],
    details: `parts:
  speed       how long things take, beside a plain shell route; the one that runs unless another is named
  flip        steady traffic while modes, certificate and services of a running stack change: what fails, what is let in
  guardrails  what the policy pack adds to a preview of a thousand resources; makes no cluster
exit codes: 0 all targets are met, 1 some are not
environment:
  BENCH_ROUNDS   how often speed does the whole work on each side (default 3)
  BENCH_AT_ONCE  1: speed times a shell route as well that does at once what it can`,
  },
];

const commands: readonly Command[] = [
  up,
  preview,
  destroy,
  doctor,
  certs,
  kubeconfig,
  token,
  graph,
  render,
  prComment,
  diff,
  exec,
  test,
  lint,
  format,
];

async function main(argv: readonly string[]): Promise<number> {
  const [word = "--help", ...rest] = argv;
  if (word === "--help" || word === "-h" || word === "help") {
    process.stdout.write(`${overview()}\n`);
    return 0;
  }
  const other = elsewhere.find((spec) => spec.name === word);
  if (other) {
    const args = parsed(other, rest);
    if (args.help) {
      process.stdout.write(`${helpText(other)}\n`);
      return 0;
    }
    // slow to load for commands that do not need it
    const file = other.module ?? path.join(word, "main.ts");
    const module = (await import(path.join(root, file))) as {
      main(args: ParsedArguments): Promise<number>;
    };
    return module.main(args);
  }
  const command = commands.find((c) => c.spec.name === word);
  if (!command)
    throw new UserError(
      unknown(
        "command",
        word,
        [...commands.map((c) => c.spec), ...elsewhere].map((spec) => spec.name),
        "npm start",
      ),
    );
  const args = parsed(command.spec, rest);
  if (args.help) {
    process.stdout.write(`${helpText(command.spec)}\n`);
    return 0;
  }
  return command.run(args, createReporter());
}

/** The arguments; what is wrong with them ends with the command's own exit code for that. */
function parsed(spec: CommandSpec, rest: readonly string[]): ParsedArguments {
  try {
    const args = parseArguments(spec, rest);
    if (!args.help) refuseSwallowed(spec, args.flags);
    return args;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.message, spec.usageExitCode);
  }
}

/** npm keeps an option that stands before "--" for itself, and what was asked for would silently not be done. */
function refuseSwallowed(spec: CommandSpec, flags: ParsedArguments["flags"]): void {
  // settings of npm's own, which may be there for good
  const npms = ["yes", "scope", "only"];
  const lost = spec.options.find(
    ({ name }) =>
      !npms.includes(name) &&
      flags[name] === undefined &&
      process.env[`npm_config_${name}`] !== undefined,
  );
  if (lost)
    throw new UserError(
      `npm took --${lost.name} for itself: ${spec.usage} -- --${lost.name}${lost.value ? ` ${lost.value}` : ""}`,
    );
}

function overview(): string {
  const lines = [
    ...[...commands.map(({ spec }) => spec), ...elsewhere].map(
      ({ usage, summary }) => [usage, summary] as const,
    ),
  ];
  const width = Math.max(...lines.map(([usage]) => usage.length));
  const table = lines.map(([usage, summary]) => `  ${usage.padEnd(width)}  ${summary}`);
  return [
    "bankmesh: a zero-trust service mesh with a bank in it",
    "",
    ...table,
    "",
    "Each tells more with -- --help.",
  ].join("\n");
}

function exitCodeOf(error: unknown): number {
  const { exitCode } = (error ?? {}) as { exitCode?: unknown };
  return typeof exitCode === "number" ? exitCode : 1;
}

installSignals();
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const text =
      error instanceof UserError
        ? `error: ${error.message}`
        : String((error as Error)?.stack ?? error);
    // as a shell has it for what a signal ended
    process.stderr.write(`${text}\n`, () => process.exit(interruptionCode() ?? exitCodeOf(error)));
  },
);
