import { isDeepStrictEqual } from "node:util";
import {
  type AuthorizationPolicySpec,
  gatewayAllow,
  serviceAllow,
} from "../../policies/authorization.ts";
import {
  type AllowRule,
  type ServiceSettings,
  type Settings,
  asksForToken,
  gatewayNamespace,
  rolledOut,
} from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import { changedCalls, once, withService } from "./expectations.ts";
import type { Mutation } from "./mutation.ts";
import { istio, withSpec } from "./objects.ts";

/** What a service's rules could read like instead, by what is wrong with them then. */
interface RuleMutation {
  readonly id: string;
  readonly breaks: string;
  readonly otherwise: string;
  /** Lists of rules in place of the service's; the first whose calls get other answers is taken. */
  readonly rewrite: (service: ServiceSettings, s: Settings) => readonly (readonly AllowRule[])[];
}

/** Each rule in turn replaced; undefined where there is nothing to replace in it. */
function each(replace: (rule: AllowRule, s: Settings) => readonly AllowRule[] | undefined) {
  return ({ allowFrom = [] }: ServiceSettings, s: Settings): AllowRule[][] =>
    allowFrom.flatMap((rule, i) => {
      const others = rule.version === undefined ? replace(rule, s) : undefined;
      return others ? [allowFrom.toSpliced(i, 1, ...others)] : [];
    });
}

/** A method that is no part of HTTP, and that every service is asked about. */
const oddMethod = "PURGE";

const rewritings: readonly RuleMutation[] = [
  {
    id: "method-added",
    breaks: "a rule lets one method more in",
    otherwise: "no rule names methods",
    rewrite: each(({ methods, ...rule }) =>
      methods ? [{ ...rule, methods: [...methods, oddMethod] }] : undefined,
    ),
  },
  {
    id: "methods-dropped",
    breaks: "a rule no longer says which methods it is about",
    otherwise: "no rule names methods",
    rewrite: each(({ methods, ...rule }) => (methods ? [rule] : undefined)),
  },
  {
    id: "path-widened",
    breaks: "a rule lets everything in that begins with its path",
    otherwise: "no rule names an exact path",
    rewrite: each(({ paths, ...rule }) => {
      const wide = paths?.map((path) => (path.includes("*") ? path : `${path}*`));
      return wide ? [{ ...rule, paths: wide }] : undefined;
    }),
  },
  {
    id: "prefix-shortened",
    breaks: "a rule lets everything in that begins with less than its prefix",
    otherwise: "no rule names a path that begins alone",
    rewrite: each(({ paths, ...rule }) => {
      const short = paths?.map((p) => (/^\/..*\*$/.test(p) ? `${p.slice(0, -2)}*` : p));
      return short && short.join() !== paths!.join() ? [{ ...rule, paths: short }] : undefined;
    }),
  },
  {
    id: "claim-look-alike",
    breaks: "a rule takes a claim that only begins like the right one",
    otherwise: "no rule names a claim",
    rewrite: each(({ claims, ...rule }) =>
      claims
        ? [
            {
              ...rule,
              claims: Object.fromEntries(
                Object.entries(claims).map(([name, values]) => [
                  name,
                  values.map((value) => (value.includes("*") ? value : `${value}*`)),
                ]),
              ),
            },
          ]
        : undefined,
    ),
  },
  {
    id: "claims-dropped",
    breaks: "any valid token does for a rule that names claims",
    otherwise: "no rule names a claim",
    rewrite: each(({ claims, ...rule }) => (claims ? [{ ...rule, token: true }] : undefined)),
  },
  {
    id: "token-dropped",
    breaks: "a rule asks for no token any more",
    otherwise: "no rule asks for a token",
    rewrite: each((rule) => {
      if (!asksForToken(rule)) return undefined;
      const { token, issuer, claims, ...rest } = rule;
      void [token, issuer, claims];
      return [rest];
    }),
  },
  {
    id: "claim-rules-merged",
    breaks: "two rules about claims are one, which asks for both",
    otherwise: "no two rules of a service differ in their claims alone",
    rewrite: ({ allowFrom = [] }) =>
      allowFrom.flatMap((rule, i) => {
        const j = allowFrom.findIndex((other, at) => at > i && sameButClaims(rule, other));
        if (j < 0) return [];
        const both = { ...rule, claims: { ...rule.claims, ...allowFrom[j]!.claims } };
        return [allowFrom.with(i, both).toSpliced(j, 1)];
      }),
  },
  {
    id: "from-and-to-split",
    breaks: "who may call and what may be called stand in two rules, each of which is enough",
    otherwise: "no rule names both a workload and what it may call",
    rewrite: each((rule) => {
      const { service, namespace, principal, methods, paths, ports, ...rest } = rule;
      const caller = {
        ...(service && { service }),
        ...(namespace && { namespace }),
        ...(principal && { principal }),
      };
      const request = {
        ...(methods && { methods }),
        ...(paths && { paths }),
        ...(ports && { ports }),
      };
      if (Object.keys(caller).length === 0 || Object.keys(request).length === 0) return undefined;
      return [{ ...caller, ...rest }, request];
    }),
  },
  {
    id: "namesake-of-another-namespace",
    breaks: "a rule names an account of the same name in another namespace",
    otherwise: "no rule names a service",
    rewrite: each(({ service, ...rule }) =>
      service ? [{ ...rule, principal: `cluster.local/ns/elsewhere/sa/${service}-sa` }] : undefined,
    ),
  },
  {
    id: "whole-namespace",
    breaks: "a rule lets a whole namespace in instead of one of its accounts",
    otherwise: "no rule names a service",
    rewrite: each(({ service, ...rule }, s) =>
      service ? [{ ...rule, namespace: s.namespace }] : undefined,
    ),
  },
  {
    id: "rule-emptied",
    breaks: "a rule says nothing, so that it matches everything",
    otherwise: "no service has a rule",
    rewrite: each(() => [{}]),
  },
];

function sameButClaims(a: AllowRule, b: AllowRule): boolean {
  if (!a.claims || !b.claims || a.version !== undefined || b.version !== undefined) return false;
  const rest = (rule: AllowRule) => JSON.stringify({ ...rule, claims: undefined });
  const names = Object.keys(a.claims);
  return rest(a) === rest(b) && Object.keys(b.claims).every((name) => !names.includes(name));
}

/** The stack with other rules of one service, where calls get other answers by them. */
function otherwise(s: Settings, { rewrite }: RuleMutation) {
  if (s.authorization !== "enforce") return undefined;
  for (const service of httpServices(s).filter((x) => rolledOut(s, x.name))) {
    for (const allowFrom of rewrite(service, s)) {
      const changed = { ...service, allowFrom: [...allowFrom] };
      const settings = withService(s, changed);
      if (changedCalls(s, settings).length > 0) return { settings, service: changed };
    }
  }
  return undefined;
}

export const gatewayPolicy = istio("AuthorizationPolicy", "allow-gateway", gatewayNamespace);

/** Rules that read otherwise than the stack says: the live policies, as such rules would make them. */
export const ruleMutations: readonly Mutation[] = rewritings.map(ruleMutation);

function ruleMutation(rewriting: RuleMutation): Mutation {
  const changed = once((s) => otherwise(s, rewriting));
  return {
    id: rewriting.id,
    breaks: rewriting.breaks,
    notFor: (s) => {
      if (s.authorization !== "enforce") return "the rules refuse nobody";
      return changed(s) ? undefined : rewriting.otherwise;
    },
    reads: (s) => {
      const { settings, service } = changed(s)!;
      const own = istio("AuthorizationPolicy", `allow-${service.name}`, s.namespace);
      const atGateway = !isDeepStrictEqual(gatewayAllow(s), gatewayAllow(settings));
      return atGateway ? [own, gatewayPolicy] : [own];
    },
    change: ([own, ...atGateway], { settings: s }) => {
      const { settings, service } = changed(s)!;
      const spec = withSpec<AuthorizationPolicySpec>(own!, () => serviceAllow(settings, service));
      const others = atGateway.map((o) => withSpec(o, () => gatewayAllow(settings)));
      return { changed: [spec, ...others] };
    },
    expected: (s) => changedCalls(s, changed(s)!.settings),
  };
}
