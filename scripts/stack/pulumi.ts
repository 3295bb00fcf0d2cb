import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { UserError } from "../errors.ts";
import { logFile, root, shown } from "../paths.ts";
import { wasInterrupted, whileRunning } from "../signals.ts";
import { Display, isNoise } from "./display.ts";
import { endSession } from "./sessions.ts";

/** A stack that is ready for the CLI. */
export interface Stack {
  readonly name: string;
  /** Working copy of the stack's file. */
  readonly configFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the program. @default this checkout */
  readonly program?: string;
}

/** How a run that changes or previews a stack ended. */
export interface RunResult {
  readonly code: number;
  /** Steps by kind, such as `{ same: 60, update: 1 }`; undefined when the run ended before its summary. */
  readonly changes?: Readonly<Record<string, number>>;
  /** All output; the events as JSON lines where a terminal showed Pulumi's own display. */
  readonly log: string;
}

/** Runs a command of the CLI that prints something for us. */
export async function capture(
  stack: Stack,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const result = await execa("pulumi", [...args, "--stack", stack.name, "--non-interactive"], {
    cwd: stack.program ?? root,
    env: stack.env,
    extendEnv: false,
    reject: false,
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
  });
  if (result.failed)
    throw new PulumiError(`pulumi ${args.slice(0, 2).join(" ")}`, result.stderr || result.stdout);
  return result.stdout;
}

/** The CLI ended with an error. */
export class PulumiError extends UserError {
  readonly output: string;

  constructor(command: string, output: string) {
    super(`${command} failed:\n${withoutNoise(output)}`);
    this.output = output;
  }
}

/**
 * Runs `up`, `preview`, `refresh` or `destroy` before the user's eyes: Pulumi's own display on a terminal, plain lines
 * elsewhere.
 */
export async function run(
  stack: Stack,
  command: string,
  args: readonly string[],
  quiet = false,
): Promise<RunResult> {
  const terminal = Boolean(process.stdout.isTTY) && !process.env.CI && !quiet;
  const log = logFile(`${stack.name}-${command}`);
  const events = `${log}.events`;
  const flags = ["--stack", stack.name, "--config-file", stack.configFile, "--event-log", events];
  const plain = terminal ? [] : ["--non-interactive", "--color", "never", "--suppress-progress"];
  // A session of its own: the terminal's Ctrl-C is passed on by us, once, and leftovers can be found by its number.
  const child = spawn("pulumi", [command, ...args, ...flags, ...plain], {
    cwd: stack.program ?? root,
    // the event log is behind this switch, as for the Automation API
    env: { ...stack.env, PULUMI_DEBUG_COMMANDS: "true" },
    detached: true,
    stdio: terminal ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  if (!terminal) copyOutput(child, log, quiet);
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    // not "close": what a killed CLI leaves running may hold its output open
    child.on("exit", (code) => resolve(code ?? 137));
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  const code = await whileRunning(child, ended);
  if (child.pid !== undefined) await endSession(child.pid);
  await Promise.race([closed, sleep(2000)]);
  const changes = keepEvents(events, terminal ? log : undefined);
  return { code, log, ...(changes && { changes }) };
}

/** Reads the summary; on a terminal the events are the only log. */
function keepEvents(events: string, log: string | undefined): RunResult["changes"] {
  if (!fs.existsSync(events)) return undefined;
  const changes = summaryOf(fs.readFileSync(events, "utf8"));
  if (log === undefined) fs.rmSync(events);
  else {
    fs.chmodSync(events, 0o600);
    fs.renameSync(events, log);
  }
  return changes;
}

function copyOutput(child: ReturnType<typeof spawn>, log: string, quiet: boolean): void {
  const file = fs.createWriteStream(log, { mode: 0o600 });
  const display = new Display();
  let rest = "";
  const copy = (chunk: Buffer) => {
    file.write(chunk);
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    if (quiet) return;
    for (const shown of lines.flatMap((line) => display.take(line)))
      process.stdout.write(`${shown}\n`);
  };
  child.stdout?.on("data", copy);
  child.stderr?.on("data", copy);
  child.on("close", () => {
    if (rest !== "" && !quiet) process.stdout.write(`${rest}\n`);
    file.end();
  });
}

function withoutNoise(text: string): string {
  return text
    .split("\n")
    .filter((line) => !isNoise(line))
    .join("\n")
    .trim();
}

/** Counts of steps by kind from the engine's events. */
export function summaryOf(events: string): Record<string, number> | undefined {
  const line = events
    .split("\n")
    .reverse()
    .find((l) => l.includes('"summaryEvent"'));
  if (!line) return undefined;
  try {
    const event = JSON.parse(line) as {
      summaryEvent?: { resourceChanges?: Record<string, number> };
    };
    return event.summaryEvent?.resourceChanges ?? {};
  } catch {
    return undefined;
  }
}

/** Whether a run left everything as it was. */
export function isUnchanged(changes: Readonly<Record<string, number>>): boolean {
  return Object.entries(changes).every(
    ([kind, n]) => n === 0 || ["same", "read", "refresh"].includes(kind),
  );
}

/** On a terminal Pulumi reads Ctrl-C as a key, and nobody else learns of it. */
function wasCanceled(log: string): boolean {
  return (
    fs.existsSync(log) &&
    /\^C received|(update|preview|destroy|refresh) canceled/.test(fs.readFileSync(log, "utf8"))
  );
}

/**
 * Throws what the user has to know after a run that did not end well.
 *
 * @param again command that continues
 */
export function checkEnd(result: RunResult, what: string, again: string): void {
  if (result.code === 0) return;
  if (wasInterrupted() || wasCanceled(result.log)) {
    throw new UserError(
      `${what} was interrupted; what was done is in the state: \`${again}\` continues (log: ${shown(result.log)})`,
    );
  }
  if (result.code === 137) {
    throw new UserError(`${what} was killed; \`${again}\` repairs the state and continues`);
  }
  throw new UserError(
    `${what} failed; the whole output is in ${shown(result.log)}; \`${again}\` continues where it ended`,
  );
}
