import { issuers, authentication, row, payments, allow, tcp } from "./access-words.ts";
import { type ConfigError, removePath, setPath } from "./config-error.ts";
import { keySources } from "./key-source-errors.ts";
import { meaningless } from "./meaningless-rules.ts";
import { nonsense } from "./nonsense-errors.ts";
import { pairs } from "./pair-errors.ts";
import { patterns } from "./pattern-errors.ts";
import { rollouts } from "./rollout-errors.ts";
import { shapeErrors } from "./shape-errors.ts";
import { tokenHeaderErrors, writtenHeaderErrors } from "./token-header-errors.ts";

/** Wrong shapes. */
const shapes: readonly ConfigError[] = [
  row(
    payments({ allowFrom: [{ gateway: true, version: "v2" }] }),
    `${allow}.version`,
    '"v2"',
    "v1, the version of payments: no pod bears another one",
    setPath(`${allow}.version`, "v1"),
  ),
  row(
    payments(
      {
        allowFrom: [{ gateway: true }],
        denyFrom: [{ gateway: true, version: "v1", remoteIpBlocks: ["203.0.113.0/24"] }],
      },
      { trustedProxies: 1 },
    ),
    "services[0].denyFrom[0].version",
    '"v1"',
    "nothing beside remoteIpBlocks",
    removePath("services[0].denyFrom[0].version"),
  ),
  row(
    { authorization: "on" },
    "authorization",
    '"on"',
    "one of off, dry-run, enforce",
    "pulumi config set --stack dev authorization <value>",
  ),
  row(
    { meshDefaultDeny: "x" },
    "meshDefaultDeny",
    '"x"',
    "true or false",
    "pulumi config set --stack dev meshDefaultDeny <value>",
  ),
  row(
    payments({ allowFrom: [{ gateway: true, paths: ["/payments/.+"] }] }),
    `${allow}.paths[0]`,
    '"/payments/.+"',
    "no regular expressions",
    setPath(`${allow}.paths[0]`, "<value>"),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, methods: ["get"] }] }),
    `${allow}.methods[0]`,
    '"get"',
    "an HTTP method: GET, HEAD, POST",
    setPath(`${allow}.methods[0]`, "GET"),
  ),
  row(
    payments({ allowFrom: [{ principal: "spiffe://x" }] }),
    `${allow}.principal`,
    '"spiffe://x"',
    "an identity such as",
    setPath(`${allow}.principal`, "<value>"),
  ),
  row(
    {
      authentication: {
        issuers: [{ ...issuers[0]!, parameters: [{ name: "token", reason: "easy" }] }],
      },
    },
    "authentication.issuers[0].parameters[0].reason",
    '"easy"',
    "a query parameter ends up in logs",
    setPath("authentication.issuers[0].parameters[0].reason", "<value>"),
  ),
  row(
    { authentication: { issuers: [{ name: "x", issuer: "y", audiences: ["z"], jwks: "{}" }] } },
    "authentication.issuers[0].jwks",
    "set (not shown)",
    "a JSON Web Key Set",
    setPath("authentication.issuers[0].jwks", "<value>"),
  ),
];

/** Rules between keys. */
const rules: readonly ConfigError[] = [
  row(
    payments({ allowFrom: [{ service: "order" }] }),
    `${allow}.service`,
    '"order"',
    "a service of this stack: payments, orders; did you mean orders?",
    setPath(`${allow}.service`, "orders"),
  ),
  row(
    payments({ allowFrom: [{ methods: ["GET"] }] }),
    allow,
    '{"methods":["GET"]}',
    "one caller",
    setPath(`${allow}.service`, "<name>"),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, service: "orders" }] }),
    allow,
    '{"gateway":true,"service":"orders"}',
    "one caller",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, paths: ["/payment"] }] }),
    `${allow}.paths[0]`,
    '"/payment"',
    "a path that the gateway routes to payments: /payments or below it",
    setPath(`${allow}.paths[0]`, "'<path below /payments>'"),
  ),
  row(
    payments({ prefix: false, allowFrom: [{ gateway: true }] }),
    `${allow}.gateway`,
    "true",
    "payments has no route",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, token: true }] }),
    `${allow}.token`,
    "true",
    "authentication.issuers is empty",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, issuer: "bnk" }] }, { authentication }),
    `${allow}.issuer`,
    '"bnk"',
    "the name of an issuer: bank",
    setPath(`${allow}.issuer`, "bank"),
  ),
  row(
    payments({
      allowFrom: [{ gateway: true, rpcs: ["/a.B/C"] }],
      ports: [{ port: 80, targetPort: 8080, protocol: "grpc" }],
      sourceImage: "istio-app",
    }),
    `${allow}.rpcs`,
    '["/a.B/C"]',
    "nothing for the gateway, which routes by prefix",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, paths: ["*"] }] }),
    `${allow}.paths[0]`,
    '"*"',
    "what begins with * would be about paths of other services too",
    setPath(`${allow}.paths[0]`, "'<path below /payments>'"),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, claims: { scope: "a b" } }] }, { authentication }),
    `${allow}.claims.scope`,
    '"a b"',
    "one word",
    removePath(allow),
  ),
  row(
    { meshDefaultDeny: true },
    "meshDefaultDeny",
    "true",
    "false, unless authorization is on and rollout.mode is all",
    "pulumi config set --stack dev meshDefaultDeny false",
  ),
  row(
    {
      authorization: "enforce",
      workloadMtls: [{ service: "users", ports: { "8080": "DISABLE" } }],
      services: [{ name: "users", allowFrom: [{ gateway: true }] }],
    },
    'workloadMtls[0].ports["8080"]',
    '"DISABLE"',
    "plaintext has no identity",
    setPath('workloadMtls[0].ports["8080"]', "STRICT"),
  ),
  row(
    {
      authentication: {
        issuers: [{ name: "x", issuer: "y", audiences: ["z"], jwks: '{"keys":[{"kty":"oct"}]}' }],
      },
    },
    "authentication.issuers[0].jwks",
    "set (not shown)",
    "of public keys alone",
    setPath("authentication.issuers[0].jwks", "<value>"),
  ),
  ...["http://issuer.example", "not a url"].map((issuer) =>
    row(
      { authentication: { issuers: [{ name: "x", issuer, audiences: ["z"] }] } },
      "authentication.issuers[0].issuer",
      JSON.stringify(issuer),
      "found by OpenID discovery",
      setPath("authentication.issuers[0].issuer", "<value>"),
    ),
  ),
  // no keys at all, and a private one, which is not to be shown
  ...[{ kty: "EC" }, { kty: "RSA", n: "AQAB", e: "AQAB" }, { kty: "OKP", d: "c2VjcmV0" }].map(
    (key) =>
      row(
        {
          authentication: {
            issuers: [
              { name: "x", issuer: "y", audiences: ["z"], jwks: JSON.stringify({ keys: [key] }) },
            ],
          },
        },
        "authentication.issuers[0].jwks",
        "set (not shown)",
        "of public keys alone",
        setPath("authentication.issuers[0].jwks", "<value>"),
      ),
  ),
  row(
    {
      authentication: {
        issuers: [{ name: "x", issuer: "y", audiences: ["z"], jwksUri: "http://y/keys" }],
      },
    },
    "authentication.issuers[0].jwksUri",
    '"http://y/keys"',
    "a URL of https",
    setPath("authentication.issuers[0].jwksUri", "<value>"),
  ),
  row(
    payments({ allowFrom: [{ service: "orders", ports: [9090] }] }),
    `${allow}.ports[0]`,
    "9090",
    "a container port of payments: 8080",
    setPath(`${allow}.ports[0]`, "8080"),
  ),
  row(
    payments({
      image: "sql:1",
      prefix: false,
      ports: tcp,
      allowFrom: [{ service: "orders", methods: ["GET"] }],
    }),
    `${allow}.methods`,
    '["GET"]',
    "which speaks tcp",
    removePath(allow),
  ),
  row(
    payments({ allowFrom: [{ service: "orders", rpcs: ["/a.B/C"] }] }),
    `${allow}.rpcs`,
    '["/a.B/C"]',
    "no port of payments speaks grpc",
    removePath(allow),
  ),
  row(
    payments({
      allowFrom: [{ service: "orders", methods: ["GET"] }],
      denyFrom: [{ service: "orders" }],
    }),
    allow,
    '{"service":"orders","methods":["GET"]}',
    "deny comes first, so this rule lets nobody in",
    removePath(allow),
  ),
  row(
    { authorization: "enforce", services: [{ name: "users" }] },
    "services[0].allowFrom",
    "(not set)",
    "at least one caller of users",
    "in Pulumi.dev.yaml, write services[0].allowFrom: [{gateway: true}], or prefix: false where nobody outside may call it",
  ),
  row(
    { authorization: "enforce", services: [{ name: "users", prefix: false }] },
    "services[0].allowFrom",
    "(not set)",
    "at least one caller of users",
    setPath("services[0].allowFrom[0].service", "<name>"),
  ),
  row(
    { authorization: "dry-run", services: [{ name: "users", allowFrom: [{ namespace: "bank" }] }] },
    "services[0].allowFrom",
    '[{"namespace":"bank"}]',
    "a rule for the gateway, which serves /users; or prefix: false",
    setPath("services[0].prefix", "false"),
  ),
  row(
    {
      authorization: "enforce",
      mtlsMode: "DISABLE",
      services: [{ name: "users", allowFrom: [{ gateway: true }] }],
    },
    "mtlsMode",
    '"DISABLE"',
    "plaintext has no identity",
    "pulumi config set --stack dev mtlsMode STRICT",
  ),
  row(
    { authentication: { issuers: [...issuers, { ...issuers[0]!, issuer: "other" }] } },
    "authentication.issuers[1].name",
    '"bank"',
    "a name of its own; issuers[0] has the same",
    setPath("authentication.issuers[1].name", "bank-2"),
  ),
  row(
    { authentication: { issuers: [{ ...issuers[0]!, jwksUri: "https://x/keys" }] } },
    "authentication.issuers[0].jwksUri",
    '"set"',
    "one of keyIds, jwks and jwksUri",
    removePath("authentication.issuers[0].jwksUri"),
  ),
  row(
    { authentication: { issuers: [{ ...issuers[0]!, keyIds: ["k1", "k1"] }] } },
    "authentication.issuers[0].keyIds[1]",
    '"k1"',
    "each key id once",
    removePath("authentication.issuers[0].keyIds[1]"),
  ),
  row(
    { authentication: { issuers, exempt: ["/health"] } },
    "authentication.exempt[0]",
    '"/health"',
    "a path that a service serves: /users, /orders, /payments",
    removePath("authentication.exempt[0]"),
  ),
  row(
    payments(
      { allowFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.0/33"] }] },
      { trustedProxies: 1 },
    ),
    `${allow}.remoteIpBlocks[0]`,
    '"203.0.113.0/33"',
    "a block of addresses such as 203.0.113.0/24",
    setPath(`${allow}.remoteIpBlocks[0]`, "<value>"),
  ),
  row(
    { trustedProxies: -1 },
    "trustedProxies",
    "-1",
    "0 to 10 proxies",
    "pulumi config set --stack dev trustedProxies <value>",
  ),
  row(
    payments({ allowFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.0/24"] }] }),
    "trustedProxies",
    "0",
    "at least 1 on kind",
    "pulumi config set --stack dev trustedProxies 1",
  ),
  row(
    payments(
      { allowFrom: [{ service: "orders", remoteIpBlocks: ["203.0.113.0/24"] }] },
      { trustedProxies: 1 },
    ),
    `${allow}.remoteIpBlocks`,
    '["203.0.113.0/24"]',
    "nothing but with gateway: true",
    removePath(allow),
  ),
  row(
    payments(
      { allowFrom: [{ gateway: true, ports: [8080], remoteIpBlocks: ["203.0.113.0/24"] }] },
      { trustedProxies: 1 },
    ),
    `${allow}.remoteIpBlocks`,
    '["203.0.113.0/24"]',
    "no ports beside it",
    removePath(allow),
  ),
  row(
    { rollout: { mode: "only", services: ["users", "x"] } },
    "rollout.services[1]",
    '"x"',
    "one of users, orders, payments",
    removePath("rollout.services[1]"),
  ),
];

/** Every kind of wrong rule about callers. */
export const accessErrors: readonly ConfigError[] = [
  ...patterns,
  ...pairs,
  ...shapeErrors,
  ...nonsense,
  ...meaningless,
  ...keySources,
  ...tokenHeaderErrors,
  ...writtenHeaderErrors,
  ...shapes,
  ...rules,
  ...rollouts,
];
