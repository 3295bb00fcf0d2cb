/** Most characters that GitHub takes for a comment. */
export const commentLimit = 65_536;

/** First line of each comment, by which the next one finds it; nobody sees it. */
export const marker = "<!-- bankmesh: what this change does -->";

/** A text that is folded away, and cut first when there is no room. */
export interface Detail {
  readonly title: string;
  readonly text: string;
  /** How it is shown: as it is, or as Markdown. */
  readonly language: "diff" | "text" | "markdown";
}

/** One subject of the comment. */
export interface Section {
  readonly title: string;
  /** Markdown that is always shown. */
  readonly summary: string;
  readonly details: readonly Detail[];
}

/**
 * A pull request's comment as Markdown. Summaries come whole; details, first to last, as far as there is room, the last of
 * them cut between two lines. Whatever is left out is said.
 *
 * @param sections in the order in which they are shown
 * @param whole where the whole text is, for what has no room; Markdown
 * @param limit most characters, as JavaScript counts them, which is never less than GitHub does
 */
export function comment(sections: readonly Section[], whole: string, limit = commentLimit): string {
  const heads = sections.map(({ title, summary }) => `### ${title}\n\n${summary.trim()}\n`);
  const start = `${marker}\n\n## What this change does\n`;
  const fixed = [start, ...heads].join("\n").length + sections.length;
  // as long as nobody knows what fits, the line that says what does not has to
  let room = limit - fixed - leftOut(99_999, whole).length - 1;
  if (room < 0) return shortened([start, ...heads].join("\n"), whole, limit);
  let missing = 0;
  const parts = sections.map(({ details }, i) => {
    const shown = details.map((detail) => {
      const text = fitting(detail, room);
      room -= text.length + 1;
      if (text !== folded(detail)) missing++;
      return text;
    });
    return [heads[i]!, ...shown.filter((text) => text !== "")].join("\n");
  });
  return [start, ...parts, ...(missing > 0 ? [leftOut(missing, whole)] : [])].join("\n");
}

function leftOut(count: number, whole: string): string {
  return `_${count} of the folded texts had no room here, or not whole: ${whole}_\n`;
}

/** Summaries alone are too long: as many lines of them as there is room for. */
function shortened(text: string, whole: string, limit: number): string {
  const end = `\n_There was no room for more: ${whole}_\n`;
  const lines = text.slice(0, Math.max(0, limit - end.length)).split("\n");
  return `${lines.slice(0, -1).join("\n")}${end}`;
}

/** The detail whole, or cut between two lines with a note, or nothing where not even that has room. */
function fitting(detail: Detail, room: number): string {
  const text = folded(detail);
  if (text.length <= room) return text;
  const lines = detail.text.trimEnd().split("\n");
  const note = (left: number) => `… ${left} more lines`;
  const frame = folded({ ...detail, text: note(lines.length) }).length;
  let used = 0;
  let kept = 0;
  while (kept < lines.length && used + lines[kept]!.length + 1 <= room - frame)
    used += lines[kept++]!.length + 1;
  if (kept === 0) return "";
  const cut = [...lines.slice(0, kept), note(lines.length - kept)].join("\n");
  return folded({ ...detail, text: cut }, fenceFor(detail.text));
}

function folded({ title, text, language }: Detail, fence = fenceFor(text)): string {
  const body =
    language === "markdown" ? text.trimEnd() : `${fence}${language}\n${text.trimEnd()}\n${fence}`;
  return `<details><summary>${escaped(title)}</summary>\n\n${body}\n\n</details>\n`;
}

/** A fence that nothing in the text can close. */
export function fenceFor(text: string): string {
  return "`".repeat(Math.max(3, longestRun(text) + 1));
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

/** Text of others in a line of Markdown: shown as it is, no link, no mention, no HTML. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const fence = "`".repeat(longestRun(line) + 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${fence}${pad}${line}${pad}${fence}`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
