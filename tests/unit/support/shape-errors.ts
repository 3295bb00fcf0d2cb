import { allow, payments, row } from "./access-words.ts";
import { type ConfigError, setPath } from "./config-error.ts";

/** A text where a list is wanted, and lists of nothing. */
export const shapeErrors: readonly ConfigError[] = [
  row(
    payments({ allowFrom: [{ service: "orders", methods: "get" }] }),
    `${allow}.methods`,
    '"get"',
    "a list",
    'in Pulumi.dev.yaml, write a list there: methods: ["get"]',
  ),
  row(
    payments({ allowFrom: [{ service: "orders", methods: [] }] }),
    `${allow}.methods`,
    "[]",
    "at least one",
    setPath(`${allow}.methods[0]`, "<value>"),
  ),
  row(
    { authentication: { issuers: [{ name: "bank", issuer: "https://issuer.bank" }] } },
    "authentication.issuers[0].audiences",
    "(not set)",
    "a list",
    setPath("authentication.issuers[0].audiences[0]", "<value>"),
  ),
];
