// npm run bench: how long things take, and what traffic notices of changes.
import type { ParsedArguments } from "../scripts/arguments.ts";
import { unknown } from "../scripts/arguments.ts";
import { UserError } from "../scripts/errors.ts";

/** Parts by name; the first one unless another is named. */
const parts: Readonly<Record<string, () => Promise<{ run(): Promise<number> }>>> = {
  speed: () => import("./speed.ts"),
  flip: () => import("./flip/main.ts"),
  guardrails: () => import("./guardrails/main.ts"),
};

/** @returns 0 when all targets are met, else 1 */
export async function main({ positional: [name = "speed"] }: ParsedArguments): Promise<number> {
  const part = parts[name];
  if (!part) throw new UserError(unknown("part", name, Object.keys(parts), "npm run bench"));
  return (await part()).run();
}
