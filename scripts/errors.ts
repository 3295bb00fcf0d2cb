/** A mistake or a state that the user can repair: shown as it is, without a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
  /** What the process ends with. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Words as people list them: `a, b and c`. */
export function list(words: readonly string[], last = "and"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
