/** What a route asks of a text. */
export interface Asked {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/** Characters for a class, the most usual ones in front. */
const characters = [..."a1A/-_. ", ...Array.from({ length: 94 }, (_, i) => codeOf(33 + i))];
/** A repetition that is longer makes no text. */
const mostRepeated = 50;

/** Texts that are what a route asks for: one of each alternative that its expression has. */
export function samplesOf({ exact, prefix, regex }: Asked): string[] {
  if (exact !== undefined) return [exact];
  if (prefix !== undefined && prefix !== "") return [`${prefix}1`];
  // it only has to be there
  return regex === undefined || regex === "" || regex === "*" ? ["any"] : textsOf(regex);
}

/** Texts that an expression takes as a whole; none where it is too odd to make one of it. */
export function textsOf(regex: string): string[] {
  const reader: Reader = { left: regex };
  const found = alternatives(reader);
  if (reader.left !== "") return [];
  const whole = new RegExp(`^(?:${regex})$`);
  return [...new Set(found)].filter((text) => whole.test(text));
}

/** An expression, as far as it is not read yet. */
interface Reader {
  left: string;
}

/** The next piece, if it is one of those. */
function next(reader: Reader, piece: RegExp): string | undefined {
  const [found] = piece.exec(reader.left) ?? [];
  if (found !== undefined) reader.left = reader.left.slice(found.length);
  return found;
}

function alternatives(reader: Reader): string[] {
  const found = sequence(reader);
  while (next(reader, /^\|/)) found.push(...sequence(reader));
  return found;
}

/** The first of each piece, and what differs from that in one of them. */
function sequence(reader: Reader): string[] {
  const pieces: string[][] = [];
  while (reader.left !== "" && !/^[|)]/.test(reader.left)) pieces.push(repeated(reader));
  const first = pieces.map(([text]) => text ?? "");
  const others = pieces.flatMap((texts, i) => texts.slice(1).map((text) => first.with(i, text)));
  return [first, ...others].map((texts) => texts.join(""));
}

function repeated(reader: Reader): string[] {
  const any = reader.left.startsWith(".");
  const piece = atom(reader);
  const times = next(reader, /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/);
  if (times === undefined) return piece;
  // what may be anything is a word
  if (any && /^[*+]/.test(times)) return ["any"];
  const least = Number(/\d+/.exec(times)?.[0] ?? 1);
  const texts = piece.map((text) => text.repeat(Math.min(Math.max(least, 1), mostRepeated)));
  return /^(?:[*?]|\{0)/.test(times) ? [...texts, ""] : texts;
}

function atom(reader: Reader): string[] {
  if (next(reader, /^\((?:\?:)?/)) {
    const inner = alternatives(reader);
    next(reader, /^\)/);
    return inner;
  }
  if (next(reader, /^[\^$]/)) return [""];
  const many = next(reader, /^(?:\[\^?(?:\\.|[^\]\\])*\]|\\[dDwWsS]|\.)/);
  if (many !== undefined) {
    const one = new RegExp(many);
    return characters.filter((c) => one.test(c)).slice(0, 1);
  }
  const character = next(reader, /^(?:\\.|[^])/)!;
  return [character.slice(-1)];
}

function codeOf(code: number): string {
  return String.fromCharCode(code);
}
