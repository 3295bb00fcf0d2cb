/** Ways to write the path beside, or one that only looks like the open one. */
export type Spelling = (open: string, beside: string) => readonly string[];

const hex = (byte: number) => byte.toString(16).padStart(2, "0");
const last = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const up =
  (...steps: string[]): Spelling =>
  (open, beside) =>
    steps.map((step) => `${open}/${step}/${last(beside)}`);

/** Question, reason and ways to write of each probe, by its id. */
export const spellings: Readonly<Record<string, readonly [string, string, Spelling]>> = {
  P1: [
    "Is a path refused that leads back from an open one?",
    "the proxy takes dots away before it asks its rules",
    up("..", "./..", "../."),
  ],
  P2: [
    "Is such a path refused with its dots encoded?",
    "the proxy decodes dots first",
    up("%2E%2E", "%2e%2e", ".%2e", "%2E/%2E%2E"),
  ],
  P3: [
    "Is a path refused that is written with more slashes?",
    "DECODE_AND_MERGE_SLASHES makes one of them",
    (open, beside) => [
      `/${beside}`,
      `//${beside}`,
      // two slashes are a step of their own until they are merged, and dots are taken away before
      `${open}//../../${last(beside)}`,
    ],
  ],
  P5: [
    "Is a path refused that is written with backslashes?",
    "the proxy makes slashes of them",
    (open, beside) => [`${open}\\..\\${last(beside)}`, `${open}/..\\${last(beside)}`],
  ],
  P6: [
    "Is a path refused whose dots are encoded twice?",
    "it is decoded once, and what is left is no open path; whoever decodes it again does so behind the rules",
    up("%252e%252e", "%252E%252E"),
  ],
  P7: [
    "Is a path refused with dots in overlong UTF-8?",
    "that is no spelling of a dot",
    up("%c0%ae%c0%ae", "%c1%9c.."),
  ],
  P9: [
    "Is a path refused that differs from the open one in case?",
    "paths are compared letter by letter",
    (open) => [`${open.slice(0, open.lastIndexOf("/") + 1)}${last(open).toUpperCase()}`],
  ],
  P11: [
    "Is the open path refused with an encoded character behind it?",
    "it is another path then, whatever a service makes of it",
    // NUL apart, which is no path at all
    (open) => Array.from({ length: 255 }, (_, i) => `${open}%${hex(i + 1)}`),
  ],
  P12: [
    "Is a path refused with a query or a fragment behind it?",
    "neither is a part of the path",
    (open, beside) => [`${beside}?${open}`, `${beside}?x=1`, `${beside}#${open}`, `${beside}#x`],
  ],
};

/** Ways to write a path that denyFrom names, of which a proxy that compared them as they come would know none. */
export const disguises: Readonly<
  Record<string, (prefix: string, rest: string) => readonly string[]>
> = {
  P1: (prefix, rest) => [`${prefix}/x/..${rest}`, `${prefix}/.${rest}`],
  P2: (prefix, rest) => [`${prefix}/x/%2e%2e${rest}`, `${prefix}/%2E${rest}`],
  P3: (prefix, rest) => [`${prefix}/${rest}`, `/${prefix}${rest}`, `${prefix}/%2f${rest}`],
  P5: (prefix, rest) => [`${prefix}\\${rest.slice(1)}`, `${prefix}%5c${rest.slice(1)}`],
  // the next two are other paths to a proxy that decodes once, and the same to one that decodes more
  P6: (prefix, rest) => [`${prefix}/x/%252e%252e${rest}`],
  P7: (prefix, rest) => [`${prefix}/x/%c0%ae%c0%ae${rest}`, `${prefix}/x%c1%9c..${rest}`],
  P12: (prefix, rest) => [`${prefix}${rest}?x=1`, `${prefix}${rest}#x`],
};
