import { allow, authentication, issuers, payments, row } from "./access-words.ts";
import { type ConfigError, removePath } from "./config-error.ts";

const ownHeader = (prefix?: string) => ({
  authentication: {
    issuers: [{ ...issuers[0], headers: [{ name: "X-Token", ...(prefix && { prefix }) }] }],
  },
});

/** Rules about headers that tokens stand in; a valid one is no longer there when they are asked. */
const rules: readonly [header: string, values: string[], more: object][] = [
  ["Authorization", ["Bearer *"], { authentication }],
  ["authorization", ["bearer *"], { authentication }],
  ["AUTHORIZATION", ["*"], { authentication }],
  ["Authorization", ["*x"], { authentication }],
  ["Authorization", ["B*"], { authentication }],
  ["Authorization", ["Bearer secret"], { authentication }],
  ["Authorization", ["Basic *", "Bearer *"], { authentication }],
  ["x-token", ["a"], ownHeader()],
  ["x-token", ["Jwt *"], ownHeader("Jwt ")],
];

export const tokenHeaderErrors: readonly ConfigError[] = rules.flatMap(([header, values, more]) =>
  (["allowFrom", "denyFrom"] as const).map((list) => {
    const rule = { gateway: true, headers: { [header]: values } };
    const key = list === "allowFrom" ? allow : "services[0].denyFrom[0]";
    return row(
      payments(
        list === "allowFrom"
          ? { allowFrom: [{ ...rule, ...{ token: true } }] }
          : { allowFrom: [{ gateway: true }], denyFrom: [rule] },
        more,
      ),
      `${key}.headers.${header}`,
      JSON.stringify(values),
      "token: true, issuer or claims ask for it",
      removePath(key),
    );
  }),
);

const claims = {
  authentication: { issuers: [{ ...issuers[0], claimHeaders: { "X-Role": "role" } }] },
};

/** Rules about headers that somebody else than the client has written by the time they are asked. */
const written: readonly [header: string, allowed: string, service: object, more: object][] = [
  ["x-role", "claims are copied into this one", {}, claims],
  ["X-Env", "the route to payments sets this one", { requestHeaders: { "x-env": "prod" } }, {}],
  ["X-Forwarded-Client-Cert", "proxies write this one", {}, {}],
  ["Host", "proxies write this one", {}, {}],
];

export const writtenHeaderErrors: readonly ConfigError[] = written.flatMap(
  ([header, allowed, service, more]) =>
    (["allowFrom", "denyFrom"] as const).map((list) => {
      const rule = { service: "orders", headers: { [header]: ["a"] } };
      const key = list === "allowFrom" ? allow : "services[0].denyFrom[0]";
      const rules =
        list === "allowFrom"
          ? { allowFrom: [rule] }
          : { allowFrom: [{ service: "orders" }], denyFrom: [rule] };
      return row(
        payments({ ...rules, ...service }, more),
        `${key}.headers.${header}`,
        '["a"]',
        `another header: ${allowed}`,
        removePath(key),
      );
    }),
);
