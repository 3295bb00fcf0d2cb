import type { Rule } from "../../policies/rule-spec.ts";
import { fullName } from "../evaluate/hosts.ts";
import type { Headers } from "../evaluate/request.ts";
import type { Route } from "../evaluate/routes.ts";
import { sourceFields } from "../evaluate/conditions.ts";
import { principalOf } from "../evaluate/transport.ts";
import { selects } from "../manifests/objects.ts";
import { type Draft, type Parts, partsOf } from "./drafts.ts";
import { disguises, pathInside, pathsAround, textOf, unique } from "./literals.ts";
import {
  type NamedRule,
  type Sides,
  contextOf,
  distinct,
  formsOf,
  issuersOf,
  rulesAbout,
  workloadIds,
} from "./sides.ts";
import { centreOf, neighbours } from "./vary.ts";

/** A request, and those around it. */
export interface EdgeDraft {
  readonly centre: Draft;
  readonly around: readonly Draft[];
}

interface RouteAt {
  readonly host: string;
  readonly route: Route;
}

/**
 * Requests to a gateway: one for each route, and for each rule that may decide it, at the gateway or in front of the
 * container that the route leads to; each with what is around it.
 */
export function edgeDrafts(sides: Sides, door: string, routes: readonly RouteAt[]): EdgeDraft[] {
  const atDoor = rulesAbout(sides, door);
  const rewritten = sides[0].mesh.normalization !== sides[1].mesh.normalization;
  const doorIssuers = issuersOf(sides, door);
  const bases = distinct(routes.flatMap(basesOf));
  const first = bases[0]?.draft ?? { method: "GET", path: "/" };
  const make = (rule: NamedRule, base: Draft, issuers = doorIssuers) => {
    const parts = partsOf(rule.rule, contextOf(sides, rule.namespace, issuers, base.path));
    return { parts, centre: centreOf(withoutCallers(parts), base) };
  };
  const general = atDoor.filter((r) => !(r.rule.to ?? []).some((t) => t.operation?.paths));
  const specific = atDoor.filter((r) => !general.includes(r));
  const found = [
    ...bases.map(({ draft, paths }) => ({ centre: draft, parts: { ...nothing, paths } })),
    ...specific.map((rule) => make(rule, first)),
    ...bases.flatMap(({ draft }) => general.slice(0, 20).map((rule) => make(rule, draft))),
    ...bases.flatMap(({ draft, destinations }) =>
      destinations.flatMap((host) =>
        behind(sides, door, host).map(({ id, rule }) =>
          make(rule, draft, distinct([...doorIssuers, ...issuersOf(sides, id)])),
        ),
      ),
    ),
  ];
  const crossed = refusals(atDoor, found.slice(0, 200), make);
  const seen = new Set<string>();
  return [...found, ...crossed].flatMap(({ centre, parts }) => {
    const key = JSON.stringify(centre);
    if (seen.has(key)) return [];
    seen.add(key);
    const other = ["GET", "POST", "DELETE"].find((m) => !parts.methods.includes(m))!;
    const around = neighbours(centre, withoutCallers(parts), { methods: [other] });
    const spelled = rewritten ? disguises(centre.path).map((path) => ({ ...centre, path })) : [];
    return [{ centre, around: [...around, ...spelled] }];
  });
}

const nothing: Parts = {
  ...{ callers: [], methods: [], paths: [], hosts: [], headers: [] },
  ...{ tokens: [], addresses: [], ports: [], serverNames: [] },
};

/** Nobody outside has an identity of the mesh, or a choice of the port behind the one that he dials. */
function withoutCallers(parts: Parts): Parts {
  return { ...parts, callers: [], ports: [] };
}

/** What a gateway refuses first, as requests that something else lets in. */
function refusals<T extends { centre: Draft }>(
  rules: readonly NamedRule[],
  allowed: readonly T[],
  make: (rule: NamedRule, base: Draft) => T,
): T[] {
  const refusing = rules.filter((r) => r.action !== "ALLOW").slice(0, 100);
  // all of them by a few would be too many; most refusals name a path, and what is let in there
  return refusing.flatMap((rule) => {
    const own = make(rule, { method: "GET", path: "/" }).centre.path;
    const near = allowed.filter(({ centre }) => own === "/" || shares(centre.path, own));
    return near.slice(0, 10).map(({ centre }) => make(rule, centre));
  });
}

/** Whether two paths begin with the same segment. */
function shares(a: string, b: string): boolean {
  return a.split("/")[1] === b.split("/")[1];
}

interface Base {
  readonly draft: Draft;
  readonly paths: readonly string[];
  /** Full names of the hosts that it leads to. */
  readonly destinations: readonly string[];
}

/** A request for a route, and paths around those that it asks for. */
function basesOf({ host, route: { match, route, virtualService } }: RouteAt): Base[] {
  const uri = match?.uri;
  const path =
    uri?.exact ?? (uri?.prefix !== undefined ? `${uri.prefix}1` : uri?.regex && textOf(uri.regex));
  const pattern = uri?.exact ?? (uri?.prefix !== undefined ? `${uri.prefix}*` : undefined);
  const headers = Object.fromEntries(
    Object.entries(match?.headers ?? {}).map(([name, asked]) => [
      name.toLowerCase(),
      asked.exact ?? asked.prefix ?? (asked.regex === undefined ? "any" : textOf(asked.regex)),
    ]),
  ) as Headers;
  const method = match?.method?.exact ?? "GET";
  // a token's header is the token's own
  const asks = Object.keys(headers).some((n) => n !== "authorization");
  return [
    {
      draft: { host, method, path: path || "/", ...(asks && { headers }) },
      paths: pattern === undefined ? [] : unique([pathInside(pattern), ...pathsAround(pattern)]),
      destinations: (route.route ?? []).map((d) =>
        fullName(d.destination.host, virtualService.namespace),
      ),
    },
  ];
}

/** Rules in front of the containers of a host that may be about requests of a gateway. */
function behind(sides: Sides, door: string, host: string): { id: string; rule: NamedRule }[] {
  const services = sides.flatMap((p) => p.services.filter((s) => s.host === host));
  const identities = formsOf(sides, door).map(({ platform, workload }) =>
    principalOf(platform, workload),
  );
  return workloadIds(sides)
    .filter((id) =>
      formsOf(sides, id).some(({ workload }) =>
        services.some(
          (s) => s.namespace === workload.namespace && selects(s.selector, workload.labels),
        ),
      ),
    )
    .flatMap((id) =>
      rulesAbout(sides, id)
        .filter(({ rule, namespace }) => isAbout(rule, namespace, identities, sides))
        .map((rule) => ({ id, rule })),
    );
}

/** Whether a rule names none but others. */
function isAbout(
  { from }: Rule,
  namespace: string,
  identities: readonly string[],
  sides: Sides,
): boolean {
  if (!from?.length) return true;
  const { trustDomains } = sides[1].mesh;
  return from.some(({ source = {} }) => {
    const named = Object.entries(sourceFields).filter(
      ([field, attribute]) => !attribute.http && !/blocks/i.test(field) && field in source,
    );
    return named.every(([field, attribute]) => {
      const test = attribute.test((source as Record<string, string[]>)[field]!, {
        namespace,
        trustDomains,
      });
      return identities.some((principal) => test({ principal } as never));
    });
  });
}
