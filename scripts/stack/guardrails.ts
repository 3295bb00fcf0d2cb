import * as path from "node:path";
import { stackConfig } from "../../policies/guardrails/stack-config.ts";
import type { Option } from "../arguments.ts";
import { root } from "../paths.ts";

/** What makes a command hold the stack against the guardrails. */
export const guardrailsOption: Option = {
  name: "guardrails",
  help: "refuse what the guardrails forbid (docs/guardrails.md)",
};

/** Flags by which the CLI loads the pack, with the stack's configuration of it. */
export function guardrailFlags(stack: string): string[] {
  const config = stackConfig(stack);
  return [
    ...["--policy-pack", path.join(root, "policies", "guardrails")],
    ...(config ? ["--policy-pack-config", config.file] : []),
  ];
}
