import { compare, judged } from "../../meaning/compare.ts";
import { UnreadableManifests, readPlatform } from "../../meaning/manifests/platform.ts";
import { markdownReport } from "../../meaning/report/markdown.ts";
import { verdictText } from "../../meaning/report/words.ts";
import { code, type Detail, type Section } from "./comment.ts";
import type { StackChange } from "./compare.ts";

/** What a change means for callers, as `npm run diff` says it. */
export interface Meaning {
  /** One line of Markdown: what opens up, what closes, how much stays as it is. */
  readonly summary: string;
  /** All of it as Markdown; empty when nothing changes. */
  readonly markdown: string;
  /** Whether all of it could be judged. */
  readonly judged: boolean;
  /** Words of others in place of it, to be shown as they are. */
  readonly text?: string;
}

/** Says what the change of one stack's manifests means. */
export type Explain = (change: StackChange) => Promise<Meaning> | Meaning;

/** As `npm run diff` says it; manifests that cannot be read are named, and never taken for safe. */
export const explain: Explain = ({ stack, before, after }) => {
  try {
    const comparison = compare(readPlatform(before), readPlatform(after));
    const known = judged(comparison);
    const nothing = comparison.changes.length === 0 && known;
    return {
      ...{ summary: verdictText(comparison), judged: known },
      markdown: nothing ? "" : markdownReport(stack, comparison),
    };
  } catch (e) {
    if (!(e instanceof UnreadableManifests)) throw e;
    const summary = "cannot be judged: not all manifests can be read";
    return { summary, judged: false, markdown: "", text: e.message };
  }
};

/** Who may call what after the change that could not before, and the other way round; and whether that could be judged. */
export async function meaningSection(
  changes: readonly StackChange[],
  ask: Explain = explain,
): Promise<{ section: Section; judged: boolean }> {
  const answers = await Promise.all(
    changes.map(async (change) => ({ stack: change.stack, ...(await ask(change)) })),
  );
  const section: Section = {
    title: "Meaning",
    summary: answers.map(({ stack, summary }) => `- ${code(stack)}: ${summary}`).join("\n"),
    details: answers.flatMap(({ stack, markdown, text }): Detail[] => [
      ...(markdown === "" ? [] : [{ title: stack, text: markdown, language: "markdown" as const }]),
      ...(text === undefined ? [] : [{ title: stack, text, language: "text" as const }]),
    ]),
  };
  return { section, judged: answers.every((answer) => answer.judged) };
}
