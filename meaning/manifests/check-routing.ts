import type { VirtualServiceSpec } from "../../policies/routing.ts";

/** What a VirtualService says that nobody here can foresee. One line a problem. */
export function routingProblems(spec: object): string[] {
  const { http = [] } = spec as VirtualServiceSpec;
  return [
    ...expressions(spec, "spec").flatMap(([at, regex]) => {
      const problem = expressionProblem(regex);
      return problem === undefined ? [] : [`${at}: ${JSON.stringify(regex)} ${problem}`];
    }),
    ...http.flatMap((route, i) => {
      const at = `spec.http[${i}]`;
      return [
        ...(route.delegate ? [`${at}.delegate: the other VirtualService is not read here`] : []),
        ...(route.fault?.abort ? [`${at}.fault.abort: answers some requests itself`] : []),
        ...(route.rewrite?.uriRegexRewrite
          ? [`${at}.rewrite.uriRegexRewrite: is not read here`]
          : []),
      ];
    }),
  ];
}

/** Values of `regex`, wherever they stand. */
function expressions(value: unknown, at: string): [at: string, regex: string][] {
  if (Array.isArray(value)) return value.flatMap((v, i) => expressions(v, `${at}[${i}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, v]): [string, string][] =>
    key === "regex" && typeof v === "string"
      ? [[`${at}.regex`, v]]
      : expressions(v, `${at}.${key}`),
  );
}

/**
 * What keeps an expression from meaning the same to RE2, which Envoy has, and to JavaScript: all but plain characters,
 * classes, groups, alternatives and repetition. Undefined where both read it alike.
 */
export function expressionProblem(regex: string): string | undefined {
  if (/\(\?(?!:)/.test(regex)) return "has a group that RE2 and JavaScript read differently";
  if (/\\[^dDwWsS.^$*+?()[\]{}|\\/\-_ =:;,@%&'"!<>~`#]/.test(regex))
    return "has an escape that RE2 and JavaScript read differently";
  if (/\[\[:|\[[^\]]*\[/.test(regex)) return "has a class that RE2 and JavaScript read differently";
  // RE2 takes its time by the length of the text; JavaScript may take forever
  if (/\([^()]*[*+}][^()]*\)[*+{]/.test(regex)) return "repeats what repeats itself";
  try {
    new RegExp(`^(?:${regex})$`);
  } catch {
    return "is no expression";
  }
  return undefined;
}
