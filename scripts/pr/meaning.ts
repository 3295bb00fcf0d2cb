import { compare, judged } from "../../meaning/compare.ts";
import { UnreadableManifests, readPlatform } from "../../meaning/manifests/platform.ts";
import { markdownReport } from "../../meaning/report/markdown.ts";
import { verdictText } from "../../meaning/report/words.ts";
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

/** As `npm run diff` says it; manifests that cannot be read are named, and never taken for safe. */
export const explain: Explain = ({ stack, before, after }) => {
  try {
    const comparison = compare(readPlatform(before), readPlatform(after));
    const nothing = comparison.changes.length === 0 && judged(comparison);
    return {
      summary: verdictText(comparison),
      markdown: nothing ? "" : markdownReport(stack, comparison),
    };
  } catch (e) {
    if (!(e instanceof UnreadableManifests)) throw e;
    return { summary: "cannot be judged: not all manifests can be read", markdown: e.message };
  }
};

/** Who may call what after the change that could not before, and the other way round. */
export async function meaningSection(
  changes: readonly StackChange[],
  ask: Explain = explain,
): Promise<Section> {
  const answers = await Promise.all(
    changes.map(async (change) => ({ stack: change.stack, ...(await ask(change)) })),
  );
  return {
    title: "Meaning",
    summary: answers.map(({ stack, summary }) => `- ${code(stack)}: ${summary}`).join("\n"),
    details: answers
      .filter(({ markdown }) => markdown !== "")
      .map(({ stack, markdown }) => ({ title: stack, text: markdown, language: "markdown" })),
  };
}
