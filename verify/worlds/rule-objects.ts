import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { principalOf } from "../../policies/authorization.ts";
import type { WorldPlace } from "./world.ts";

/** An account with a dot, and one that a pattern of it would match. */
export const dotted = "back.office";
export const lookAlike = "backxoffice";
/** Path that only the account with the dot may ask for. */
export const officePath = "/office";

/** Ports of the services; those of the calling one have a rule of another kind each. */
export const ports = {
  /** STRICT, on the guarded service, which is PERMISSIVE. */
  strict: 8081,
  /** PERMISSIVE, on the calling one, which is STRICT; the one port that rules of the settings open. */
  permissive: 8082,
  /** From and to in one rule. */
  oneRule: 8080,
  /** From and to in two. */
  twoRules: 8081,
  /** Bytes, and a rule that allows by a method. */
  allowedByMethod: 9000,
  /** Bytes, and a rule that allows by the port. */
  allowedByPort: 9001,
  /** The same, and one that refuses by a method. */
  refusedByMethod: 9002,
} as const;

type Policy = readonly [name: string, spec: object];

/**
 * Policies beside those of the settings, as no settings write them.
 *
 * @param service with these ports
 * @param guarded service that the account with the dot may ask
 */
export function rulePolicies(
  { namespace }: WorldPlace,
  { service, guarded }: { readonly service: string; readonly guarded: string },
): KubernetesObject[] {
  const make = istioObjects(namespace);
  const select = (app: string) => ({ selector: { matchLabels: { app } } });
  const office = { source: { principals: [principalOf(dotted, namespace)] } };
  const on = (port: number, more: object = {}) => ({
    to: [{ operation: { ports: [String(port)], ...more } }],
  });
  const methods = { methods: ["GET"] };
  const policies: Policy[] = [
    ["one-rule", { action: "ALLOW", rules: [{ from: [office], ...on(ports.oneRule, methods) }] }],
    [
      "two-rules",
      {
        action: "ALLOW",
        rules: [{ from: [office], ...on(ports.twoRules) }, on(ports.twoRules, methods)],
      },
    ],
    [
      "bytes",
      {
        action: "ALLOW",
        rules: [
          on(ports.allowedByMethod, methods),
          on(ports.allowedByPort),
          on(ports.refusedByMethod),
        ],
      },
    ],
    [
      "bytes-refused",
      { action: "DENY", rules: [on(ports.refusedByMethod, { methods: ["DELETE"] })] },
    ],
  ];
  return [
    ...policies.map(([name, spec]) =>
      make("security", "v1", "AuthorizationPolicy", name, { ...select(service), ...spec }),
    ),
    make("security", "v1", "AuthorizationPolicy", "office", {
      ...select(guarded),
      action: "ALLOW",
      rules: [{ from: [office], to: [{ operation: { ...methods, paths: [officePath] } }] }],
    }),
    // is about nobody, and refuses nobody
    make("security", "v1", "AuthorizationPolicy", "about-nobody", {
      ...select("nobody"),
      action: "DENY",
      rules: [{}],
    }),
  ];
}

/** Somebody's rule that opens the port of one rule to everybody. */
export function openingPolicy({ namespace }: WorldPlace, service: string): KubernetesObject {
  return istioObjects(namespace)("security", "v1", "AuthorizationPolicy", "opening", {
    selector: { matchLabels: { app: service } },
    action: "ALLOW",
    rules: [{ to: [{ operation: { ports: [String(ports.oneRule)] } }] }],
  });
}
