import { type Selector, requestAuthentication } from "../policies/authentication.ts";
import {
  allowNothing,
  gatewayAllow,
  gatewayDeny,
  servicePolicies,
} from "../policies/authorization.ts";
import { handsOnTokens, tokensInside } from "../policies/token-needs.ts";
import { requireExpiration } from "../policies/expiry.ts";
import { stackGateway } from "../policies/gateway.ts";
import { type Settings, gatewayRolledOut } from "../settings/index.ts";
import { type KubernetesObject, istioObjects } from "./object.ts";

/**
 * The objects of who may call what, in the order in which the program makes them.
 *
 * @param ownKeys key sets of the stack's own issuers, by name
 * @param gateway the gateway that the rules are about
 */
export function accessObjects(
  s: Settings,
  ownKeys: Readonly<Record<string, string>>,
  gateway = stackGateway,
): KubernetesObject[] {
  const edge = policiesIn(s, gateway.namespace);
  const bank = policiesIn(s, s.namespace);
  return [
    ...tokenObjects(s, ownKeys, gateway),
    ...s.services
      .flatMap((service) => servicePolicies(s, service, gateway))
      .flatMap(([name, spec]) => bank(name, spec)),
    ...edge("allow-gateway", gatewayAllow(s, gateway)),
    ...edge("deny-gateway", gatewayDeny(s, gateway)),
    ...bank("default-deny", allowNothing),
  ];
}

function policiesIn({ authorization }: Settings, namespace: string) {
  const make = istioObjects(namespace);
  // the rules are evaluated and logged, and let everything pass
  const dry = authorization === "dry-run" ? { "istio.io/dry-run": "true" } : undefined;
  return (name: string, spec: object | undefined) =>
    spec ? [make("security", "v1", "AuthorizationPolicy", name, spec, dry)] : [];
}

/** Where tokens are looked at: at the gateway, and by the proxies whose rules ask for claims. */
export function tokenObjects(
  s: Settings,
  ownKeys: Readonly<Record<string, string>>,
  gateway = stackGateway,
): KubernetesObject[] {
  const { issuers, requireExpiry } = s.authentication;
  if (issuers.length === 0) return [];
  const inside = tokensInside(s);
  const common = { issuers, ownKeys };
  const forward = handsOnTokens(s, gateway);
  const make = istioObjects(s.namespace);
  const atEdge = istioObjects(gateway.namespace);
  const own = (name: string, selector?: Selector) =>
    make(
      ...(["security", "v1", "RequestAuthentication", name] as const),
      requestAuthentication({ ...common, ...(selector && { selector }), forward: false }),
    );
  const expiry = (place: "edge" | "service") =>
    place === "edge"
      ? atEdge(
          ...(["networking", "v1alpha3", "EnvoyFilter", "require-expiry-edge"] as const),
          requireExpiration({
            ...{ ...common, selector: gateway.selector, forward },
            context: "GATEWAY",
          }),
        )
      : make(
          ...(["networking", "v1alpha3", "EnvoyFilter", "require-expiry"] as const),
          requireExpiration({ ...common, forward: false, context: "SIDECAR_INBOUND" }),
        );
  const tokens = () =>
    atEdge(
      ...(["security", "v1", "RequestAuthentication", "gateway-tokens"] as const),
      requestAuthentication({ ...common, selector: gateway.selector, forward }),
    );
  const reached = gatewayRolledOut(s);
  return [
    ...(reached ? [tokens()] : []),
    ...(inside === "namespace"
      ? [own("tokens")]
      : inside.map((app) => own(`${app}-tokens`, { app }))),
    ...(requireExpiry && reached ? [expiry("edge")] : []),
    ...(requireExpiry && inside.length > 0 ? [expiry("service")] : []),
  ];
}
