import * as pulumi from "@pulumi/pulumi";
import { type Selector, requestAuthentication } from "../policies/authentication.ts";
import { requireExpiration } from "../policies/expiry.ts";
import {
  type AccessSettings,
  type AuthorizationPolicySpec,
  allowNothing,
  gatewayAllow,
  gatewayDeny,
  servicePolicies,
} from "../policies/authorization.ts";
import { handsOnTokens, tokensInside } from "../policies/token-needs.ts";
import { stackGateway } from "../policies/gateway.ts";
import {
  type AuthorizationMode,
  type ServiceSettings,
  type Settings,
  gatewayRolledOut,
  rolledOut,
  wholeNamespace,
} from "../settings/index.ts";
import { istioNamespace } from "./istio-mesh.ts";
import { istioObject } from "./istio-object.ts";
import type { CustomResource } from "./kubernetes.ts";

export interface AccessControlArgs extends AccessSettings {
  /** Whether rules apply. */
  readonly authorization: AuthorizationMode;
  /** Nobody in the whole mesh may call anybody unless a policy says so. @default false */
  readonly meshDefaultDeny?: Settings["meshDefaultDeny"];
  /** Key sets of the stack's own issuers, by name. */
  readonly keySets: Readonly<Record<string, pulumi.Input<string>>>;
  /** Version of Istio. @default unknown, for one that is found */
  readonly istioVersion?: string | undefined;
}

/** Who may call what: tokens at the edge and where claims are asked for, default deny, then what is allowed. */
export class AccessControl extends pulumi.ComponentResource {
  /** Whether rules apply. */
  public readonly authorization: AuthorizationMode;
  /** What has to be there before a service's pods are: its own policies, and those that are about everybody. */
  public readonly policiesOf: (service: string) => CustomResource[];
  /** What has to be there before the gateway routes. */
  public readonly atGateway: CustomResource[];
  /** All of them. */
  public readonly policies: CustomResource[];

  /**
   * @param name logical name
   * @param args settings
   * @param opts resource options; depends on the mesh and on the bank's namespace
   */
  constructor(name: string, args: AccessControlArgs, opts?: pulumi.ComponentResourceOptions) {
    const { authorization, namespace } = args;
    super("bankmesh:access:AccessControl", name, { authorization, namespace }, opts);
    const child = { parent: this };
    this.authorization = authorization;

    const made = authorization === "off" ? nothing : makePolicies(name, args, child);
    this.policiesOf = made.policiesOf;
    this.atGateway = made.atGateway;
    this.policies = made.policies;
    this.registerOutputs({ authorization });
  }
}

type Made = Pick<AccessControl, "policiesOf" | "atGateway" | "policies">;
const nothing: Made = { policiesOf: () => [], atGateway: [], policies: [] };

/**
 * What allows before what refuses, and taken away the other way round. One gap is left: when the last rule about claims
 * goes, the gateway stops handing tokens on a moment before that rule is gone.
 *
 * Each waits for what is about the same service, not for all: with 50 services the names of all fill the state.
 */
function makePolicies(
  name: string,
  args: AccessControlArgs,
  child: pulumi.CustomResourceOptions,
): Made {
  const tokens = requestAuthentications(name, args, child);
  const rules = new Map<string, CustomResource[]>();
  for (const service of args.services.filter((x) => rolledOut(args, x.name))) {
    const afterTokens = { ...child, dependsOn: [...tokens.edge, ...tokens.of(service.name)] };
    rules.set(service.name, serviceRules(name, args, service, afterTokens));
  }
  const atEdge = gatewayRules(name, args, { ...child, dependsOn: tokens.edge });
  const allows = [...atEdge, ...rules.values()].flat();
  const denials = defaultDenials(name, args, { ...child, dependsOn: allows });
  const policiesOf = (service: string) => [
    ...(rules.get(service) ?? tokens.of(service)),
    ...denials,
  ];
  const ofTokens = [...tokens.edge, ...args.services.flatMap(({ name: app }) => tokens.of(app))];
  const policies = [...new Set([...ofTokens, ...allows, ...denials])];
  return { policiesOf, atGateway: atEdge, policies };
}

/** Where tokens are looked at. */
interface TokenChecks {
  readonly edge: CustomResource[];
  /** At a service's own proxy. */
  readonly of: (service: string) => CustomResource[];
}

function requestAuthentications(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): TokenChecks {
  const { issuers, requireExpiry } = args.authentication;
  if (issuers.length === 0) return { edge: [], of: () => [] };
  const inside = tokensInside(args);
  const make = (role: string, namespace: string, selector: Selector | undefined, forward = false) =>
    istioObject(
      `${name}-${namespace === istioNamespace ? "edge" : "service"}-${role}`,
      "RequestAuthentication",
      { name: role, namespace },
      requestAuthentication({
        ...(selector && { selector }),
        ...{ issuers, ownKeys: args.keySets, forward },
      }),
      opts,
    );
  const forward = handsOnTokens(args);
  const atGateway = gatewayRolledOut(args);
  const edge: CustomResource[] = atGateway
    ? [make("gateway-tokens", istioNamespace, stackGateway.selector, forward)]
    : [];
  const everywhere: CustomResource[] =
    inside === "namespace" ? [make("tokens", args.namespace, undefined)] : [];
  const own = new Map(
    (inside === "namespace" ? [] : inside).map((app) => [
      app,
      [make(`${app}-tokens`, args.namespace, { app })],
    ]),
  );
  if (requireExpiry) {
    if (atGateway) edge.push(...expiry("edge", name, args, forward, opts));
    // it has no effect on proxies that look at no tokens
    if (inside.length > 0) everywhere.push(...expiry("service", name, args, false, opts));
  }
  return { edge, of: (service) => [...(own.get(service) ?? []), ...everywhere] };
}

/** At the gateway, or wherever else in the bank's namespace tokens are looked at. */
function expiry(
  place: "edge" | "service",
  name: string,
  args: AccessControlArgs,
  forward: boolean,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  const { istioVersion } = args;
  const { issuers } = args.authentication;
  const common = { issuers, ownKeys: args.keySets, forward, istioVersion };
  const spec =
    place === "edge"
      ? requireExpiration({ ...common, selector: stackGateway.selector, context: "GATEWAY" })
      : requireExpiration({ ...common, context: "SIDECAR_INBOUND" });
  const namespace = place === "edge" ? istioNamespace : args.namespace;
  return [
    istioObject(
      `${name}-${place}-require-expiry`,
      "EnvoyFilter",
      { name: "require-expiry", namespace, labels: { "app.kubernetes.io/managed-by": "bankmesh" } },
      spec,
      opts,
    ),
  ];
}

function defaultDenials(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  const make = policyMaker(name, args, opts);
  const role = "default-deny";
  return [
    ...(wholeNamespace(args) ? [make(role, args.namespace, allowNothing)] : []),
    ...(args.meshDefaultDeny ? [make(`mesh-${role}`, istioNamespace, allowNothing)] : []),
  ];
}

function serviceRules(
  name: string,
  args: AccessControlArgs,
  service: ServiceSettings,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  const make = policyMaker(name, args, opts);
  return servicePolicies(args, service).map(([role, spec]) => make(role, args.namespace, spec));
}

function gatewayRules(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  const make = policyMaker(name, args, opts);
  const deny = gatewayDeny(args);
  return [
    make("allow-gateway", istioNamespace, gatewayAllow(args)),
    ...(deny ? [make("deny-gateway", istioNamespace, deny)] : []),
  ];
}

function policyMaker(name: string, args: AccessControlArgs, opts: pulumi.CustomResourceOptions) {
  // the rules are evaluated and logged, and let everything pass
  const annotations =
    args.authorization === "dry-run" ? { annotations: { "istio.io/dry-run": "true" } } : {};
  return (role: string, namespace: string, spec: AuthorizationPolicySpec) =>
    istioObject(
      `${name}-${namespace === istioNamespace ? "edge" : "service"}-${role}`,
      "AuthorizationPolicy",
      { name: role, namespace, ...annotations },
      spec,
      opts,
    );
}
