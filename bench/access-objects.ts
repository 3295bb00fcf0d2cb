import { requestAuthentication } from "../policies/authentication.ts";
import {
  allowNothing,
  gatewayAllow,
  gatewayDeny,
  gatewaySelector,
  needsToken,
  servicePolicies,
} from "../policies/authorization.ts";
import type { Settings } from "../settings/index.ts";

/**
 * The objects of who may call what, in the order in which the program makes them.
 *
 * @param ownKeys key sets of the stack's own issuers, by name
 */
export function accessObjects(s: Settings, ownKeys: Readonly<Record<string, string>>): object[] {
  const { issuers } = s.authentication;
  const security = (kind: string, name: string, namespace: string, spec: object | undefined) =>
    spec === undefined
      ? []
      : [{ apiVersion: "security.istio.io/v1", kind, metadata: { name, namespace }, spec }];
  const edge = "istio-system";
  const policy = "AuthorizationPolicy";
  const tokens = (
    role: string,
    namespace: string,
    selector: Readonly<Record<string, string>>,
    forward: boolean,
  ) => {
    const spec = requestAuthentication({ selector, issuers, ownKeys, forward });
    return security("RequestAuthentication", `${role}-tokens`, namespace, spec);
  };
  return [
    ...tokens("gateway", edge, gatewaySelector, true),
    ...s.services
      .filter((service) => needsToken(s, service))
      .flatMap(({ name }) => tokens(name, s.namespace, { app: name }, false)),
    ...s.services
      .flatMap((service) => servicePolicies(s, service))
      .flatMap(([name, spec]) => security(policy, name, s.namespace, spec)),
    ...security(policy, "allow-gateway", edge, gatewayAllow(s)),
    ...security(policy, "deny-gateway", edge, gatewayDeny(s)),
    ...security(policy, "default-deny", s.namespace, allowNothing),
  ];
}
