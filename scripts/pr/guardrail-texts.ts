import * as fs from "node:fs";
import * as path from "node:path";
import type { GuardrailTexts } from "./guardrail-changes.ts";

/** Folder of the pack in a program. */
export const packFolder = path.join("policies", "guardrails");

/**
 * What a program's guardrails are told; undefined where it has none.
 *
 * @param program folder of the program
 */
export function guardrailTexts(program: string): GuardrailTexts | undefined {
  const folder = path.join(program, packFolder);
  if (!fs.existsSync(folder)) return undefined;
  const stacks = path.join(folder, "stacks");
  const files = fs.existsSync(stacks) ? fs.readdirSync(stacks).sort() : [];
  const texts = files
    .filter((file) => file.endsWith(".json"))
    .map((file) => [file.slice(0, -5), fs.readFileSync(path.join(stacks, file), "utf8")] as const);
  const exemptions = path.join(folder, "exemptions.yaml");
  return {
    exemptions: fs.existsSync(exemptions) ? fs.readFileSync(exemptions, "utf8") : undefined,
    stacks: new Map(texts),
  };
}
