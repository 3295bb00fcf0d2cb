import type { Resource } from "../../../../policies/guardrails/resource.ts";
import {
  atGateway,
  bank,
  container,
  gateway,
  gatewayPods,
  hard,
  http,
  https,
  image,
  istiod,
  mesh,
  object,
  pulumi,
  spec,
  users,
  workload,
} from "./platform.ts";

/** What a rule lets pass, and what it does not: the two differ in what it is about. */
export type Case = readonly [rule: string, passes: readonly Resource[], fails: readonly Resource[]];

const peer = (mtls: object, more: object = {}, ns = "bank") =>
  spec(`PeerAuthentication ${ns}/default`, { ...mtls, ...more });
const strict = { mtls: { mode: "STRICT" } };
const dials = (fields: object) => spec("DestinationRule bank/d", { host: "a.bank", ...fields });
const tls = (fields: object) => ({ trafficPolicy: { tls: fields } });
const ca = { caCertificates: "/ca", sni: "a" };
const allow = (rules: object[], more: object = {}, ns = "bank") =>
  spec(`AuthorizationPolicy ${ns}/allow`, { ...users, rules, ...more });
const denyAll = spec("AuthorizationPolicy bank/default-deny", {});
const caller = { from: [{ source: { principals: ["cluster.local/ns/bank/sa/orders-sa"] } }] };
const get = { to: [{ operation: { methods: ["GET"] } }] };
const when = (...keys: string[]) => ({ when: keys.map((key) => ({ key, values: ["a"] })) });
const asks = { from: [{ source: { requestPrincipals: ["https://i/*"] } }], ...get };
const jwt = (fields: object, more: object = users, ns = "bank") =>
  spec(`RequestAuthentication ${ns}/tokens`, {
    ...more,
    jwtRules: [{ issuer: "https://i", audiences: ["bank"], jwks: '{"keys":[]}', ...fields }],
  });
const app = workload("users");
const podNamed = (pod: object, template: object = {}) => [
  workload("users", { ...pod }, { ...template }),
];
const one = (fields: object) => podNamed({ containers: [container({ ...fields })] });
const service = (port: object, more: object = {}) =>
  spec("Service bank/users", {
    selector: { app: "users" },
    ports: [{ port: 80, ...port }],
    ...more,
  });
const routes = (fields: object) =>
  spec("VirtualService bank/vs", {
    ...{ hosts: ["app.local"], gateways: ["gw"], exportTo: ["istio-system"] },
    ...fields,
  });
const redirect = { match: [{ port: 80 }], redirect: { scheme: "https" } };
const leaf = (name: string, props: object, dependencies: string[] = []) =>
  pulumi(
    "tls:index/locallySignedCert:LocallySignedCert",
    name,
    { validityPeriodHours: 100, earlyRenewalHours: 10, allowedUses: ["server_auth"], ...props },
    { dependencies },
  );
const root = (name: string, props: object = {}) =>
  pulumi("tls:index/selfSignedCert:SelfSignedCert", name, {
    ...{
      isCaCertificate: true,
      allowedUses: ["cert_signing"],
      validityPeriodHours: 9000,
      ...props,
    },
  });
const key = (props: object, secretOutputs = ["privateKeyPem"]) =>
  pulumi("tls:index/privateKey:PrivateKey", "k", { ...props }, { secretOutputs });
const request = pulumi("tls:index/certRequest:CertRequest", "r", { dnsNames: ["app.local"] });
const filter = (fields: object, match: object, value: object = {}, metadata: object = {}) =>
  spec(
    "EnvoyFilter istio-system/f",
    { ...fields, configPatches: [{ match, patch: { value } }] },
    { ...metadata },
  );
const owned = { labels: { "app.kubernetes.io/managed-by": "bank" } };
const version = { proxy: { proxyVersion: "^1\\.31\\." } };
const wasm = (fields: object) =>
  spec("WasmPlugin bank/w", { url: `oci://docker.io/a/b@sha256:${"a".repeat(64)}`, ...fields });
const chart = (name: string, v: string) =>
  object(
    `ServiceAccount istio-system/${name}`,
    {},
    { labels: { "helm.sh/chart": `${name}-${v}` } },
  );
const guarded = istiod([{ name: "ENABLE_DEBUG_ON_HTTP", value: "false" }], ['--grpcAddr=""']);
const restricted = Object.fromEntries(
  ["enforce", "warn", "audit"].map((m) => [`pod-security.kubernetes.io/${m}`, "restricted"]),
);
const secret = (where: string, ...keys: string[]) =>
  object(`Secret ${where}`, { data: Object.fromEntries(keys.map((k) => [k, "x"])) });
const binding = (account: string) =>
  object("RoleBinding bank/b", {
    roleRef: { kind: "Role", name: "r" },
    subjects: [{ kind: "ServiceAccount", name: account }],
  });
const role = (resource: string) =>
  object("Role bank/r", { rules: [{ apiGroups: [""], resources: [resource], verbs: ["get"] }] });
const expires = {
  typed_config: { providers: { a: { issuer: "https://i", require_expiration: true } } },
};
const serverUrn = root("a").urn!;
const edge = (urn: string | undefined) => ({
  ...urnOf(gateway(http)),
  dependencies: urn ? [urn] : [],
});
const urnOf = (resource: Resource) => ({ ...resource, urn: `urn:${resource.name}` });
const control = urnOf(istiod());
const limit = (name: string) =>
  filter(
    {},
    { context: "GATEWAY", routeConfiguration: { vhost: { route: { name } } } },
    { name: "local_ratelimit" },
  );

export const cases: readonly Case[] = [
  ["mesh-01", [bank, peer(strict), peer(strict, {}, "istio-system")], [bank]],
  ["mesh-02", [peer(strict)], [peer({ mtls: { mode: "PERMISSIVE" } })]],
  [
    "mesh-03",
    [peer(strict)],
    [peer(strict, { ...users, portLevelMtls: { 1: { mode: "PERMISSIVE" } } })],
  ],
  [
    "mesh-04",
    [app, peer(strict, { ...users, portLevelMtls: { 8080: strict.mtls } })],
    [app, peer(strict, { ...users, portLevelMtls: { 80: strict.mtls } })],
  ],
  [
    "mesh-05",
    [dials(tls({ mode: "ISTIO_MUTUAL" }))],
    [dials({ subsets: [{ name: "v1", ...tls({ mode: "DISABLE" }) }] })],
  ],
  ["mesh-06", [dials(tls({ mode: "SIMPLE", ...ca }))], [dials(tls({ mode: "SIMPLE", sni: "a" }))]],
  ["mesh-07", [dials({ host: "*.bank.svc.cluster.local" })], [dials({ host: "*.local" })]],
  [
    "mesh-08",
    [bank, app],
    [bank, ...podNamed({}, { annotations: { "sidecar.istio.io/inject": "false" } })],
  ],
  [
    "mesh-09",
    [app],
    podNamed({}, { annotations: { "traffic.sidecar.istio.io/excludeInboundPorts": "8080" } }),
  ],
  ["mesh-10", [app], one({ securityContext: { ...hard, runAsUser: 1337 } })],
  ["mesh-11", [mesh("pathNormalization: { normalization: MERGE_SLASHES }")], [mesh("{}")]],
  ["mesh-12", [bank, mesh("outboundTrafficPolicy: { mode: REGISTRY_ONLY }")], [bank, mesh("{}")]],
  [
    "id-01",
    [app, workload("orders")],
    [app, workload("orders", { serviceAccountName: "users-sa" })],
  ],
  ["id-02", [app], podNamed({ automountServiceAccountToken: true })],
  ["id-03", [binding("users-sa"), role("pods")], [binding("users-sa"), role("secrets")]],
  ["az-01", [bank, denyAll], [bank, allow([])]],
  ["az-02", [jwt({}), allow([asks])], [jwt({}), allow([caller])]],
  ["az-03", [allow([{ ...caller, ...get }])], [allow([{}])]],
  ["az-04", [allow([get])], [allow([{ to: [{ operation: { notMethods: ["GET"] } }] }])]],
  ["az-05", [allow([{ ...caller, ...get }])], [allow([caller, get])]],
  [
    "az-06",
    [allow([when("request.auth.claims[role]"), when("request.auth.claims[scope]")])],
    [allow([when("request.auth.claims[role]", "request.auth.claims[scope]")])],
  ],
  ["az-07", [allow([when("source.principal")])], [allow([when("source.labels[app]")])]],
  [
    "az-08",
    [allow([caller])],
    [allow([{ from: [{ source: { principals: ["*/sa/orders-sa"] } }] }])],
  ],
  [
    "az-09",
    [app, service({ name: "http", targetPort: 8080 }), allow([get])],
    [app, service({ name: "tcp", targetPort: 8080 }), allow([get])],
  ],
  [
    "az-10",
    [denyAll, allow([{ to: [{ operation: { paths: ["/1"] } }] }], { action: "DENY" })],
    [allow([{ to: [{ operation: { paths: ["/1"] } }] }], { action: "DENY" })],
  ],
  ["az-11", [app, allow([])], [workload("orders"), allow([])]],
  [
    "az-12",
    [
      mesh("extensionProviders: [{ name: opa, envoyExtAuthzHttp: {} }]"),
      allow([], { action: "CUSTOM", provider: { name: "opa" } }),
    ],
    [mesh("{}"), allow([], { action: "CUSTOM", provider: { name: "opa" } })],
  ],
  ["jwt-01", [jwt({})], [jwt({ audiences: [] })]],
  [
    "jwt-02",
    [jwt({ jwks: "{}" })],
    [spec("RequestAuthentication bank/t", { jwtRules: [{ issuer: "i", jwksUri: "http://a" }] })],
  ],
  [
    "jwt-03",
    [jwt({ jwks: '{"keys":[{"kty":"RSA","n":"a"}]}' })],
    [jwt({ jwks: '{"keys":[{"kty":"RSA","n":"a","d":"b"}]}' })],
  ],
  ["jwt-04", [jwt({}), filter({}, {}, expires)], [jwt({})]],
  ["jwt-05", [jwt({})], [jwt({ fromParams: ["token"] })]],
  [
    "jwt-06",
    [
      gatewayPods(),
      jwt({ forwardOriginalToken: true }, atGateway, "istio-system"),
      jwt({}),
      allow([asks]),
    ],
    [gatewayPods(), jwt({ forwardOriginalToken: true }, atGateway, "istio-system")],
  ],
  [
    "jwt-07",
    [jwt({ spaceDelimitedClaims: ["scp"] }), allow([when("request.auth.claims[scp]")])],
    [jwt({}), allow([when("request.auth.claims[scp]")])],
  ],
  ["gw-01", [gateway(http)], [gateway({ ...http, hosts: ["*"] })]],
  [
    "gw-02",
    [gateway(http, https()), routes({ http: [redirect] })],
    [gateway(http, https()), routes({ http: [{ name: "a" }, redirect] })],
  ],
  ["gw-03", [gateway(https())], [gateway(https({ minProtocolVersion: "TLSV1_1" }))]],
  ["gw-03a", [gateway(https({ minProtocolVersion: "TLSV1_3" }))], [gateway(https())]],
  [
    "gw-04",
    [gateway(https()), secret("istio-system/edge", "tls.crt", "tls.key")],
    [gateway(https({ mode: "MUTUAL" })), secret("istio-system/edge", "tls.crt", "tls.key")],
  ],
  ["gw-05", [gateway(https())], [gateway(https({ mode: "OPTIONAL_MUTUAL" }))]],
  ["gw-06", [gateway(https({ mode: "MUTUAL" }))], [gateway(https(), https({ mode: "MUTUAL" }))]],
  [
    "gw-07",
    [gatewayPods(), gateway(https()), secret("istio-system/edge")],
    [gatewayPods(), gateway(https()), secret("bank/edge")],
  ],
  ["gw-08", [gatewayPods('{"gatewayTopology":{"numTrustedProxies":0}}')], [gatewayPods()]],
  ["gw-09", [routes({})], [routes({ exportTo: ["*"] })]],
  [
    "gw-10",
    [routes({ http: [{ match: [{ uri: { prefix: "/users/" } }] }] })],
    [routes({ http: [{ match: [{ uri: { prefix: "/users" } }] }] })],
  ],
  ["gw-11", [app, service({})], [app, service({}, { type: "NodePort" })]],
  ["pki-01", [root("a"), leaf("l", {})], [root("a"), leaf("l", { validityPeriodHours: 8761 })]],
  [
    "pki-02",
    [request, leaf("l", {}, [request.urn!]), gateway(https())],
    [request, leaf("l", {}, [request.urn!]), gateway(https({}, ["./b.local"]))],
  ],
  ["pki-03", [root("a")], [root("a", { allowedUses: ["cert_signing", "server_auth"] })]],
  [
    "pki-04",
    [key({ algorithm: "RSA", rsaBits: 2048 })],
    [key({ algorithm: "RSA", rsaBits: 1024 })],
  ],
  [
    "pki-04a",
    [key({ algorithm: "RSA", rsaBits: 3072 })],
    [key({ algorithm: "RSA", rsaBits: 2048 })],
  ],
  [
    "pki-05",
    [
      root("a"),
      root("b"),
      leaf("l", {}, [serverUrn]),
      leaf("m", { allowedUses: ["client_auth"] }, [root("b").urn!]),
    ],
    [
      root("a"),
      leaf("l", {}, [serverUrn]),
      leaf("m", { allowedUses: ["client_auth"] }, [serverUrn]),
    ],
  ],
  [
    "pki-06",
    [key({})],
    [object("ConfigMap bank/c", { data: { a: "-----BEGIN RSA PRIVATE KEY-----" } })],
  ],
  [
    "tf-01",
    [routes({ http: [{ name: "users" }] }), limit("users")],
    [routes({ http: [{ name: "users" }] }), limit("gone")],
  ],
  [
    "tf-02",
    [filter({ priority: 1 }, { context: "GATEWAY", ...version }, {}, owned)],
    [filter({ priority: 1 }, { context: "GATEWAY", proxy: { proxyVersion: ".*" } }, {}, owned)],
  ],
  [
    "tf-03",
    [wasm({ failStrategy: "FAIL_CLOSE" })],
    [wasm({ failStrategy: "FAIL_CLOSE", url: "oci://docker.io/a/b:1" })],
  ],
  [
    "tf-04",
    [routes({ http: [{ name: "a", timeout: "5s" }] })],
    [routes({ http: [{ name: "a" }] })],
  ],
  [
    "obs-01",
    [
      mesh("extensionProviders: [{ name: z, opentelemetry: {} }]"),
      spec("Telemetry istio-system/t", { accessLogging: [{}], tracing: [{}] }),
    ],
    [mesh("{}"), spec("Telemetry istio-system/t", { accessLogging: [{}], tracing: [{}] })],
  ],
  [
    "obs-02",
    [mesh('accessLogFormat: "%REQ(USER-AGENT)%"')],
    [mesh('accessLogFormat: "%REQ(AUTHORIZATION)%"')],
  ],
  ["wl-01", one({ image }), one({ image: "bankmesh.local/echo:latest" })],
  ["wl-02", [app], one({ securityContext: { ...hard, readOnlyRootFilesystem: false } })],
  [
    "wl-03",
    [app, spec("PodDisruptionBudget bank/b", { maxUnavailable: 1, ...users })],
    [app, spec("PodDisruptionBudget bank/b", { minAvailable: 2, ...users })],
  ],
  [
    "wl-04",
    [app, service({ name: "http", targetPort: 8080 })],
    [app, service({ name: "http", targetPort: 80 })],
  ],
  [
    "wl-05",
    [object("Namespace istio-system", {}, { labels: restricted })],
    [object("Namespace istio-system")],
  ],
  [
    "wl-06",
    [bank, spec("NetworkPolicy bank/n", { podSelector: {}, policyTypes: ["Ingress"] })],
    [bank],
  ],
  [
    "ist-01",
    [chart("base", "1.31.1"), chart("istiod", "1.31.1")],
    [chart("base", "1.31.1"), chart("istiod", "1.30.4")],
  ],
  [
    "ist-02",
    one({ image: "docker.io/istio/pilot:1" }),
    one({ image: "gcr.io/istio-release/pilot:1" }),
  ],
  ["ist-03", [guarded], [istiod()]],
  ["ist-04", [control, edge(control.urn)], [control, edge(undefined)]],
  [
    "dep-01",
    [peer(strict)],
    [{ ...peer(strict), type: "kubernetes:security.istio.io/v1beta1:PeerAuthentication" }],
  ],
];
