import { type ConfigError, removePath, setPath } from "./config-error.ts";
import { issuers, authentication, row, payments, allow } from "./access-words.ts";

/** Rules that would match nothing, or more than they read. */
export const meaningless: readonly ConfigError[] = [
  row(
    payments({ allowFrom: [{ namespace: "nosuch" }] }),
    `${allow}.namespace`,
    '"nosuch"',
    "a namespace of this stack: bank, istio-system",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ namespace: "banc" }] }),
    `${allow}.namespace`,
    '"banc"',
    "a namespace of this stack: bank, istio-system",
    setPath(`${allow}.namespace`, "bank"),
  ),
  row(
    payments({ allowFrom: [{ gateway: true }, { gateway: true }] }),
    "services[0].allowFrom[1]",
    '{"gateway":true}',
    "each rule once; allowFrom[0] is the same",
    removePath("services[0].allowFrom[1]"),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, claims: { role: [] } }] }, { authentication }),
    `${allow}.claims.role`,
    "[]",
    "at least one",
    setPath(`${allow}.claims.role`, "<value>"),
  ),
  row(
    payments({ allowFrom: [{ principal: "cluster.local/ns/bank/sa/order-sa" }] }),
    `${allow}.principal`,
    '"cluster.local/ns/bank/sa/order-sa"',
    "an account of a service of this stack: payments-sa, orders-sa",
    setPath(`${allow}.principal`, "cluster.local/ns/bank/sa/orders-sa"),
  ),
  row(
    payments({ allowFrom: [{ principal: "cluster.locl/ns/bank/sa/orders-sa" }] }),
    `${allow}.principal`,
    '"cluster.locl/ns/bank/sa/orders-sa"',
    "an identity of the mesh's trust domain, cluster.local",
    setPath(`${allow}.principal`, "cluster.local/ns/bank/sa/orders-sa"),
  ),
  ...["/payments//a", "/payments/./a", "/payments/..", "/payments/a%2Fb", "/payments/\u00fc"].map(
    (path) =>
      row(
        payments({ allowFrom: [{ gateway: true, paths: [path] }] }),
        `${allow}.paths[0]`,
        JSON.stringify(path),
        "a path as proxies see it once it is normalized",
        setPath(`${allow}.paths[0]`, "<value>"),
      ),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, headers: { "user-agent": "*bot*" } }] }),
    `${allow}.headers.user-agent`,
    '"*bot*"',
    "a text, with * alone, at its begin or at its end; no regular expressions (.*, ^ or $): Istio takes any other * as a letter",
    setPath(`${allow}.headers.user-agent`, "<value>"),
  ),
  row(
    payments({
      allowFrom: [{ gateway: true, ports: [9090] }],
      ports: [
        { port: 80, targetPort: 8080, protocol: "http" },
        { port: 90, targetPort: 9090, protocol: "http" },
      ],
    }),
    `${allow}.ports`,
    "[9090]",
    "8080 or nothing: the gateway's routes lead to the first port alone",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, version: "V1" }], version: "V1" }),
    `${allow}.version`,
    '"V1"',
    "small letters, digits, - and . alone",
    removePath(allow),
  ),
  ...(
    [
      ["exp", "it is a number"],
      ["email_verified", "it is a number or true or false"],
      ["iss", "issuer names an issuer"],
      ["aud", "audiences stand with the issuer"],
    ] as const
  ).map(([claim, allowed]) =>
    row(
      payments({ allowFrom: [{ gateway: true, claims: { [claim]: "*" } }] }, { authentication }),
      `${allow}.claims.${claim}`,
      '["*"]',
      allowed,
      removePath(allow),
    ),
  ),
  row(
    payments(
      { allowFrom: [{ gateway: true, token: true }] },
      { authentication: { issuers, exempt: ["/*"] } },
    ),
    "authentication.exempt[0]",
    '"/*"',
    "some paths: this one opens everything to everybody",
    removePath("authentication.exempt[0]"),
  ),
  row(
    payments(
      { allowFrom: [{ gateway: true, token: true }] },
      {
        authentication: {
          issuers: [
            { ...issuers[0], claimHeaders: { "X-Role": "role" } },
            { ...issuers[0], name: "partner", issuer: "https://partner" },
          ],
        },
      },
    ),
    "authentication.issuers[1].claimHeaders",
    "(not set)",
    "X-Role too, as another issuer has: with a token of partner anybody could send it himself",
    setPath("authentication.issuers[1].claimHeaders.X-Role", "<claim>"),
  ),
  row(
    payments({
      allowFrom: [{ service: "orders", methods: ["GET"], paths: ["/payments/a"] }],
      denyFrom: [{ methods: ["GET", "POST"], paths: ["/payments/*"] }],
    }),
    allow,
    '{"service":"orders","methods":["GET"],"paths":["/payments…',
    "something that denyFrom[0] does not refuse",
    removePath(allow),
  ),
];
