import type { Resource } from "../../../../policies/guardrails/resource.ts";
import type { MoreCase } from "./cases.ts";
import {
  allow,
  app,
  asks,
  binding,
  caller,
  denyAll,
  expiryFilter,
  get,
  jwt,
  podNamed,
  redirect,
  routes,
  service,
  when,
} from "./makers.ts";
import {
  atGateway,
  bank,
  container,
  gateway,
  gatewayPods,
  http,
  https,
  istiod,
  mesh,
  spec,
  workload,
} from "./platform.ts";

const dry = (resource: Resource): Resource => {
  const annotations = { "istio.io/dry-run": "true" };
  const metadata = { ...(resource.props.metadata as object), annotations };
  return { ...resource, props: { ...resource.props, metadata } };
};
const target = { targetRef: { kind: "Gateway", name: "waypoint" } };
const from = (source: object) => ({ from: [{ source }], ...get });
const addressed = { from: [{ source: { remoteIpBlocks: ["10.0.0.0/8"] } }] };
/** Refuses whoever brings no token. */
const noToken = (operation: object) => ({
  from: [{ source: { notRequestPrincipals: ["*"] } }],
  ...(Object.keys(operation).length > 0 && { to: [{ operation }] }),
});
const revised = (revision: string) => ({
  ...denyAll,
  props: {
    ...denyAll.props,
    metadata: { ...(denyAll.props.metadata as object), labels: { "istio.io/rev": revision } },
  },
});
const revision = (value: string) => istiod([{ name: "REVISION", value }]);
const unnamed = { when: [{ key: "request.auth.principal", notValues: ["*"] }] };
const on = (key: string, ...values: string[]) => ({ when: [{ key, values }], ...get });
const edge = (rules: object[]) => allow(rules, atGateway, "istio-system");
const deny = (rules: object[]) => allow(rules, { action: "DENY" });
const edgeTokens = jwt({}, atGateway, "istio-system");
const port80 = { to: [{ operation: { ports: ["80"] } }] };
const edgeWith = (...http_: object[]) => edgeBy(http, ...http_);
const edgeBy = (plain: object, ...http_: object[]) => [
  ...[gatewayPods(), edgeTokens, edge([port80, asks]), gateway({ ...plain }, https())],
  routes({ http: http_ }),
];
const webhooks = spec("Service istio-system/istiod", {
  ...{ selector: { istio: "pilot" }, ports: [{ name: "https-webhook", port: 443 }] },
});
const everywhereGet = allow([get], { selector: undefined }, "istio-system");
const ofBytes = { ...http, port: { ...http.port, protocol: "TCP" } };
const tokensAtAll = jwt({}, {});
const ordersAsk = spec("AuthorizationPolicy bank/allow-orders", {
  ...{ selector: { matchLabels: { app: "orders" } }, rules: [asks] },
});
const [{ patch: expiryPatch }] = (
  expiryFilter().props.spec as { configPatches: [{ patch: object }] }
).configPatches;
const everywhere = [app, gatewayPods(), jwt({}, {}, "istio-system")];
const clusterRole = (name: string) => ({ kind: "ClusterRole", name });
const tcpPods = podNamed({
  containers: [container({ ports: [{ name: "wire", containerPort: 9000 }] })],
});
const onPort = (port: string) =>
  allow([{ to: [{ operation: { methods: ["GET"], ports: [port] } }] }]);
const withoutToken = { source: { notRequestPrincipals: ["*"] } };
const apart = gateway(https({ credentialName: "a" }), https({ mode: "MUTUAL" }));
const forwarded = [gatewayPods(), jwt({ forwardOriginalToken: true }, atGateway, "istio-system")];
const server = '"kty":"RSA","n":"a"';

export const moreAccessCases: readonly MoreCase[] = [
  ["az-01", "a default deny in dry run refuses nothing", [bank, denyAll], [bank, dry(denyAll)]],
  [
    "az-01",
    "a default deny of a target is none of the namespace",
    [bank, denyAll],
    [bank, spec("AuthorizationPolicy bank/deny", target)],
  ],
  ["az-02", "a policy in dry run", [jwt({}), allow([asks])], [jwt({}), dry(allow([asks]))]],
  [
    "az-02",
    "a policy of a target",
    [jwt({}, target), allow([asks], { selector: undefined, ...target })],
    [jwt({}), allow([asks], { selector: undefined, ...target })],
  ],
  [
    "az-02",
    "each workload that tokens are looked at in",
    [app, workload("orders"), tokensAtAll, allow([asks]), ordersAsk],
    [app, workload("orders"), tokensAtAll, allow([asks])],
  ],
  [
    "az-02",
    "a rule beside those that ask",
    [app, jwt({}), allow([asks, { ...caller, ...get }])],
    [app, jwt({}), allow([asks, get])],
  ],
  [
    "az-02",
    "claims are asked for by values, not by what they are not",
    [app, jwt({}), allow([on("request.auth.claims[role]", "admin")])],
    [app, jwt({}), allow([{ when: [{ key: "request.auth.claims[role]", notValues: ["x"] }] }])],
  ],
  [
    "az-02",
    "one source without a token among others",
    [app, jwt({}), allow([asks])],
    [app, jwt({}), allow([{ from: [...asks.from, { source: { ipBlocks: ["10.0.0.1"] } }] }])],
  ],
  [
    "az-02",
    "a refusal of some paths leaves the others",
    [app, jwt({}), deny([{ from: [withoutToken], to: [{ operation: { notPorts: ["15090"] } }] }])],
    [app, jwt({}), deny([{ from: [withoutToken], to: [{ operation: { paths: ["/a"] } }] }])],
  ],
  ["az-02", "a port that only redirects is spared", edgeWith(redirect), edgeWith({ name: "a" })],
  ["az-02", "bytes follow no redirect", edgeWith(redirect), edgeBy(ofBytes, redirect)],
  [
    "az-03",
    "wildcards in every field",
    [allow([from({ principals: ["*"], namespaces: ["bank"] })])],
    [allow([from({ principals: ["*"], namespaces: ["*"] })])],
  ],
  [
    "az-03",
    "a wildcard as a condition",
    [allow([on("source.namespace", "bank")])],
    [allow([on("source.principal", "*")])],
  ],
  [
    "az-03",
    "every address",
    [allow([from({ ipBlocks: ["10.0.0.0/8"] })])],
    [allow([from({ ipBlocks: ["0.0.0.0/0", "::/0"] })])],
  ],
  [
    "az-03",
    "every address with an identity is one with an identity",
    [allow([from({ principals: ["a/ns/b/sa/c"], ipBlocks: ["::/0"] })])],
    [allow([from({ ipBlocks: ["::/0"] })])],
  ],
  [
    "az-03",
    "an empty source",
    [allow([{ ...caller, ...get }])],
    [allow([{ from: [{ source: {} }], to: [{ operation: {} }] }])],
  ],
  [
    "az-03",
    "a trust domain names nobody in it",
    [allow([from({ trustDomains: ["cluster.local"], namespaces: ["bank"] })])],
    [allow([from({ trustDomains: ["cluster.local"] })])],
  ],
  [
    "az-03",
    "a trust domain beside a wildcard",
    [allow([from({ trustDomains: ["cluster.local"], principals: ["a/ns/b/sa/c"] })])],
    [allow([from({ trustDomains: ["cluster.local"], principals: ["*"] })])],
  ],
  [
    "az-05",
    "a condition about the caller stands for from",
    [allow([on("source.principal", "a/ns/b/sa/c")])],
    [allow([on("request.headers[x]", "a")])],
  ],
  [
    "az-05",
    "from and a condition without what is asked for",
    [allow([{ ...caller, ...get, ...when("request.headers[x]") }])],
    [allow([{ ...caller, ...when("request.auth.claims[role]") }])],
  ],
  [
    "az-05",
    "an empty source beside a caller",
    [allow([{ ...caller, ...get }])],
    [allow([{ from: [...caller.from, { source: {} }], ...get }])],
  ],
  [
    "az-07",
    "a condition without a key",
    [allow([when("source.principal")])],
    [allow([{ ...caller, when: [{ values: ["a"] }] }])],
  ],
  [
    "az-08",
    "principals in conditions",
    [allow([on("source.principal", "cluster.local/ns/bank/sa/orders-sa")])],
    [allow([on("source.principal", "*/sa/orders-sa")])],
  ],
  [
    "az-09",
    "a policy of a target is about no pod",
    [app, service({ name: "tcp" }), allow([get], { selector: undefined, ...target })],
    [app, service({ name: "tcp" }), allow([get])],
  ],
  [
    "az-09",
    "a port of the Service that leads to one by name",
    [...tcpPods, service({ name: "http", targetPort: "wire" }), onPort("9000")],
    [...tcpPods, service({ name: "tcp", targetPort: "wire" }), onPort("9000")],
  ],
  [
    "az-09",
    "what is encrypted shows no HTTP",
    [app, service({ name: "http2", targetPort: 8080 }), allow([get])],
    [app, service({ name: "https-web", targetPort: 8080 }), allow([get])],
  ],
  [
    "az-09",
    "appProtocol comes before the port's name, in any case",
    [app, service({ name: "tcp", appProtocol: "HTTP", targetPort: 8080 }), allow([get])],
    [app, service({ name: "http", appProtocol: "TCP", targetPort: 8080 }), allow([get])],
  ],
  [
    "az-09",
    "istiod has no proxy",
    [istiod(), webhooks, everywhereGet],
    [app, service({ name: "https-webhook" }), everywhereGet],
  ],
  [
    "az-11",
    "a selector without labels is about all of the namespace",
    [allow([get], { selector: { matchLabels: {} } })],
    [allow([get])],
  ],
  [
    "az-12",
    "mesh settings that are no YAML declare nothing",
    [
      mesh("extensionProviders: [{ name: opa, envoyExtAuthzGrpc: {} }]"),
      allow([], { action: "CUSTOM", provider: { name: "opa" } }),
    ],
    [mesh("a: b: c"), allow([], { action: "CUSTOM", provider: { name: "opa" } })],
  ],
  ["jwt-02", "an empty text is no key", [jwt({ jwks: '{"keys":[]}' })], [jwt({ jwks: " " })]],
  [
    "jwt-03",
    "a key that stands alone",
    [jwt({ jwks: `{${server}}` })],
    [jwt({ jwks: `{${server},"d":"b"}` })],
  ],
  ["jwt-03", "what is no JSON", [jwt({ jwks: "{}" })], [jwt({ jwks: "null" })]],
  [
    "jwt-04",
    "a filter of a target is about no pod",
    [jwt({}), expiryFilter()],
    [jwt({}), expiryFilter({}, target)],
  ],
  [
    "jwt-04",
    "a filter at gateways is about no sidecar",
    [jwt({}), expiryFilter({ match: jwtFilterAt("ANY") })],
    [jwt({}), expiryFilter({ match: jwtFilterAt("GATEWAY") })],
  ],
  [
    "jwt-04",
    "tokens that gateways and sidecars look at need both",
    [...everywhere, expiryFilter({ match: jwtFilterAt(undefined) })],
    [...everywhere, expiryFilter({ match: jwtFilterAt("SIDECAR_INBOUND") })],
  ],
  [
    "jwt-04",
    "a patch of another kind changes no filter",
    [jwt({}), expiryFilter()],
    [jwt({}), expiryFilter({ applyTo: "NETWORK_FILTER" })],
  ],
  [
    "jwt-04",
    "a patch that takes the filter away",
    [jwt({}), expiryFilter()],
    [jwt({}), expiryFilter({ patch: { ...expiryPatch, operation: "REMOVE" } })],
  ],
  [
    "jwt-04",
    "a patch of another filter",
    [jwt({}), expiryFilter()],
    [jwt({}), expiryFilter({ match: { context: "SIDECAR_INBOUND" } })],
  ],
  [
    "jwt-06",
    "a policy in dry run asks for nothing",
    [...forwarded, jwt({}), allow([asks])],
    [...forwarded, jwt({}), dry(allow([asks]))],
  ],
  [
    "gw-06",
    "a policy in dry run keeps nothing apart",
    [gatewayPods(), apart, edge([when("connection.sni")])],
    [gatewayPods(), apart, dry(edge([when("connection.sni")]))],
  ],
  [
    "id-02",
    "a role that grants everything says nothing of a need",
    [...podNamed({ automountServiceAccountToken: true }), binding("users-sa")],
    [
      ...podNamed({ automountServiceAccountToken: true }),
      binding("users-sa", clusterRole("cluster-admin")),
    ],
  ],
  ...["cluster-admin", "admin", "edit"].map((name): MoreCase => [
    "id-03",
    `the role ${name}, which Kubernetes brings along`,
    [binding("users-sa", clusterRole("view"))],
    [binding("users-sa", clusterRole(name))],
  ]),
  [
    "id-01",
    "an empty name is the default account",
    [workload("users", { serviceAccountName: undefined, serviceAccount: "users-sa" })],
    [workload("users", { serviceAccountName: "" })],
  ],
  [
    "az-01",
    "a default deny for another revision of istiod, which nobody reads",
    [revision("stable"), bank, revised("stable")],
    [revision("stable"), bank, revised("canary")],
  ],
  [
    "az-01",
    "a default deny for a revision, and no istiod that anybody knows the revision of",
    // without a revision, it reads the objects of all
    [istiod(), bank, revised("canary")],
    [bank, revised("canary")],
  ],
  [
    "jwt-05",
    "no place named: Istio takes access_token of the query then",
    [jwt({ fromHeaders: undefined, fromCookies: ["session"] })],
    [jwt({ fromHeaders: undefined })],
  ],
  [
    "az-09",
    "addresses, which any connection has",
    [
      app,
      service({ name: "tcp", targetPort: 8080 }),
      allow([addressed, { when: [{ key: "remote.ip", values: ["10.0.0.0/8"] }] }]),
    ],
    [
      app,
      service({ name: "tcp", targetPort: 8080 }),
      allow([{ when: [{ key: "request.headers[x]", values: ["1"] }] }]),
    ],
  ],
  [
    "az-02",
    "a refusal of requests without a token that spares every path",
    [app, jwt({}), allow([noToken({})], { action: "DENY" }), allow([addressed])],
    [app, jwt({}), allow([noToken({ notPaths: ["/*"] })], { action: "DENY" }), allow([addressed])],
  ],
  [
    "az-02",
    "a refusal by condition, which is the same as by source",
    [app, jwt({}), allow([unnamed], { action: "DENY" })],
    [app, jwt({}), allow([{ ...unnamed, ...get }], { action: "DENY" }), allow([addressed])],
  ],
];

function jwtFilterAt(context: string | undefined) {
  const filter = { subFilter: { name: "envoy.filters.http.jwt_authn" } };
  return { context, listener: { filterChain: { filter } } };
}
