import { z } from "zod";

const pathText =
  "a path such as /users, with * at its end (/users/*) or at its begin (*.css); no templates ({*}, {**}), which rules and routes here are not compared by, and no regular expressions, which Istio takes as they stand";
const normalText =
  'a path as proxies see it once it is normalized: without //, /./, /../, %2F or %5C, in ASCII, with letters, digits, - . _ and ~ as they are (not %61), and " < > and ` by their codes; no request matches another';
const deniedText =
  "a path without letters in percent-codes and without ! & ' , ; = : @: /%c3 and /%C3, or /: and /%3A, are the same to a service, and a refusal of one lets the other pass; a wider path takes in both, such as what stands before it, with * at its end";

/** Codes of letters, digits, - . _ and ~, which proxies write out. */
const needlessCode = /%(2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])/i;

/** A path, or a pattern of Istio's, that some request can have once proxies have normalized its path. */
export const pathPattern = z
  .string({ error: pathText })
  .regex(/^(\*?\/[^*?#{}[\]\\^$()+|\s]*|\/[^*?#{}[\]\\^$()+|\s]*\*|\*[^*?#{}[\]\\^$()+|\s]+|\*)$/, {
    error: pathText,
  })
  // /a/.* would be read as what begins with "/a/."
  .refine((path) => !path.includes(".*"), { error: pathText, abort: true })
  .refine((path) => !/\/\/|\/\.{1,2}(\/|$)|%2f|%5c|[^\x21-\x7e]|["<>`]/i.test(path), {
    error: normalText,
    abort: true,
  })
  .refine((path) => !needlessCode.test(path), { error: normalText, abort: true });

/** A path that may be refused: proxies leave codes as they are spelled, and services know no difference. */
export const deniedPathPattern = pathPattern.refine(
  (path) => !/%(\d[a-f]|[a-f][\da-f])|[!&',;=:@]/i.test(path),
  { error: deniedText },
);
