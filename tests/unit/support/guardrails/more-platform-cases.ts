import type { MoreCase } from "./cases.ts";
import {
  app,
  ca,
  chart,
  dials,
  filter,
  one,
  owned,
  peer,
  podNamed,
  service,
  strict,
  tls,
} from "./makers.ts";
import { bank, container, hard, istiod, mesh, object, spec, workload } from "./platform.ts";

const rolledOut = (one: object) => ({ replicas: 2, template: { spec: { containers: [one] } } });
const labelled = (labels: object) => object("Namespace bank", {}, { labels });
const charts = (...versions: string[]) =>
  ["base", "istiod", "gateway"].slice(0, versions.length).map((c, i) => chart(c, versions[i]!));
const adding = (...add: string[]) =>
  one({ securityContext: { ...hard, capabilities: { ...hard.capabilities, add } } });
const provider = (kind: string, fields: string) =>
  mesh(`extensionProviders: [{ name: logs, ${kind}: { service: logs, ${fields} } }]`);
const controller = (name: string, containers: object[]) =>
  spec(`ReplicationController bank/${name}`, {
    template: { metadata: { labels: { app: name } }, spec: { containers } },
  });
const pilot = (labels: object) =>
  workload("users", {}, { labels: { istio: "pilot", ...labels }, annotations: {} });
const format = (text: string) => mesh(`accessLogFormat: ${JSON.stringify(text)}`);
const telemetry = (fields: object) =>
  spec("Telemetry istio-system/t", { accessLogging: [{ ...fields }] });

const says = { "sidecar.istio.io/inject": "true" };
const silent = object("Namespace bank");
const webhook = (revision: string) =>
  object(
    `MutatingWebhookConfiguration ${revision}`,
    { webhooks: [{ name: "rev.namespace.sidecar-injector.istio.io" }] },
    { labels: { "istio.io/rev": revision } },
  );
const users = (metadata: Readonly<Record<string, unknown>>) => workload("users", {}, metadata);
const network = (podSelector: object) =>
  spec("NetworkPolicy bank/n", { podSelector, policyTypes: ["Ingress"] });
const everyVersion = charts("1.31.1", "1.31.1", "1.31.1");
const pilotOf = (image: string) =>
  spec("Deployment istio-system/istiod", {
    template: {
      metadata: { labels: { istio: "pilot" } },
      spec: { containers: [{ name: "discovery", image }] },
    },
  });
const proxiesOf = (global: object) =>
  object("ConfigMap istio-system/istio-sidecar-injector", {
    data: { values: JSON.stringify({ global }) },
  });
const versionsOf = (proxyVersion: string) => [
  filter({ priority: 1 }, { context: "GATEWAY", proxy: { proxyVersion } }, {}, owned),
];
const ofPeer = (fields: object, ns: string) => peer(fields, {}, ns);

export const morePlatformCases: readonly MoreCase[] = [
  [
    "mesh-01",
    "a selector without labels selects everything",
    [bank, peer(strict, { selector: { matchLabels: {} } }), ofPeer(strict, "istio-system")],
    [
      ...[bank, peer(strict), ofPeer(strict, "istio-system")],
      spec("PeerAuthentication bank/second", { ...strict, selector: { matchLabels: {} } }),
    ],
  ],
  [
    "mesh-02",
    "one that sets none has the mode of the mesh",
    [peer({}), ofPeer(strict, "istio-system")],
    [peer({}), ofPeer({ mtls: { mode: "UNSET" } }, "istio-system")],
  ],
  [
    "mesh-08",
    "webhooks select pods by labels, and see no annotation",
    [silent, users({ labels: says })],
    [silent, users({ annotations: says })],
  ],
  [
    "mesh-08",
    "a namespace with a revision that no webhook serves",
    [labelled({ "istio.io/rev": "canary" }), webhook("canary"), webhook("default")],
    [labelled({ "istio.io/rev": "canary" }), webhook("default")],
  ],
  [
    "mesh-08",
    "pods with a revision that no webhook serves",
    [silent, users({ labels: { "istio.io/rev": "canary" } }), webhook("canary")],
    [silent, users({ labels: { "istio.io/rev": "canary" } }), webhook("default")],
  ],
  [
    "mesh-08",
    "the older label leads to the default revision alone",
    [bank, webhook("default")],
    [bank, webhook("canary")],
  ],
  ...["^.*\\..*$", "[0-9].*", "^1\\..*", ""].map((pattern): MoreCase => [
    "tf-02",
    `versions that ${JSON.stringify(pattern)} takes`,
    versionsOf("^1\\.(30|31)\\..*"),
    versionsOf(pattern),
  ]),
  ["tf-02", "a pattern of versions that is none", versionsOf("1\\.31"), versionsOf("(")],
  [
    "wl-06",
    "a selector without labels is about all pods",
    [bank, network({ matchLabels: {}, matchExpressions: [] })],
    [bank, network({ matchLabels: { app: "users" } })],
  ],
  [
    "ist-01",
    "istiod of another version than its chart",
    [...everyVersion, pilotOf("docker.io/istio/pilot:1.31.1-distroless")],
    [...everyVersion, pilotOf("docker.io/istio/pilot:1.31.2")],
  ],
  [
    "ist-01",
    "istiod with known flaws, whatever its chart",
    [...everyVersion, pilotOf(`docker.io/istio/pilot@sha256:${"a".repeat(64)}`)],
    [...everyVersion, pilotOf("docker.io/istio/pilot:1.30.0")],
  ],
  [
    "ist-01",
    "proxies of another version than the chart",
    [...everyVersion, proxiesOf({ hub: "docker.io/istio", tag: "1.31.1" })],
    [...everyVersion, proxiesOf({ hub: "docker.io/istio", tag: "1.30.4" })],
  ],
  [
    "ist-01",
    "proxies whose image is written out",
    [
      ...everyVersion,
      proxiesOf({ tag: "1.31.1", proxy: { image: "docker.io/istio/proxyv2:1.31.1" } }),
    ],
    [...everyVersion, proxiesOf({ tag: "1.31.1", proxy: { image: "docker.io/me/proxyv2:mine" } })],
  ],
  [
    "mesh-06",
    "a check that is switched off, whatever the mode",
    [dials(tls({ mode: "SIMPLE", ...ca, insecureSkipVerify: false }))],
    [dials(tls({ mode: "ISTIO_MUTUAL", insecureSkipVerify: true }))],
  ],
  [
    "mesh-08",
    "a namespace that is disabled, whatever revision it names",
    [labelled({ "istio.io/rev": "canary" })],
    [labelled({ "istio.io/rev": "canary", "istio-injection": "disabled" })],
  ],
  [
    "mesh-08",
    "pods of an application that call themselves istiod",
    [bank, istiod()],
    [bank, pilot({ "sidecar.istio.io/inject": "false" })],
  ],
  [
    "mesh-09",
    "pods of an application that call themselves a gateway",
    [bank, workload("users")],
    podNamed({}, { annotations: { "inject.istio.io/templates": "gateway" } }),
  ],
  ["mesh-10", "capabilities in small letters", adding("chown"), adding("net_admin")],
  [
    "mesh-11",
    "settings that are no YAML",
    [mesh("pathNormalization: { normalization: MERGE_SLASHES }")],
    [mesh("a: b: c")],
  ],
  [
    "mesh-11",
    "settings that are empty",
    [mesh("pathNormalization: { normalization: MERGE_SLASHES }")],
    [mesh("")],
  ],
  [
    "mesh-12",
    "settings that are a text",
    [bank, mesh("outboundTrafficPolicy: { mode: REGISTRY_ONLY }")],
    [bank, mesh("REGISTRY_ONLY")],
  ],
  [
    "wl-04",
    "appProtocol comes before the port's name",
    [app, service({ name: "web", appProtocol: "kubernetes.io/h2c", targetPort: 8080 })],
    [app, service({ name: "http", appProtocol: "web", targetPort: 8080 })],
  ],
  ["wl-02", "added capabilities", adding("NET_BIND_SERVICE"), adding("SYS_TIME")],
  [
    "wl-02",
    "a ReplicationController",
    [controller("users", [container()])],
    [controller("users", [container({ securityContext: {} })])],
  ],
  [
    "obs-02",
    "a second name for what is logged",
    [format("%REQ(X-ID?USER-AGENT)%")],
    [format("%REQ(X-ID?COOKIE):20%")],
  ],
  [
    "obs-02",
    "an expression",
    [format("%CEL(request.headers['user-agent'])%")],
    [format("%CEL(request.headers['cookie'])%")],
  ],
  [
    "obs-02",
    "another provider's format",
    [provider("envoyOtelAls", 'logFormat: { text: "%REQ(USER-AGENT)%" }')],
    [provider("envoyOtelAls", 'logFormat: { labels: { a: "%REQ(AUTHORIZATION)%" } }')],
  ],
  [
    "obs-02",
    "headers of requests beside the format",
    [provider("envoyHttpAls", "additionalRequestHeadersToLog: [x-id]")],
    [provider("envoyHttpAls", "additionalRequestHeadersToLog: [x-id, Cookie]")],
  ],
  [
    "obs-02",
    "headers of responses beside the format",
    [provider("envoyHttpAls", "additionalResponseHeadersToLog: [x-id]")],
    [provider("envoyHttpAls", "additionalResponseHeadersToLog: [set-cookie]")],
  ],
  [
    "obs-02",
    "what decides about logging writes nothing",
    [telemetry({ filter: { expression: "'cookie' in request.headers.cookie" } })],
    [telemetry({ text: "%CEL(request.headers.cookie)%" })],
  ],
  [
    "ist-01",
    "a release with known flaws",
    charts("1.31.1", "1.31.1", "1.31.1"),
    charts("1.31.0", "1.31.0", "1.31.0"),
  ],
  [
    "ist-01",
    "what was never released",
    charts("1.30.4", "1.30.4", "1.30.4"),
    charts("1.32.0-git.1", "1.32.0-git.1", "1.32.0-git.1"),
  ],
  [
    "ist-01",
    "an istiod whose charts say nothing",
    [istiod(), ...charts("1.31.1", "1.31.1", "1.31.1")],
    [istiod()],
  ],
  [
    "ist-01",
    "an istiod of which one chart says nothing",
    [istiod(), ...charts("1.31.1", "1.31.1", "1.31.1")],
    [istiod(), ...charts("1.31.1", "1.31.1")],
  ],
  [
    "ist-01",
    "objects of one chart that differ",
    charts("1.31.1"),
    [...charts("1.31.1"), chart("base", "1.30.4")],
  ],
  [
    "wl-01",
    "pods of a kind that Kubernetes does not know",
    [object("Rollout bank/users", { spec: rolledOut(container()) }, {})],
    [
      object(
        "Rollout bank/users",
        { spec: rolledOut(container({ image: "ghcr.io/bank/users:1" })) },
        {},
      ),
    ],
  ],
];
