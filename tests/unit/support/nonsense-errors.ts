import { allow, authentication, issuers, payments, row } from "./access-words.ts";
import { type ConfigError, removePath, setPath } from "./config-error.ts";

const claimHeaders = (headers: Record<string, string>, more: object = {}) => ({
  authentication: { issuers: [{ ...issuers[0], ...more, claimHeaders: headers }] },
});
const header = (name: string) => `authentication.issuers[0].claimHeaders.${name}`;
const principal = (namespace: string, account: string) =>
  `cluster.local/ns/${namespace}/sa/${account}`;
const client = { name: "web", namespace: "shop" };
const callers: readonly [given: string, allowed: string, fix: string, clients?: object[]][] = [
  [
    principal("istio-system", "istio-ingresgateway"),
    "an account that istio-system has: istio-ingressgateway",
    principal("istio-system", "istio-ingressgateway"),
  ],
  [
    principal("shop", "wep-sa"),
    "an account that shop has: web-sa",
    principal("shop", "web-sa"),
    [client],
  ],
  [
    principal("nowhere", "web-sa"),
    "an identity in a namespace of this stack: bank, istio-system; clients make others",
    principal("<namespace>", "<account>"),
  ],
];

/** Names that nobody bears, and words that mean nothing. */
export const nonsense: readonly ConfigError[] = [
  ...callers.map(([given, allowed, fix, clients = []]) =>
    row(
      payments({ allowFrom: [{ principal: given }] }, { clients }),
      `${allow}.principal`,
      JSON.stringify(given),
      allowed,
      setPath(`${allow}.principal`, fix),
    ),
  ),
  row(
    payments(
      { allowFrom: [{ namespace: "shop" }] },
      { clients: [{ ...client, injection: "none" }] },
    ),
    `${allow}.namespace`,
    '"shop"',
    "a namespace with a client inside the mesh",
    setPath("clients[0].injection", "namespace"),
  ),
  // a namespace without a sidecar is no way out of a wrong one: it is refused as well
  ...(
    [
      ["none", "a namespace of this stack: bank, istio-system; clients", removePath(allow)],
      ["namespace", "bank, istio-system, legacy;", setPath(`${allow}.namespace`, "legacy")],
    ] as const
  ).map(([injection, allowed, fix]) =>
    row(
      payments(
        { allowFrom: [{ namespace: "legcy" }] },
        { clients: [{ name: "old", namespace: "legacy", injection }] },
      ),
      `${allow}.namespace`,
      '"legcy"',
      allowed,
      fix,
    ),
  ),
  ...(
    [
      ["GETT", "GET"],
      ["DELTE", "DELETE"],
    ] as const
  ).map(([given, meant]) =>
    row(
      payments({ allowFrom: [{ gateway: true, methods: [given] }] }),
      `${allow}.methods[0]`,
      JSON.stringify(given),
      "an HTTP method: GET, HEAD, POST",
      setPath(`${allow}.methods[0]`, meant),
    ),
  ),
  row(
    { authentication: { issuers: [{ ...issuers[0], issuer: "*" }] } },
    "authentication.issuers[0].issuer",
    '"*"',
    "the iss of its tokens as it stands there",
    setPath("authentication.issuers[0].issuer", "<value>"),
  ),
  ...["authorization", "Host", "x-forwarded-for"].map((name) =>
    row(
      claimHeaders({ [name]: "sub" }),
      header(name),
      '"sub"',
      "a header of the stack's own",
      removePath(header(name)),
    ),
  ),
  row(
    claimHeaders({ "X-A": "sub", "x-a": "role" }),
    header("x-a"),
    '"role"',
    "X-A is the same",
    removePath(header("x-a")),
  ),
  row(
    claimHeaders({ "x-token": "sub" }, { headers: [{ name: "X-Token" }] }),
    header("x-token"),
    '"sub"',
    "tokens stand in this one",
    removePath(header("x-token")),
  ),
  row(
    {
      authentication: {
        issuers: [{ ...issuers[0], parameters: [{ name: "token", reason: " ".repeat(10) }] }],
      },
    },
    "authentication.issuers[0].parameters[0].reason",
    '" "',
    "a query parameter ends up in logs",
    setPath("authentication.issuers[0].parameters[0].reason", "<value>"),
  ),
  row(
    payments({ allowFrom: [{ gateway: true, paths: ["*/x"] }] }, { authentication }),
    `${allow}.paths[0]`,
    '"*/x"',
    "what begins with * would be about paths of other services too",
    setPath(`${allow}.paths[0]`, "'<path below /payments>'"),
  ),
];
