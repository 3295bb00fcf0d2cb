import { createInterface } from "node:readline/promises";
import { UserError } from "../errors.ts";

export interface Confirmation {
  /** What will be done, in one sentence. */
  readonly does: string;
  /** What is said where nobody can be asked: how to ask for it twice. */
  readonly refusal: string;
}

/**
 * Nothing but the stack's name lets it go on.
 *
 * @throws UserError when another word is typed, or nobody can be asked
 */
export async function confirmed(name: string, { does, refusal }: Confirmation): Promise<void> {
  if (!process.stdin.isTTY) throw new UserError(refusal);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${does} Type its name to go on: `);
    if (answer.trim() !== name)
      throw new UserError(`"${answer.trim()}" is not "${name}"; nothing was touched`);
  } finally {
    lines.close();
  }
}
