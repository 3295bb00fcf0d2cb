import type { MoreCase } from "./cases.ts";
import { ca, chart, dials, one, podNamed, tls } from "./makers.ts";
import { bank, container, hard, istiod, mesh, object, spec, workload } from "./platform.ts";

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

export const morePlatformCases: readonly MoreCase[] = [
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
];
