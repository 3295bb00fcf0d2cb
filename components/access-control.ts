import * as pulumi from "@pulumi/pulumi";
import { requestAuthentication } from "../policies/authentication.ts";
import { requireExpiration } from "../policies/expiry.ts";
import {
  type AccessSettings,
  type AuthorizationPolicySpec,
  allowNothing,
  gatewayAllow,
  gatewayDeny,
  gatewaySelector,
  needsToken,
  servicePolicies,
} from "../policies/authorization.ts";
import { type AuthorizationMode, type Settings, rolledOut } from "../settings/index.ts";
import { istioNamespace } from "./istio-mesh.ts";
import { istioObject } from "./istio-object.ts";

export interface AccessControlArgs extends AccessSettings {
  /** Whether rules apply. */
  readonly authorization: AuthorizationMode;
  /** Nobody in the whole mesh may call anybody unless a policy says so. @default false */
  readonly meshDefaultDeny?: Settings["meshDefaultDeny"];
  /** Key sets of the stack's own issuers, by name. */
  readonly keySets: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Who may call what: tokens at the edge and where claims are asked for, default deny, then what is allowed. */
export class AccessControl extends pulumi.ComponentResource {
  /** Whether rules apply. */
  public readonly authorization: AuthorizationMode;
  /** Policies that have to be there before a workload is. */
  public readonly policies: pulumi.Resource[];

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

    this.policies = authorization === "off" ? [] : makePolicies(name, args, child);
    this.registerOutputs({ authorization });
  }
}

/**
 * What allows before what refuses, and taken away the other way round. One gap is left: when the last rule about claims
 * goes, the gateway stops handing tokens on a moment before that rule is gone.
 */
function makePolicies(
  name: string,
  args: AccessControlArgs,
  child: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const tokens = requestAuthentications(name, args, child);
  const afterTokens = { ...child, dependsOn: tokens };
  const rules = [
    ...serviceRules(name, args, afterTokens),
    ...gatewayRules(name, args, afterTokens),
  ];
  const denials = defaultDenials(name, args, { ...child, dependsOn: rules });
  return [...tokens, ...rules, ...denials];
}

function requestAuthentications(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const { issuers } = args.authentication;
  if (issuers.length === 0) return [];
  const inside = args.services.filter((service) => needsToken(args, service));
  const make = (
    role: string,
    namespace: string,
    selector: Readonly<Record<string, string>>,
    forward: boolean,
  ) =>
    istioObject(
      `${name}-${namespace === istioNamespace ? "edge" : "service"}-${role}-tokens`,
      "RequestAuthentication",
      { name: `${role}-tokens`, namespace },
      requestAuthentication({ selector, issuers, ownKeys: args.keySets, forward }),
      opts,
    );
  const forward = inside.length > 0;
  return [
    make("gateway", istioNamespace, gatewaySelector, forward),
    ...inside.map((service) => make(service.name, args.namespace, { app: service.name }, false)),
    ...(args.authentication.requireExpiry ? expiries(name, args, forward, opts) : []),
  ];
}

/** At the gateway, and wherever else in the bank's namespace tokens are asked for. */
function expiries(
  name: string,
  args: AccessControlArgs,
  forward: boolean,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const { issuers } = args.authentication;
  const common = { issuers, ownKeys: args.keySets };
  const make = (place: string, namespace: string, spec: object) =>
    istioObject(
      `${name}-${place}-require-expiry`,
      "EnvoyFilter",
      { name: "require-expiry", namespace },
      spec,
      opts,
    );
  const edge = { ...common, forward, selector: gatewaySelector, context: "GATEWAY" } as const;
  const inside = { ...common, forward: false, context: "SIDECAR_INBOUND" } as const;
  return [
    make("edge", istioNamespace, requireExpiration(edge)),
    ...(forward ? [make("service", args.namespace, requireExpiration(inside))] : []),
  ];
}

function defaultDenials(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const make = policyMaker(name, args, opts);
  const role = "default-deny";
  return [
    ...(args.rollout.mode === "all" ? [make(role, args.namespace, allowNothing)] : []),
    ...(args.meshDefaultDeny ? [make(`mesh-${role}`, istioNamespace, allowNothing)] : []),
  ];
}

function serviceRules(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const make = policyMaker(name, args, opts);
  return args.services
    .filter((service) => rolledOut(args, service.name))
    .flatMap((service) => servicePolicies(args, service))
    .map(([role, spec]) => make(role, args.namespace, spec));
}

function gatewayRules(
  name: string,
  args: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
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
