import type { IAuthorizationPolicy } from "@kubernetes-models/istio/security.istio.io/v1/AuthorizationPolicy" with {
  "resolution-mode": "import",
};
import {
  type AllowRule,
  type AuthenticationSettings,
  type DenyRule,
  asksForToken,
} from "../settings/index.ts";

export type AuthorizationPolicySpec = NonNullable<IAuthorizationPolicy["spec"]>;
export type Rule = NonNullable<AuthorizationPolicySpec["rules"]>[number];
export type Source = NonNullable<NonNullable<Rule["from"]>[number]["source"]>;
type Operation = NonNullable<NonNullable<Rule["to"]>[number]["operation"]>;
type Condition = NonNullable<Rule["when"]>[number];

/** The request that a rule is about; the service's own paths unless it names others. */
export function operation(rule: AllowRule | DenyRule, ownPaths: string[] | undefined): Operation {
  const paths = rule.rpcs ?? rule.paths ?? ownPaths;
  const methods = rule.rpcs ? ["POST"] : rule.methods;
  return {
    ...(methods && { methods: [...methods] }),
    ...(paths && { paths: [...paths] }),
    ...(rule.ports && { ports: rule.ports.map(String) }),
  };
}

/** One rule of a policy: who, what, and with which claims and headers; what says nothing is left out. */
export function ruleSpec(
  authentication: AuthenticationSettings,
  caller: Source,
  to: Operation,
  rule: AllowRule | DenyRule,
): Rule {
  const source: Source = {
    ...caller,
    ...(asksForToken(rule) && {
      requestPrincipals: requestPrincipals(authentication, rule.issuer),
    }),
  };
  const when = conditions(rule);
  return {
    ...(Object.keys(source).length > 0 && { from: [{ source }] }),
    ...(Object.keys(to).length > 0 && { to: [{ operation: to }] }),
    ...(when.length > 0 && { when }),
  };
}

/** Any subject of one issuer, or of each; who has none is refused by rules about claims too. */
function requestPrincipals(
  { issuers }: AuthenticationSettings,
  issuer: string | undefined,
): string[] {
  return issuers
    .filter((i) => issuer === undefined || i.name === issuer)
    .map((i) => `${i.issuer}/*`);
}

function conditions(rule: AllowRule | DenyRule): Condition[] {
  const claims = Object.entries(rule.claims ?? {}).map(([claim, values]) => ({
    key: `request.auth.claims${claimPath(claim)}`,
    values: [...values],
  }));
  const headers = Object.entries(rule.headers ?? {}).map(([header, values]) => ({
    key: `request.headers[${header.toLowerCase()}]`,
    values: [...values],
  }));
  return [...claims, ...headers].sort((a, b) => a.key.localeCompare(b.key));
}

/** realm.roles → [realm][roles]; a claim that is named by a URL keeps its dots. */
function claimPath(claim: string): string {
  const parts = claim.includes("://") ? [claim] : claim.split(".");
  return parts.map((part) => `[${part}]`).join("");
}
