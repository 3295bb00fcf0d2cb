import { bareHost, fullName, isPartOf, isWildcard } from "../evaluate/hosts.ts";
import type { Headers } from "../evaluate/request.ts";
import { type HttpMatch, type Routed, routeTest } from "../evaluate/route-match.ts";
import type { Route } from "../evaluate/routes.ts";
import { concrete } from "./doors-in.ts";
import type { Draft, Parts } from "./drafts.ts";
import { pathInside, pathsAround, unique } from "./literals.ts";
import { type Asked, samplesOf } from "./samples.ts";
import { distinct } from "./sides.ts";

/** A route of a host, whose name may have `*` in front. */
export interface RouteAt {
  readonly name: string;
  readonly route: Route;
}

/** A request for a route. */
export interface Base {
  readonly draft: Draft;
  /** Methods that the route names, and paths around those that it asks for. */
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** Full names of the hosts that it leads to. */
  readonly destinations: readonly string[];
  /** Whether the route would take it with another path. */
  readonly takes: (path: string) => boolean;
}

export interface Bases {
  readonly bases: readonly Base[];
  readonly leftOut: number;
}

/** Values of one part of a request that a route is asked with, at most. */
const mostValues = 24;
const usualMethods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"];

/** Requests for routes, each once, and how many routes and values of theirs there are none for. */
export function basesOf(routes: readonly RouteAt[]): Bases {
  // most routes are on both sides
  const made = new Map<string, number>();
  const bases = routes.flatMap((at) => {
    const { bases: own, leftOut } = basesFor(at);
    if (leftOut > 0) made.set(JSON.stringify([at.name, at.route.match]), leftOut);
    return own;
  });
  return { bases: distinct(bases), leftOut: [...made.values()].reduce((sum, n) => sum + n, 0) };
}

/** What a rule asks for, in a request that keeps what leads it to its route: its query, and its headers. */
export function ledBy({ path, headers: own }: Draft, parts: Parts): Parts {
  const query = path.includes("?") ? path.slice(path.indexOf("?")) : "";
  if (query === "" && !own) return parts;
  return {
    ...parts,
    paths: parts.paths.map((p) => `${p}${query}`),
    headers: own ? parts.headers.map((h) => ({ ...own, ...h })) : parts.headers,
  };
}

/** One request that a route takes, and what differs from it in one thing that the route has a word about. */
function basesFor({ name, route }: RouteAt): Bases {
  const { match = {}, virtualService } = route;
  const hosts = hostsFor(name, match);
  // a name that this host never has
  if (hosts.length === 0 && (!isWildcard(name) || match.authority?.exact !== undefined))
    return { bases: [], leftOut: 0 };
  const values = valuesFor(match, hosts);
  const taken = varied(values).filter((v) => isTaken(route, v));
  if (taken.length === 0) return { bases: [], leftOut: 1 };
  const destinations = (route.route.route ?? []).map((d) =>
    fullName(d.destination.host, virtualService.namespace),
  );
  const methods = match.method ? values.method : [];
  const bases = [...taken, ...refused(match, taken[0]!)].map((v, i): Base => ({
    draft: draftOf(v),
    methods,
    paths: i === 0 ? aroundPaths(match, v) : [],
    destinations,
    // what it leaves to others for a header goes wherever they lead the same path
    takes: (other) => isTaken(route, { ...(taken[i] ?? taken[0]!), path: other }),
  }));
  const lengths = Object.values(values).map((all) => all.length);
  return { bases, leftOut: lengths.reduce((sum, n) => sum + Math.max(0, n - mostValues), 0) };
}

/** All that a route can ask of a request. */
interface Value {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
}

type Values = { readonly [Part in keyof Value]: readonly Value[Part][] };

function valuesFor(match: HttpMatch, host: readonly string[]): Values {
  const { method, headers = {}, queryParams = {} } = match;
  return {
    host,
    method: method
      ? unique([...usualMethods, ...samplesOf(method)]).filter((m) =>
          takes({ method }, { method: m }),
        )
      : ["GET"],
    path: pathsFor(match),
    query: combined(queryParams).map((q) => {
      const text = new URLSearchParams(q).toString();
      return text && `?${text}`;
    }),
    headers: combined(headers).map((all) =>
      Object.fromEntries(Object.entries(all).map(([n, value]) => [n.toLowerCase(), value])),
    ),
  };
}

/** Names that a client can ask for, and that the route does. */
function hostsFor(name: string, { authority }: HttpMatch): string[] {
  const usual = concrete(name);
  if (!authority) return [usual];
  const asked = samplesOf(authority);
  const longer = isWildcard(name) ? asked.map((text) => `${text}${name.slice(1)}`) : [];
  return unique([usual, ...asked, ...longer]).filter(
    (host) => isPartOf(bareHost(host), name) && takes({ authority }, { host }),
  );
}

function pathsFor(match: HttpMatch): string[] {
  const { uri, ignoreUriCase = false } = match;
  if (!uri) return ["/"];
  const paths = samplesOf(uri).map((p) => (p.startsWith("/") ? p : `/${p}`));
  const capitals = ignoreUriCase ? paths.map((p) => p.toUpperCase()) : [];
  return unique([...paths, ...capitals]).filter((path) => takes({ uri, ignoreUriCase }, { path }));
}

/** The first value of each name, and what differs from that in one of them. */
function combined(asked: Readonly<Record<string, Asked>>): Record<string, string>[] {
  const all = Object.entries(asked).map(([name, a]) => [name, samplesOf(a)] as const);
  const first = Object.fromEntries(all.map(([name, [value]]) => [name, value ?? ""]));
  const others = all.flatMap(([name, values]) =>
    values.slice(1).map((value) => ({ ...first, [name]: value })),
  );
  return [first, ...others];
}

function varied(values: Values): Value[] {
  const parts = Object.entries(values) as [keyof Value, unknown[]][];
  // a part that nobody can make a value of leaves no request at all
  if (parts.some(([, all]) => all.length === 0)) return [];
  const first = Object.fromEntries(parts.map(([part, [value]]) => [part, value]));
  const others = parts.flatMap(([part, all]) =>
    all.slice(1, mostValues).map((value) => ({ ...first, [part]: value })),
  );
  return [first, ...others] as unknown as Value[];
}

/** What the route leaves to others for a header that it wants not to be there. */
function refused({ withoutHeaders = {} }: HttpMatch, value: Value): Value[] {
  return Object.entries(withoutHeaders).flatMap(([name, asked]) =>
    samplesOf(asked)
      .slice(0, mostValues)
      .map((text) => ({ ...value, headers: { ...value.headers, [name.toLowerCase()]: text } })),
  );
}

/** Whether a part of a match takes a part of a request. */
function takes(match: HttpMatch, part: Partial<Routed>): boolean {
  const request: Routed = { method: "", path: "", host: "", headers: {}, scheme: "https", ...part };
  return routeTest(match)(request) !== false;
}

function isTaken({ test }: Route, { query, path, ...value }: Value): boolean {
  const request = { ...value, path: `${path}${query}` };
  return (["https", "http"] as const).some((scheme) => test({ ...request, scheme }) !== false);
}

function draftOf({ host, method, path, query, headers }: Value): Draft {
  // a token's header is the token's own
  const asks = Object.keys(headers).some((n) => n !== "authorization");
  return { host, method, path: `${path}${query}`, ...(asks && { headers }) };
}

function aroundPaths({ uri }: HttpMatch, { path, query }: Value): string[] {
  if (!uri) return [];
  const pattern = uri.exact ?? (uri.prefix !== undefined ? `${uri.prefix}*` : path);
  const paths = unique([pathInside(pattern), ...pathsAround(pattern)]);
  return query === "" ? paths : [...paths.map((p) => `${p}${query}`), path];
}
