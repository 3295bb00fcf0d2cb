import * as fs from "node:fs";
import * as path from "node:path";
import type { Option } from "../arguments.ts";
import { root } from "../paths.ts";

/** What makes a command hold the stack against the guardrails. */
export const guardrailsOption: Option = {
  name: "guardrails",
  help: "refuse what the guardrails forbid (docs/guardrails.md)",
};

/**
 * Flags by which the CLI loads the pack, with the stack's configuration of it.
 *
 * @param program folder of the program whose pack it is. @default this checkout
 */
export function guardrailFlags(stack: string, program = root): string[] {
  const pack = path.join(program, "policies", "guardrails");
  const config = path.join(pack, "stacks", `${stack}.json`);
  return [
    ...["--policy-pack", pack],
    ...(fs.existsSync(config) ? ["--policy-pack-config", config] : []),
  ];
}
