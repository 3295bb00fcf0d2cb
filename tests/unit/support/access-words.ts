import type { ConfigError } from "./config-error.ts";

export const issuers = [
  { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] },
];
export const authentication = { issuers };
export const row = (
  raw: Record<string, unknown>,
  key: string,
  value: string,
  allowed: string,
  fix: string,
): ConfigError => ({ raw, key, value, allowed, fix });
export const payments = (fields: object, more: object = {}) => ({
  services: [{ name: "payments", ...fields }, { name: "orders" }],
  ...more,
});
export const allow = "services[0].allowFrom[0]";
export const tcp = [{ port: 5432, targetPort: 5432, protocol: "tcp" }];
