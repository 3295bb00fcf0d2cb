/** Longest line of a label that is made of several parts. */
const width = 44;

/**
 * A text from the settings as people read it: bare, or in quotation marks when it could be taken for something else.
 * What cannot be seen, or turns the direction of writing, is written as its code.
 */
export function shown(text: string): string {
  if (/^[\p{L}\p{N}/:.@%&=~*_-]+$/u.test(text)) return text;
  return JSON.stringify(text).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
}

/**
 * Parts as one or several lines. A part is never broken, and a line ends with what joins it to the next.
 *
 * @param lead what stands in front of the first part
 */
export function joined(parts: readonly string[], by = ", ", lead = ""): string[] {
  const lines: string[] = [];
  parts.forEach((part, i) => {
    const text = i < parts.length - 1 ? part + by.trimEnd() : part;
    const last = lines.at(-1);
    if (last === undefined) lines.push(lead + text);
    else if (last.length + 1 + text.length > width) lines.push(text);
    else lines[lines.length - 1] = `${last} ${text}`;
  });
  return lines;
}
