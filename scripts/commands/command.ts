import type { CommandSpec, ParsedArguments } from "../arguments.ts";
import type { Reporter } from "../progress.ts";

/** A command of the project. */
export interface Command {
  readonly spec: CommandSpec;
  /** Does it; returns the exit code. */
  run(args: ParsedArguments, report: Reporter): Promise<number>;
}

/** Words that every command which takes a stack says about it. */
export const stackHelp = "[stack] is dev unless named; each stack has a file Pulumi.<stack>.yaml";

/** How a command is called again for a stack. */
export function invocation(command: string, stack: string): string {
  return stack === "dev" ? command : `${command} -- ${stack}`;
}
