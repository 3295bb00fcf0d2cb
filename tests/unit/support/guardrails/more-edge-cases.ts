import type { Resource } from "../../../../policies/guardrails/resource.ts";
import type { MoreCase } from "./cases.ts";
import { leaf, redirect, request, routes, secret, service } from "./makers.ts";
import { gateway, gatewayPods, http, https, object, spec, workload } from "./platform.ts";

const speaking = (protocol: string) => ({ ...http, port: { ...http.port, protocol } });
const lower = { ...https(), port: { number: 443, name: "https", protocol: "https" } };
/** TLS around something that is no HTTP. */
const bytes = (tls: Readonly<Record<string, unknown>> = {}) => ({
  ...https(tls),
  port: { number: 443, name: "bytes", protocol: "TCP" },
});
const withoutTls = { ...https(), tls: undefined };
const toPayments = [{ route: [{ destination: { host: "payments" } }] }];
const redirectBesideBytes = routes({ http: [redirect], tcp: toPayments });
const beside = (server: object) => [gateway({ ...server }, https()), redirectBesideBytes];
const secretWith = (...keys: string[]) => secret("istio-system/edge", ...keys);
const second_ = (selector: object, ...servers: object[]) =>
  spec("Gateway bank/second", { selector, servers });
const second = (...servers: object[]) => second_({ istio: "ingressgateway" }, ...servers);
const byRole = (role: string, ...servers: object[]) => second_({ role }, ...servers);
const twoLabels = workload("edge", {}, { labels: { istio: "ingressgateway", role: "edge" } });
const redirectOf = (...match: object[]) => ({ match, redirect: { scheme: "https" } });
const withoutMode = https({ mode: undefined });
const ofGatewayApi = (resource: Resource) => ({
  ...resource,
  type: "kubernetes:gateway.networking.k8s.io/v1:Gateway",
});
const suites = (...cipherSuites: string[]) => gateway(https({ cipherSuites }));
const edgeService = (more: object) =>
  spec("Service istio-system/edge", { type: "NodePort", ports: [], ...more });
const edgePods = { selector: { istio: "ingressgateway" } };
const gatewayTemplate = { "inject.istio.io/templates": "gateway" };
const topology = gatewayPods('{"gatewayTopology":{"numTrustedProxies":0}}');
const uses = (...allowedUses: string[]) => leaf("l", { allowedUses });
const publicKey = '{"kty":"OKP","x":"a"}';
const privateKey = '{"kty":"OKP","x":"a","d":"b"}';
const config = (fields: object) => object("ConfigMap bank/c", { ...fields });
const base64 = (text: string) => Buffer.from(text).toString("base64");
const pemKey = "-----BEGIN PRIVATE KEY-----";
const withEnv = (value: string) => [
  workload("users", { containers: [{ name: "app", env: [{ name: "KEY", value }] }] }),
];

export const moreEdgeCases: readonly MoreCase[] = [
  [
    "gw-01",
    "a server without hosts cannot be judged",
    [gateway(http)],
    [gateway({ port: http.port })],
  ],
  [
    "gw-02",
    "a plain port by another protocol",
    [gateway(speaking("HTTP2"), https()), routes({ http: [redirect] })],
    [gateway(speaking("HTTP2"), https()), routes({ http: [{ name: "a" }] })],
  ],
  [
    "gw-02",
    "protocols in small letters",
    [gateway({ ...speaking("grpc-web"), tls: { httpsRedirect: true } }, lower)],
    [gateway(speaking("grpc-web"), lower)],
  ],
  [
    "gw-02",
    "a proxy's protocol is HTTP as well",
    [gateway({ ...speaking("HTTP_PROXY"), tls: { httpsRedirect: true } }, https())],
    [gateway(speaking("HTTP_PROXY"), https())],
  ],
  ["gw-02", "bytes follow no redirect", beside(http), beside(speaking("TCP"))],
  ["gw-02", "a protocol that nobody knows", beside(http), beside(speaking("NONE"))],
  ["gw-02", "HTTPS by its name alone", beside(https()), beside(withoutTls)],
  [
    "gw-02",
    "TLS around bytes is TLS",
    [gateway(http, { ...bytes(), tls: undefined })],
    [gateway(http, bytes())],
  ],
  [
    "gw-02",
    "a plain port in another Gateway of the same pods",
    [gateway(https()), second({ ...http, tls: { httpsRedirect: true } })],
    [gateway(https()), second(http)],
  ],
  [
    "gw-02",
    "Gateways of one pod by different labels of it",
    [twoLabels, gateway(https()), byRole("other", http)],
    [twoLabels, gateway(https()), byRole("edge", http)],
  ],
  [
    "gw-02",
    "Gateways of pods that are not of the stack, one with more labels",
    [gateway(https()), byRole("edge", http)],
    [gateway(https()), second_({ istio: "ingressgateway", role: "edge" }, http)],
  ],
  [
    "gw-02",
    "a redirect of whatever comes in",
    [gateway(http, https()), routes({ http: [{ redirect: { scheme: "https" } }] })],
    [gateway(http, https()), routes({ http: [{ redirect: { uri: "/a" } }] })],
  ],
  [
    "gw-02",
    "a redirect of this port among others",
    [gateway(http, https()), routes({ http: [redirectOf({ port: 8080 }, { port: 80 })] })],
    [gateway(http, https()), routes({ http: [redirectOf({ port: 80, uri: { prefix: "/a" } })] })],
  ],
  [
    "gw-06",
    "Gateways of one pod by different labels of it",
    [twoLabels, gateway(https()), byRole("other", https({ mode: "MUTUAL", credentialName: "b" }))],
    [twoLabels, gateway(https()), byRole("edge", https({ mode: "MUTUAL", credentialName: "b" }))],
  ],
  [
    "gw-03",
    "suites without a key of their own for each connection",
    [suites("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305")],
    [suites("ECDHE-ECDSA-AES256-GCM-SHA384", "AES256-GCM-SHA384")],
  ],
  ["gw-03", "suites by a word for all", [suites("ECDHE-RSA-AES128-GCM-SHA256")], [suites("ALL")]],
  [
    "gw-03",
    "protocols in small letters",
    [gateway(lower)],
    [gateway({ ...lower, tls: { mode: "SIMPLE" } })],
  ],
  [
    "gw-03",
    "a server without a port cannot be judged",
    [gateway(https())],
    [gateway({ hosts: ["./a"] })],
  ],
  [
    "gw-03",
    "TLS around bytes",
    [gateway(bytes())],
    [gateway(bytes({ minProtocolVersion: "TLSV1_0", cipherSuites: ["AES128-SHA"] }))],
  ],
  [
    "gw-03a",
    "TLS around bytes",
    [gateway(bytes({ minProtocolVersion: "TLSV1_3" }))],
    [gateway(bytes())],
  ],
  [
    "gw-04",
    "TLS around bytes",
    [gateway(bytes()), secretWith("tls.crt", "tls.key")],
    [gateway(bytes()), secretWith("tls.crt")],
  ],
  ["gw-05", "no mode around bytes", [gateway(bytes())], [gateway(bytes({ mode: undefined }))]],
  [
    "gw-05",
    "httpsRedirect is for HTTP alone",
    [gateway({ ...http, tls: { httpsRedirect: true } })],
    [gateway({ ...speaking("TCP"), tls: { httpsRedirect: true } })],
  ],
  ["gw-05", "HTTPS by its name alone", [gateway(https())], [gateway(withoutTls)]],
  [
    "gw-07",
    "TLS around bytes",
    [gatewayPods(), gateway(bytes()), secretWith()],
    [gatewayPods(), gateway(bytes()), secret("bank/edge")],
  ],
  [
    "gw-04",
    "what is passed through needs no secret",
    [gateway(withoutMode)],
    [gateway(https({ mode: "SIMPLE" }))],
  ],
  [
    "gw-04",
    "several secrets",
    [
      gateway(https({ credentialName: undefined, credentialNames: ["a"] })),
      secret("istio-system/a", "tls.crt", "tls.key"),
    ],
    [gateway(https({ credentialName: undefined, credentialNames: ["a"] }))],
  ],
  ["gw-05", "no mode is PASSTHROUGH", [gateway(https())], [gateway(withoutMode)]],
  ["gw-05", "a redirect's tls block", [gateway({ ...http, tls: {} })], [gateway(withoutMode)]],
  [
    "gw-05",
    "a Gateway of the Gateway API",
    [gateway(https())],
    [ofGatewayApi(spec("Gateway bank/gw", { listeners: [] }))],
  ],
  ["gw-08", "settings that are no YAML", [topology], [gatewayPods("a: b: c")]],
  ["gw-08", "settings that are empty", [topology], [gatewayPods("# nothing")]],
  ["gw-08", "settings that are no map", [topology], [gatewayPods("- a")]],
  [
    "gw-11",
    "a Service without a selector is not the gateway's",
    [gatewayPods(), edgeService(edgePods)],
    [gatewayPods(), edgeService({})],
  ],
  [
    "gw-11",
    "pods of an application that call themselves a gateway",
    [gatewayPods(), edgeService(edgePods)],
    [workload("users", {}, { annotations: gatewayTemplate }), service({}, { type: "NodePort" })],
  ],
  [
    "gw-11",
    "a label makes no gateway",
    [gatewayPods(), edgeService(edgePods)],
    [labelledOnly(), edgeService(edgePods)],
  ],
  [
    "pki-02",
    "protocols in small letters",
    [request, leaf("l", {}, [request.urn!]), gateway(lower)],
    [request, leaf("l", {}, [request.urn!]), gateway({ ...lower, hosts: ["./b.local"] })],
  ],
  [
    "pki-02",
    "TLS around bytes",
    [request, leaf("l", {}, [request.urn!]), gateway(bytes())],
    [request, leaf("l", {}, [request.urn!]), gateway({ ...bytes(), hosts: ["./b.local"] })],
  ],
  [
    "pki-02",
    "uses beside those of its role",
    [uses("digital_signature", "key_encipherment", "key_agreement", "client_auth")],
    [uses("digital_signature", "code_signing", "client_auth")],
  ],
  ["pki-02", "no role", [uses("server_auth")], [uses("digital_signature")]],
  [
    "pki-06",
    "binary data",
    [config({ binaryData: { a: base64("text") } })],
    [config({ binaryData: { a: base64(pemKey) } })],
  ],
  [
    "pki-06",
    "a private JWK",
    [config({ data: { a: `{"keys":[${publicKey},{"d":1}]}` } })],
    [config({ data: { a: `{"keys":[${privateKey}]}` } })],
  ],
  [
    "pki-06",
    "a symmetric JWK in an environment, quoted once more",
    withEnv(JSON.stringify({ a: publicKey })),
    withEnv(JSON.stringify({ a: '{"kty":"oct","k":"c2VjcmV0"}' })),
  ],
];

function labelledOnly(): Resource {
  return spec("Deployment istio-system/edge", {
    template: {
      metadata: { labels: { istio: "ingressgateway", ...gatewayTemplate } },
      spec: { containers: [] },
    },
  });
}
