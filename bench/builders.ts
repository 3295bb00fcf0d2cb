import { namespaceMtls } from "../policies/mtls.ts";
import { gatewaySpec, virtualServiceSpec } from "../policies/routing.ts";
import { bankRoutes } from "../components/bank.ts";
import { type Settings, settingsSchema } from "../settings/index.ts";
import { accessObjects } from "../manifests/access.ts";

/** A stack of many services, each with ten rules: callers, claims, methods, paths. */
export function manyRules(services: number): Settings {
  return settingsSchema.parse(manyRulesConfig(services));
}

/** The same as a stack's file has it. */
export function manyRulesConfig(services: number): Record<string, unknown> {
  const name = (i: number) => `service-${i % services}`;
  return {
    authorization: "enforce",
    mtlsMode: "STRICT",
    authentication: {
      issuers: [
        { name: "bank", issuer: "https://issuer.app.local", audiences: ["bank"], keyIds: ["k1"] },
      ],
    },
    services: Array.from({ length: services }, (_, i) => ({
      name: name(i),
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { gateway: true, methods: ["POST"], claims: { scope: `${name(i)}:write` } },
        { gateway: true, methods: ["POST"], claims: { role: "admin" } },
        ...Array.from({ length: 6 }, (_, j) => ({
          service: name(i + j + 1),
          methods: ["GET", "POST"],
          paths: [`/${name(i)}/${j}`, `/${name(i)}/${j}/*`],
        })),
      ],
      denyFrom: [{ gateway: true, paths: [`/${name(i)}/internal/*`] }],
    })),
  };
}

/** Makes every object that a stack's security is made of, and gives their number. */
export function buildAll(s: Settings): number {
  const routes = bankRoutes(s);
  return [
    namespaceMtls(s.mtlsMode),
    gatewaySpec(s.gatewayTls, s.host),
    virtualServiceSpec({ ...s, gatewayName: "bank-gw", gatewayNamespace: "istio-system", routes }),
    ...accessObjects(s, { bank: "{}" }),
  ].length;
}
