import type { VirtualServiceSpec } from "../../policies/routing.ts";
import { bareHost } from "./hosts.ts";
import type { Tri } from "./conditions.ts";
import type { Headers } from "./request.ts";

export type HttpRoute = NonNullable<VirtualServiceSpec["http"]>[number];
export type HttpMatch = NonNullable<HttpRoute["match"]>[number];
interface StringMatch {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/** A request as a gateway's routes see it. */
export interface Routed {
  readonly method: string;
  /** Normalized, with its query. */
  readonly path: string;
  readonly host: string;
  readonly headers: Headers;
  readonly scheme: "http" | "https";
}

type Text = string | undefined;

/** What a match asks for: one of texts, a prefix, or an expression that is about the whole text. */
function textMatcher(match: StringMatch, ignoreCase = false): (text: Text) => boolean {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  const { exact, prefix, regex } = match;
  if (exact !== undefined) return (text) => text !== undefined && fold(text) === fold(exact);
  if (prefix !== undefined && prefix !== "")
    return (text) => text !== undefined && fold(text).startsWith(fold(prefix));
  if (regex !== undefined && regex !== "" && regex !== "*") {
    const pattern = new RegExp(`^(?:${regex})$`);
    return (text) => text !== undefined && pattern.test(text);
  }
  // nothing in particular: it has to be there
  return (text) => text !== undefined;
}

/** Whether a request is what one match of a route asks for; undefined where its claims decide. */
export function routeTest(match: HttpMatch): (request: Routed) => Tri {
  const tests: ((request: Routed) => Tri)[] = [];
  const { uri, method, authority, scheme, headers, withoutHeaders, queryParams } = match;
  if (uri) {
    // Envoy knows no expression without regard to case, so that word is about the other two
    const matches = textMatcher(uri, match.ignoreUriCase && uri.regex === undefined);
    tests.push(({ path }) => matches(path.split("?")[0]));
  }
  for (const [part, asked] of [
    ["method", method],
    ["scheme", scheme],
  ] as const)
    if (asked) {
      const matches = textMatcher(asked);
      tests.push((request) => matches(request[part]));
    }
  if (authority) {
    const matches = textMatcher(authority);
    tests.push(({ host }) => matches(host));
  }
  for (const [name, asked] of Object.entries(headers ?? {})) tests.push(headerTest(name, asked));
  for (const [name, asked] of Object.entries(withoutHeaders ?? {})) {
    const there = headerTest(name, asked);
    tests.push((request) => {
      const holds = there(request);
      return holds === undefined ? undefined : !holds;
    });
  }
  for (const [name, asked] of Object.entries(queryParams ?? {})) {
    const matches = textMatcher(asked);
    tests.push(({ path }) =>
      matches(new URLSearchParams(path.split("?")[1]).get(name) ?? undefined),
    );
  }
  return (request) => {
    let result: Tri = true;
    for (const test of tests) {
      const holds = test(request);
      if (holds === false) return false;
      if (holds === undefined) result = undefined;
    }
    return result;
  };
}

function headerTest(name: string, asked: StringMatch): (request: Routed) => Tri {
  // routes by claims are seldom, and what they ask is not read here
  if (name.startsWith("@request.auth.")) return () => undefined;
  const matches = textMatcher(asked);
  return ({ headers }) => {
    const found = headers[name.toLowerCase()];
    return matches(typeof found === "object" ? found.join(",") : found);
  };
}

/** Whether a match takes every request, so that nothing behind it is ever asked. */
export function takesAll(match: HttpMatch | undefined): boolean {
  if (!match) return true;
  const { uri, headers = {}, withoutHeaders = {}, queryParams = {} } = match;
  const { method, authority, scheme } = match;
  const anyPath = !uri || uri.prefix === "/" || uri.regex === ".*";
  const more = [headers, withoutHeaders, queryParams].some((m) => Object.keys(m).length > 0);
  return anyPath && !more && !method && !authority && !scheme;
}

/** Where a redirect leads. */
export function locationOf(redirect: NonNullable<HttpRoute["redirect"]>, request: Routed): string {
  const { uri, authority, scheme = request.scheme, port } = redirect;
  const [host, own] = request.host.split(":") as [string, string?];
  const usual = { http: "80", https: "443" }[scheme];
  const at = port === undefined ? own : String(port);
  const name = authority ?? host;
  const path = uri
    ? `${uri}${request.path.slice(request.path.split("?")[0]!.length)}`
    : request.path;
  return `${scheme}://${bareHost(name)}${at === undefined || at === usual ? "" : `:${at}`}${path}`;
}
