import { allow, authentication, issuers, payments, row } from "./access-words.ts";
import { type ConfigError, removePath } from "./config-error.ts";

const orders = "cluster.local/ns/bank/sa/orders-sa";
const gateway = "cluster.local/ns/istio-system/sa/istio-ingressgateway";

/** Rules of allowFrom that a rule of denyFrom closes, in other words than theirs. */
const closed: readonly [allowed: object, denied: object, more?: object][] = [
  [{ service: "orders" }, { namespace: "bank" }],
  [{ service: "orders" }, { principal: orders }],
  [{ gateway: true }, { namespace: "istio-system" }],
  [{ gateway: true }, { principal: gateway }],
  [{ gateway: true }, { gateway: true, paths: ["/payments", "/payments/*"] }],
  [{ gateway: true, claims: { role: "x" } }, { claims: { role: ["x", "y"] } }],
  [
    { gateway: true, claims: { role: "x" } },
    { gateway: true, token: true },
  ],
  [
    { gateway: true, headers: { "X-A": "1" } },
    { gateway: true, headers: { "x-a": "1" } },
  ],
  [
    { gateway: true, remoteIpBlocks: ["10.1.0.0/16"] },
    { gateway: true, remoteIpBlocks: ["10.0.0.0/8"] },
    { trustedProxies: 1 },
  ],
  [{ service: "orders" }, { service: "orders", version: "v1" }],
];
const twins: readonly [object, object][] = [
  [
    { service: "orders", methods: ["GET", "POST"] },
    { service: "orders", methods: ["POST", "GET"] },
  ],
  [{ service: "orders" }, { principal: orders }],
];
/** Rules that let in, or refuse, nothing more than a wider one of their list. */
const wider: readonly (readonly [list: "allowFrom" | "denyFrom", rules: object[], idle: number])[] =
  [
    ["allowFrom", [{ gateway: true }, { gateway: true, methods: ["GET"] }], 1],
    ["allowFrom", [{ service: "orders", paths: ["/payments"] }, { service: "orders" }], 0],
    [
      "allowFrom",
      [
        { gateway: true, claims: { role: ["x"] } },
        { gateway: true, token: true },
      ],
      0,
    ],
    ["denyFrom", [{ service: "orders" }, { service: "orders", methods: ["POST"] }], 1],
    [
      "denyFrom",
      [{ service: "orders", methods: ["POST"], ports: [8080] }, { service: "orders" }],
      0,
    ],
    ["allowFrom", [{ gateway: true }, { principal: gateway, paths: ["/payments"] }], 1],
    ["allowFrom", [{ service: "orders", version: "v1" }, { service: "orders" }], 0],
  ];
const shown = (rule: unknown) => {
  const text = JSON.stringify(rule);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};
/** As the schema reads it: values of a claim or header are a list. */
const listed = (rule: object) =>
  JSON.parse(JSON.stringify(rule).replace(/(role|X-A)":("\w+")/g, '$1":[$2]')) as object;

/** Rules that say the same as another one, or nothing beside it. */
export const pairs: readonly ConfigError[] = [
  ...closed.map(([allowed, denied, more]) =>
    row(
      payments({ allowFrom: [allowed], denyFrom: [denied] }, { authentication, ...more }),
      allow,
      shown(listed(allowed)),
      "something that denyFrom[0] does not refuse",
      removePath(allow),
    ),
  ),
  ...twins.map(([first, second]) =>
    row(
      payments({ allowFrom: [first, second] }),
      "services[0].allowFrom[1]",
      shown(second),
      "each rule once; allowFrom[0] is the same",
      removePath("services[0].allowFrom[1]"),
    ),
  ),
  ...wider.map(([list, rules, at]) =>
    row(
      payments(list === "denyFrom" ? { denyFrom: rules } : { allowFrom: rules }, {
        authentication,
      }),
      `services[0].${list}[${at}]`,
      shown(rules[at]),
      `what ${list}[${1 - at}] does not ${list === "denyFrom" ? "refuse" : "allow"} already`,
      // the fix never opens more than before
      removePath(`services[0].${list}[${list === "denyFrom" ? at : 1 - at}]`),
    ),
  ),
  row(
    payments(
      { denyFrom: [{ gateway: true, paths: ["/payments/health"] }] },
      { authentication: { issuers, exempt: ["/payments/health"] } },
    ),
    "authentication.exempt[0]",
    '"/payments/health"',
    "a path that services[0].denyFrom[0] does not refuse",
    removePath("authentication.exempt[0]"),
  ),
];
