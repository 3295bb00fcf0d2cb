import { code, type Section } from "./comment.ts";
import type { StackChange } from "./compare.ts";

/** What a change means for callers, as `npm run diff` says it. */
export interface Meaning {
  /** One line of Markdown: what opens up, what closes, how much stays as it is. */
  readonly summary: string;
  /** All of it as Markdown; empty when nothing changes. */
  readonly markdown: string;
}

/** Says what the change of one stack's manifests means. */
export type Explain = (change: StackChange) => Promise<Meaning> | Meaning;

/** The one place in which the meaning of a change is asked for. Undefined until there is somebody to ask. */
export const explain: Explain | undefined = undefined;

/** Who may call what after the change that could not before, and the other way round. */
export async function meaningSection(
  changes: readonly StackChange[],
  ask: Explain | undefined = explain,
): Promise<Section> {
  const title = "Meaning";
  if (!ask) return { title, summary: "_Nobody here can judge what a change means._", details: [] };
  const answers = await Promise.all(
    changes.map(async (change) => ({ stack: change.stack, ...(await ask(change)) })),
  );
  return {
    title,
    summary: answers.map(({ stack, summary }) => `- ${code(stack)}: ${summary}`).join("\n"),
    details: answers
      .filter(({ markdown }) => markdown !== "")
      .map(({ stack, markdown }) => ({ title: stack, text: markdown, language: "markdown" })),
  };
}
