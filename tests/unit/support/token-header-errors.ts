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
