import { tokensInside } from "../../policies/token-needs.ts";
import { type Settings, gatewayNamespace, gatewayRolledOut } from "../../settings/index.ts";
import type { KubernetesObject } from "../callers/objects.ts";
import type { Mutation, ObjectRef } from "./mutation.ts";
import { istio, withSpec } from "./objects.ts";

/** A rule about tokens as RequestAuthentication has it. */
interface JwtRule {
  readonly issuer: string;
  readonly audiences?: readonly string[];
  readonly jwks?: string;
  readonly fromHeaders?: readonly object[];
  readonly outputClaimToHeaders?: readonly object[];
  readonly forwardOriginalToken?: boolean;
}
/** The same as Envoy has it, where requireExpiry writes it anew. */
export interface Provider {
  readonly issuer: string;
  readonly audiences?: readonly string[];
  readonly local_jwks?: { readonly inline_string: string };
  readonly from_headers?: readonly object[];
  readonly claim_to_headers?: readonly object[];
  readonly forward?: boolean;
}

export interface Authentication {
  readonly jwtRules: readonly JwtRule[];
}
interface Filter {
  readonly configPatches: readonly {
    readonly patch: {
      readonly value: {
        readonly typed_config: { readonly providers: Readonly<Record<string, Provider>> };
      };
    };
  }[];
}

/** Where tokens are looked at: at the gateway, inside the mesh, or both. */
type Places = readonly ("gateway" | "inside")[];
export const atGateway: Places = ["gateway"];
export const everywhere: Places = ["gateway", "inside"];

/** Objects that say which tokens are taken. */
export function authentications(s: Settings, places: Places): ObjectRef[] {
  const names = (place: Places[number]) => {
    if (place === "gateway") return ["gateway-tokens"];
    const inside = tokensInside(s);
    return inside === "namespace" ? ["tokens"] : inside.map((name) => `${name}-tokens`);
  };
  return reached(s, places).flatMap((place) =>
    names(place).map((name) => istio("RequestAuthentication", name, namespaceOf(s, place))),
  );
}

export function expiryFilters(s: Settings, places: Places): ObjectRef[] {
  if (!s.authentication.requireExpiry) return [];
  const inside = tokensInside(s);
  return reached(s, places)
    .filter((place) => place === "gateway" || inside.length > 0)
    .map((place) => istio("EnvoyFilter", "require-expiry", namespaceOf(s, place)));
}

/** Places that the rollout has reached. */
const reached = (s: Settings, places: Places) =>
  places.filter((place) => place !== "gateway" || gatewayRolledOut(s));

const namespaceOf = (s: Settings, place: Places[number]) =>
  place === "gateway" ? gatewayNamespace : s.namespace;

/** Other rules about tokens, in both places where they may stand. */
export function rules(
  places: Places,
  rule: (rule: JwtRule) => JwtRule,
  provider: (provider: Provider) => Provider,
): Pick<Mutation, "reads" | "change"> {
  const changed = (object: KubernetesObject) =>
    object.kind === "EnvoyFilter"
      ? withSpec<Filter>(object, (spec) => withProviders(spec, provider))
      : withSpec<Authentication>(object, (spec) => ({
          ...spec,
          jwtRules: spec.jwtRules.map(rule),
        }));
  return {
    reads: (s) => [...authentications(s, places), ...expiryFilters(s, places)],
    change: (live) => ({ changed: live.map(changed) }),
  };
}

function withProviders(spec: Filter, change: (provider: Provider) => Provider): Filter {
  const configPatches = spec.configPatches.map((one) => {
    const { patch } = one;
    const { typed_config: config } = patch.value;
    const providers = Object.fromEntries(
      Object.entries(config.providers).map(([name, provider]) => [name, change(provider)]),
    );
    const value = { ...patch.value, typed_config: { ...config, providers } };
    return { ...one, patch: { ...patch, value } };
  });
  return { ...spec, configPatches };
}
