import type { Rule } from "../../policies/rule-spec.ts";
import { sourceFields } from "../evaluate/conditions.ts";
import { type Issuer } from "../evaluate/tokens.ts";
import { principalOf } from "../evaluate/transport.ts";
import { selects } from "../manifests/objects.ts";
import { refusals } from "./edge-refusals.ts";
import { plainTokens } from "./draft-tokens.ts";
import { type Draft, type DraftContext, type Parts, partsOf } from "./drafts.ts";
import { disguises, otherMethod } from "./literals.ts";
import { edgePairs, withoutCallers } from "./edge-pairs.ts";
import { noParts } from "./pairs.ts";
import { type RouteAt, basesOf, ledBy } from "./route-drafts.ts";
import { rulesOnRoutes } from "./rules-on-routes.ts";
import {
  type NamedRule,
  type Sides,
  contextOf,
  distinct,
  formsOf,
  issuersDiffer,
  issuersOf,
  rulesAbout,
  workloadIds,
} from "./sides.ts";
import { centreOf, neighbours } from "./vary.ts";

/** A request, and those around it. */
export interface EdgeDraft {
  readonly centre: Draft;
  readonly around: readonly Draft[];
  /** Whether it is a route's own, whatever rules say. */
  readonly route: boolean;
}

export interface EdgeDrafts {
  readonly drafts: readonly EdgeDraft[];
  readonly leftOut: number;
}

/** What a rule asks for, as a request. */
export interface Made {
  readonly centre: Draft;
  readonly parts: Parts;
  readonly changed: boolean;
  readonly route?: true;
  /** The rule, and the request that its own values were put into. */
  readonly asked?: {
    readonly rule: Rule;
    readonly context: DraftContext;
    readonly base: Draft;
  };
}

export type Make = (rule: NamedRule, base: Draft) => Made;

/** Rules that name no path are tried with each route, this many of them at most. */
const mostGeneral = 30;

/**
 * Requests to a gateway: one for each route, and for each rule that may decide it, at the gateway or in front of the
 * container that the route leads to; each with what is around it.
 */
export function edgeDrafts(sides: Sides, door: string, routes: readonly RouteAt[]): EdgeDrafts {
  const atDoor = rulesAbout(sides, door);
  const rewritten = sides[0].mesh.normalization !== sides[1].mesh.normalization;
  const doorIssuers = issuersOf(sides, door);
  const tokens = issuersDiffer(sides, door) ? plainTokens(doorIssuers) : [];
  const { bases, leftOut } = basesOf(routes);
  const make = (rule: NamedRule, base: Draft, issuers: readonly Issuer[] = doorIssuers): Made => {
    const { host } = base;
    const path = base.path.split("?")[0]!;
    const context = contextOf(sides, rule.namespace, { issuers, path, host });
    const parts = ledBy(base, partsOf(rule.rule, context));
    const centre = centreOf(withoutCallers(parts), base);
    return { parts, centre, changed: rule.changed, asked: { rule: rule.rule, context, base } };
  };
  const general = atDoor.rules.filter((r) => !(r.rule.to ?? []).some((t) => t.operation?.paths));
  const pairs = rulesOnRoutes(
    atDoor.rules.filter((r) => !general.includes(r)),
    bases,
  );
  const hosts = new Map(
    bases.flatMap((b) => b.destinations).map((h) => [h, behind(sides, door, h)]),
  );
  const found: Made[] = [
    ...bases.map(({ draft, methods, paths }) => ({
      ...{ centre: draft, parts: { ...noParts, methods, paths } },
      ...{ changed: false, route: true as const },
    })),
    ...pairs.found.map(({ rule, draft }) => make(rule, draft)),
    ...bases.flatMap(({ draft }) => general.slice(0, mostGeneral).map((rule) => make(rule, draft))),
    ...bases.flatMap(({ draft, destinations }) =>
      destinations.flatMap((host) =>
        hosts.get(host)!.rules.map(({ rule, issuers }) => make(rule, draft, issuers)),
      ),
    ),
  ];
  const crossed = refusals(atDoor.rules, found, make);
  const paired = edgePairs(sides, door, found);
  const drafts = together([
    ...[...found.map((made) => ({ made, alone: false })), ...crossed.found].map(
      ({ made: { centre, parts, route = false }, alone }): EdgeDraft => {
        if (alone) return { centre, around: [], route };
        const methods = otherMethod(parts.methods);
        const around = neighbours(centre, withoutCallers(parts), { methods, tokens });
        const spelled = rewritten
          ? disguises(centre.path).map((path) => ({ ...centre, path }))
          : [];
        return { centre, around: [...around, ...spelled], route };
      },
    ),
    ...paired,
  ]);
  const missed = [...hosts.values()].reduce((sum, h) => sum + h.leftOut, 0);
  const untried = Math.max(0, general.length - mostGeneral) * bases.length;
  return {
    drafts,
    leftOut: leftOut + pairs.leftOut + atDoor.leftOut + missed + untried + crossed.leftOut,
  };
}

/** One draft of each centre, with all that is around it: rules that begin alike differ in what they name afterwards. */
function together(drafts: readonly EdgeDraft[]): EdgeDraft[] {
  const alike = Map.groupBy(drafts, ({ centre }) => JSON.stringify(centre));
  return [...alike.values()].map((all) =>
    all.length === 1
      ? all[0]!
      : {
          centre: all[0]!.centre,
          around: distinct(all.flatMap(({ around }) => around)),
          route: all.some(({ route }) => route),
        },
  );
}

interface Behind {
  readonly rules: readonly { readonly rule: NamedRule; readonly issuers: readonly Issuer[] }[];
  readonly leftOut: number;
}

/** Rules in front of the containers of a host that may be about requests of a gateway. */
function behind(sides: Sides, door: string, host: string): Behind {
  const services = sides.flatMap((p) => p.services.filter((s) => s.host === host));
  const identities = formsOf(sides, door).map(({ platform, workload }) =>
    principalOf(platform, workload),
  );
  const all = workloadIds(sides)
    .filter((id) =>
      formsOf(sides, id).some(({ workload }) =>
        services.some(
          (s) => s.namespace === workload.namespace && selects(s.selector, workload.labels),
        ),
      ),
    )
    .map((id) => {
      const { rules, leftOut } = rulesAbout(sides, id);
      const issuers = distinct([...issuersOf(sides, door), ...issuersOf(sides, id)]);
      const about = rules.filter(({ rule, namespace }) =>
        isAbout(rule, namespace, identities, sides),
      );
      return { leftOut, rules: about.map((rule) => ({ rule, issuers })) };
    });
  return {
    rules: all.flatMap((a) => a.rules),
    leftOut: all.reduce((sum, a) => sum + a.leftOut, 0),
  };
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
