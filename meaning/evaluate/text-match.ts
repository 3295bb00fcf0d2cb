/** Whether a text is what a rule's value asks for. */
export type Matcher = (text: string) => boolean;

/**
 * A value of a rule: `*` is any text that is not empty, `*x` the end of a text, `x*` its begin, all else the text itself.
 *
 * @see https://istio.io/latest/docs/concepts/security/#value-matching
 */
export function valueMatcher(value: string): Matcher {
  if (value === "*") return (text) => text !== "";
  // in Istio's order: a value with both is about the end
  if (value.startsWith("*")) {
    const end = value.slice(1);
    return (text) => text.endsWith(end);
  }
  if (value.endsWith("*")) {
    const begin = value.slice(0, -1);
    return (text) => text.startsWith(begin);
  }
  return (text) => text === value;
}

/** The same for names of hosts, which know no case. */
export function hostMatcher(value: string): Matcher {
  const matches = valueMatcher(value.toLowerCase());
  return (text) => matches(text.toLowerCase());
}

/** Whether any of several values will do. */
export function anyOf(matchers: readonly Matcher[]): Matcher {
  return matchers.length === 1 ? matchers[0]! : (text) => matchers.some((matches) => matches(text));
}

/** A text as a part of a regular expression that matches nothing else. */
export function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
