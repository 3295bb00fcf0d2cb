import type { ParsedArguments } from "../arguments.ts";
import { UserError } from "../errors.ts";
import type { Reporter } from "../progress.ts";
import { prepareTools } from "../setup/index.ts";
import { requireStack } from "../stack/files.ts";
import { openStack, readOutputs, stackEnvironment } from "../stack/open.ts";
import { invocation } from "./command.ts";

/** Outputs, secret ones included, of the stack that a command names. */
export async function outputsOf(
  args: ParsedArguments,
  report: Reporter,
): Promise<{ readonly name: string; readonly outputs: Record<string, unknown> }> {
  const name = requireStack(args.positional[0]);
  stackEnvironment(name, process.env);
  const { stack, state, backend } = await openStack(
    report,
    name,
    // what these commands print is for other programs; which way the tools came, npm start said
    await prepareTools({ step: report.step.bind(report), note() {} }),
  );
  if (!state)
    throw new UserError(
      `${backend} has no stack ${name}: bring it up first (${invocation("npm start", name)})`,
    );
  return { name, outputs: await readOutputs(stack, true) };
}
