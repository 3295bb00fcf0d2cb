import { allow, authentication, issuers, payments, row } from "./access-words.ts";
import { type ConfigError, setPath } from "./config-error.ts";

const noExpressions = "no regular expressions";

/** Templates of paths, and texts that look like regular expressions, which Istio would take as they stand. */
export const patterns: readonly ConfigError[] = [
  ...["/payments/{*}", "/payments/{**}", "/payments/{id}"].map((path) =>
    row(
      payments({ allowFrom: [{ gateway: true, paths: [path] }] }),
      `${allow}.paths[0]`,
      JSON.stringify(path),
      "no templates ({*}, {**}), which rules and routes here are not compared by",
      setPath(`${allow}.paths[0]`, "<value>"),
    ),
  ),
  ...["/payments/.*", "/payments/v1.*"].map((path) =>
    row(
      payments({ allowFrom: [{ gateway: true, paths: [path] }] }),
      `${allow}.paths[0]`,
      JSON.stringify(path),
      noExpressions,
      setPath(`${allow}.paths[0]`, "<value>"),
    ),
  ),
  row(
    payments({
      allowFrom: [{ service: "orders" }],
      denyFrom: [{ gateway: true, paths: ["/payments/admin/.*"] }],
    }),
    "services[0].denyFrom[0].paths[0]",
    '"/payments/admin/.*"',
    noExpressions,
    setPath("services[0].denyFrom[0].paths[0]", "<value>"),
  ),
  row(
    payments({}, { authentication: { issuers, exempt: ["/payments/health.*"] } }),
    "authentication.exempt[0]",
    '"/payments/health.*"',
    noExpressions,
    setPath("authentication.exempt[0]", "<value>"),
  ),
  ...["adm.*", "^admin", "admin$", "^a$"].map((role) =>
    row(
      payments({ allowFrom: [{ gateway: true, claims: { role } }] }, { authentication }),
      `${allow}.claims.role`,
      JSON.stringify(role),
      noExpressions,
      setPath(`${allow}.claims.role`, "<value>"),
    ),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, headers: { "x-team": ["red", "bl.*"] } }] }),
    `${allow}.headers.x-team[1]`,
    '"bl.*"',
    noExpressions,
    setPath(`${allow}.headers.x-team[1]`, "<value>"),
  ),
];
