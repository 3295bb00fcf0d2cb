/** Whether a path of a rule is a template: `{*}` is one segment, `{**}` any number of them. */
export function isTemplate(path: string): boolean {
  return path.includes("{*}") || path.includes("{**}");
}

/** What keeps a template from being one. */
export function templateProblem(path: string): string | undefined {
  let any = false;
  for (const part of path.replace(/^\/+|\/+$/g, "").split("/")) {
    if (part === "{*}" || part === "{**}") {
      if (any) return "{**} has to be the last operator";
      any = part === "{**}";
    } else if (/[{}]/.test(part)) return "braces stand for nothing but {*} and {**}";
    else if (!/^[a-zA-Z0-9._~%!$&'()+,;:@=-]+$/.test(part))
      return `${JSON.stringify(part)} cannot stand in a template`;
  }
  return undefined;
}

/**
 * A matcher of the paths of a template.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/path/match/uri_template/v3/uri_template_match.proto
 */
export function templateMatcher(template: string): (path: string) => boolean {
  const parts = template.split(/(\{\*\*\}|\{\*\})/).map((part) => {
    if (part === "{**}") return "[a-zA-Z0-9\\-._~%!$&'()+,;:@=/]*";
    if (part === "{*}") return "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]+";
    return part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  const pattern = new RegExp(`^${parts.join("")}$`);
  return (path) => pattern.test(path);
}
