import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stringify } from "yaml";
import { compare, judged } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { textReport } from "../../meaning/report/text.ts";
import {
  deployment,
  gatewayObjects,
  injected,
  manifest,
  meshSettings,
  service,
} from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const base = [injected(), deployment("users"), service("users"), ...gatewayObjects()];

/** What is said of a change of objects beside the usual ones. */
function blind(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const c = compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
  assert.equal(judged(c), c.blind.length === 0);
  assert.deepEqual(c.changes, []);
  if (c.blind.length > 0) assert.match(textReport("x", c), /as far as it can be judged/);
  return c.blind.map((b) => b.text);
}

/** The same for two forms of one object. */
const changed = (kind: string, before: object, after: object, more: Json = {}) =>
  blind([manifest(kind, "x", before, more)], [manifest(kind, "x", after, more)]);

const tls = { mode: "MUTUAL", credentialName: "a" };
const server = { port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["app.local"] };
const gateway = (more: object, port: object = {}) => ({
  selector: { istio: "ingressgateway" },
  servers: [{ ...server, port: { ...server.port, ...port }, tls: { ...tls, ...more } }],
});
const jwt = (more: object) => ({ jwtRules: [{ issuer: "i", audiences: ["a"], ...more }] });
const route = { route: [{ destination: { host: "users", port: { number: 80 } } }] };
const routes = (more: object, ...others: object[]) => ({
  hosts: ["app.local"],
  gateways: ["gw"],
  http: [{ ...route, ...more }, ...others],
});
const clients = (more: object) => ({
  host: "users",
  trafficPolicy: { tls: { mode: "SIMPLE", ...more } },
});
const leading = (more: object) => ({ selector: { app: "none" }, ports: [{ port: 90 }], ...more });

describe("what changed and is not read", () => {
  for (const [kind, before, after, field] of [
    ["Gateway", gateway({}), gateway({ credentialName: "b" }), "servers.0.tls.credentialName"],
    ["Gateway", gateway({ subjectAltNames: ["a"] }), gateway({}), "servers.0.tls.subjectAltNames"],
    [
      "Gateway",
      gateway({}),
      gateway({ verifyCertificateHash: ["x"] }),
      "servers.0.tls.verifyCertificateHash",
    ],
    [
      "Gateway",
      gateway({}),
      gateway({ cipherSuites: ["AES128-SHA"] }),
      "servers.0.tls.cipherSuites",
    ],
    [
      "Gateway",
      gateway({}),
      gateway({ maxProtocolVersion: "TLSV1_2" }),
      "servers.0.tls.maxProtocolVersion",
    ],
    ["RequestAuthentication", jwt({ jwks: "a" }), jwt({ jwks: "b" }), "jwtRules.0.jwks"],
    ["RequestAuthentication", jwt({}), jwt({ jwksUri: "https://b" }), "jwtRules.0.jwksUri"],
    [
      "RequestAuthentication",
      jwt({}),
      jwt({ outputPayloadToHeader: "x-p" }),
      "jwtRules.0.outputPayloadToHeader",
    ],
    ["VirtualService", routes({}), routes({ mirror: { host: "b" } }), "http.0.mirror.host"],
    [
      "VirtualService",
      routes({ mirror: { host: "b" } }),
      routes({ mirror: { host: "b" }, mirrorPercentage: { value: 1 } }),
      "http.0.mirrorPercentage.value",
    ],
    [
      "VirtualService",
      routes({}),
      routes({}, { match: [{ uri: { exact: "/a" } }], ...route, mirror: { host: "b" } }),
      "http.1.mirror",
    ],
    [
      "VirtualService",
      routes({}),
      routes({ corsPolicy: { allowOrigins: [{ exact: "*" }] } }),
      "http.0.corsPolicy.allowOrigins",
    ],
    ["DestinationRule", clients({ sni: "a" }), clients({ sni: "b" }), "trafficPolicy.tls.sni"],
    ["ServiceEntry", { hosts: ["a"] }, { hosts: ["a"], resolution: "DNS" }, "resolution"],
    ["Service", leading({}), leading({ type: "LoadBalancer" }), "type"],
    ["Service", leading({}), leading({ externalIPs: ["10.0.0.1"] }), "externalIPs"],
    [
      "Service",
      leading({}),
      leading({ loadBalancerSourceRanges: ["10.0.0.0/8"] }),
      "loadBalancerSourceRanges",
    ],
    ["Service", leading({}), leading({ externalTrafficPolicy: "Local" }), "externalTrafficPolicy"],
  ] as const)
    test(`${kind}: ${field}`, () => {
      const said = changed(kind, before, after);
      // what a list has that is new counts as a whole
      const text = new RegExp(
        `^spec\\.${field.replaceAll(".", "\\.")}.* changed, and what it does`,
      );
      assert.equal(said.length, 1, said.join("\n"));
      assert.match(said[0]!, text);
    });

  test("an EnvoyFilter as a whole", () => {
    const filter = (value: object) => ({
      workloadSelector: { labels: { app: "nobody" } },
      configPatches: [{ applyTo: "CLUSTER", patch: { operation: "MERGE", value } }],
    });
    const said = changed("EnvoyFilter", filter({ a: 1 }), filter({ a: 2 }));
    assert.ok(said.some((t) => t.startsWith("spec.configPatches.0.patch.value.a changed")));
  });

  test("settings of the mesh, whatever their text", () => {
    const mesh = (defaultConfig: object) => meshSettings({ defaultConfig });
    const proxies = (numTrustedProxies: number) => mesh({ gatewayTopology: { numTrustedProxies } });
    assert.deepEqual(blind([proxies(0)], [proxies(1)]), [
      "data.mesh.defaultConfig.gatewayTopology.numTrustedProxies changed, and what it does is not read here",
    ]);
    const text = { ...mesh({}), data: { mesh: stringify({ rootNamespace: "istio-system" }) } };
    assert.deepEqual(blind([mesh({ drainDuration: "5s" })], [text]), []);
    assert.match(
      blind([mesh({})], [meshSettings({ meshMTLS: { minProtocolVersion: "TLSV1_3" } })])[0]!,
      /meshMTLS/,
    );
  });

  test("settings of the injector, but no versions", () => {
    const injector = (config: object, values: object) => ({
      ...manifest("ConfigMap", "istio-sidecar-injector", {}, { namespace: "istio-system" }),
      data: { config: stringify(config), values: JSON.stringify({ global: values }) },
    });
    const one = injector({ policy: "enabled", templates: { sidecar: "a" } }, { tag: "1" });
    assert.deepEqual(
      blind([one], [injector({ policy: "enabled", templates: { sidecar: "a" } }, { tag: "2" })]),
      [],
    );
    assert.match(
      blind(
        [one],
        [injector({ policy: "enabled", templates: { sidecar: "b" } }, { tag: "1" })],
      )[0]!,
      /^data\.config\.templates\.sidecar changed/,
    );
    assert.match(
      blind(
        [one],
        [
          injector(
            { policy: "enabled", templates: { sidecar: "a" } },
            { tag: "1", proxy: { excludeInboundPorts: "80" } },
          ),
        ],
      )[0]!,
      /^data\.values\.global\.proxy\.excludeInboundPorts changed/,
    );
  });

  test("whom the injector's webhooks are about, but not their keys", () => {
    const hooks = (selector: object, caBundle: string) => ({
      ...manifest(
        "MutatingWebhookConfiguration",
        "i",
        {},
        { labels: { "istio.io/rev": "default" } },
      ),
      apiVersion: "admissionregistration.k8s.io/v1",
      webhooks: [
        {
          name: "namespace.sidecar-injector.istio.io",
          namespaceSelector: selector,
          clientConfig: { caBundle },
        },
      ],
    });
    assert.deepEqual(blind([hooks({}, "a")], [hooks({}, "b")]), []);
    const said = blind([hooks({}, "a")], [hooks({ matchLabels: { a: "b" } }, "a")]);
    assert.match(said[0]!, /^webhooks\.0\.namespaceSelector\.matchLabels\.a changed/);
  });

  test("pods: ports of their nodes, and settings of their proxies", () => {
    const pods = (annotations: object, port: object = {}) => {
      const made = structuredClone(deployment("web", { annotations })) as Json;
      Object.assign(made.spec.template.spec.containers[0].ports[0], port);
      return made as Manifest;
    };
    assert.match(blind([pods({})], [pods({}, { hostPort: 80 })])[0]!, /hostPort changed/);
    assert.match(
      blind([pods({})], [pods({ "proxy.istio.io/config": "{}" })])[0]!,
      /^spec\.template\.metadata\.annotations\.proxy\.istio\.io\/config changed/,
    );
    assert.deepEqual(blind([pods({})], [pods({ "sidecar.istio.io/proxyCPU": "1" })]), []);
  });

  test("Services that make a door of their own, beside the gateway's", () => {
    const node = manifest("Service", "x", leading({ type: "NodePort" }));
    assert.deepEqual(blind([], [node]), ["is new, and makes a door of its own"]);
    assert.deepEqual(blind([node], []), ["is gone, and was a door of its own"]);
    const address = manifest("Service", "x", leading({ externalIPs: ["10.0.0.1"] }));
    assert.deepEqual(blind([], [address]), ["is new, and makes a door of its own"]);
    const edge = manifest(
      "Service",
      "edge",
      { selector: { istio: "ingressgateway" }, type: "LoadBalancer", ports: [] },
      { namespace: "istio-system" },
    );
    const gw = manifest("Gateway", "x", gateway({}));
    assert.deepEqual(blind([gw], [gw, edge]), []);
  });
});

describe("doors of their own that lead elsewhere than before", () => {
  const door = (app: string, more: object = {}) =>
    manifest("Service", "door", {
      ...{ type: "NodePort", selector: { app }, ports: [{ port: 90, targetPort: 8080, ...more }] },
    });
  const moved = ["is a door of its own, and leads elsewhere than before"];
  const text = (before: Manifest, after: Manifest) => {
    const others = [...base, deployment("web")];
    const c = compare(platformOf([...others, before]), platformOf([...others, after]));
    return c.blind.map((b) => b.text);
  };

  test("other pods, and another port of theirs", () => {
    assert.deepEqual(text(door("users"), door("web")), moved);
    assert.deepEqual(text(door("users"), door("users", { targetPort: 15000 })), moved);
    assert.deepEqual(text(door("users"), door("users", { nodePort: 30_000 })), []);
  });

  test("the gateway's Service that leads past it", () => {
    const gw = manifest("Gateway", "x", gateway({}));
    const edge = (selector: object) =>
      manifest(
        "Service",
        "edge",
        { selector, type: "LoadBalancer", ports: [{ port: 443, targetPort: 8443 }] },
        { namespace: "istio-system" },
      );
    const web = deployment("web", {}, "istio-system");
    assert.deepEqual(
      blind([gw, web, edge({ istio: "ingressgateway" })], [gw, web, edge({ app: "web" })]),
      moved,
    );
  });
});

describe("what the mesh hangs on", () => {
  const webhook: Manifest = {
    ...manifest("MutatingWebhookConfiguration", "i", {}, { labels: { "istio.io/rev": "default" } }),
    apiVersion: "admissionregistration.k8s.io/v1",
    webhooks: [{ name: "namespace.sidecar-injector.istio.io" }],
  };
  const renamed = { ...webhook, metadata: { ...webhook.metadata, name: "j" } };
  const injector = (config: object | string) => ({
    ...manifest("ConfigMap", "istio-sidecar-injector", {}, { namespace: "istio-system" }),
    data: { config: typeof config === "string" ? config : stringify(config) },
  });

  test("and is gone: the injector's webhook, its settings, the mesh's", () => {
    const text = "is gone, and what becomes of the pods then is not read here";
    for (const object of [webhook, injector("policy: enabled\n"), meshSettings()]) {
      assert.deepEqual(blind([object], []), [text]);
      assert.deepEqual(blind([object], [object]), []);
    }
    assert.deepEqual(blind([webhook], [renamed]), []);
    const nothing = compare(platformOf([webhook]), platformOf([]));
    assert.deepEqual(nothing.blind, []);
  });

  for (const [name, value, read] of [
    ["defaultVirtualServiceExportTo", ["."], ["*"]],
    ["defaultServiceExportTo", ["."], ["*"]],
    ["defaultDestinationRuleExportTo", ["."], []],
    ["discoverySelectors", [{ matchLabels: { a: "b" } }], []],
    ["defaultConfig", { interceptionMode: "NONE" }, { interceptionMode: "REDIRECT" }],
  ] as const)
    test(`as it was before: ${name} of the mesh`, () => {
      const gw = manifest("Gateway", "x", gateway({}));
      const said = (v: unknown) =>
        blind([gw, meshSettings({ [name]: v })], [gw, meshSettings({ [name]: v })]);
      assert.deepEqual(said(read), []);
      assert.equal(said(value).length, 1);
      const route = manifest("VirtualService", "x", { ...routes({}), gateways: ["x"] });
      const platform = platformOf([...base, gw, route, meshSettings({ [name]: value })]);
      assert.ok(compare(platform, platform).notJudged.length > 0);
    });

  for (const name of ["neverInjectSelector", "alwaysInjectSelector"])
    test(`as it was before: ${name} of the injector, for the pods that it takes`, () => {
      const labels = { "sidecar.istio.io/inject": name.startsWith("never") ? "true" : "false" };
      const pods = [deployment("job", { labels }), deployment("web")];
      const asked = (selector: object, json = false) => {
        const config = { policy: "enabled", [name]: [selector], templates: { sidecar: "a\nb" } };
        const text = json ? JSON.stringify(config) : stringify(config, { indentSeq: false });
        const platform = platformOf([...base, ...pods, injector(text)]);
        const c = compare(platform, platform);
        assert.equal(judged(c), false);
        return new Set(c.notJudged.map((x) => x.about.split(":")[0]));
      };
      for (const json of [false, true])
        assert.deepEqual([...asked({ matchLabels: { app: "job" } }, json)], ["bank/job"]);
      assert.ok(asked({ matchExpressions: [{ key: "a", operator: "Exists" }] }).size > 1);
      assert.deepEqual(blind([injector({ [name]: [] })], [injector({ [name]: [] })]), []);
    });
});

describe("what changed and decides nothing", () => {
  for (const [what, kind, before, after] of [
    ["the numbers of a node's ports", "Service", { nodePort: 30080 }, { nodePort: 30081 }],
    ["how long a route may take", "VirtualService", { timeout: "1s" }, { timeout: "2s" }],
    ["how often a route is tried", "VirtualService", {}, { retries: { attempts: 3 } }],
    ["how requests are spread", "DestinationRule", {}, { loadBalancer: { simple: "RANDOM" } }],
  ] as const)
    test(what, () => {
      const of = {
        Service: (m: object) => leading({ ports: [{ port: 90, ...m }] }),
        VirtualService: (m: object) => routes(m),
        DestinationRule: (m: object) => ({ host: "users", trafficPolicy: m }),
      }[kind];
      assert.deepEqual(changed(kind, of(before), of(after)), []);
    });

  test("versions in labels", () => {
    const version = (v: string) => (o: Manifest) => ({
      ...o,
      metadata: { ...o.metadata, labels: { ...o.metadata.labels, "helm.sh/chart": v } },
    });
    const c = compare(platformOf(base.map(version("1"))), platformOf(base.map(version("2"))));
    assert.deepEqual([c.blind, c.changes, judged(c)], [[], [], true]);
  });

  test("the order of a list's entries, and one that is new", () => {
    const [a, b] = ["a", "b"].map((issuer) => ({ issuer, jwks: issuer }));
    const authentication = (...jwtRules: object[]) =>
      manifest("RequestAuthentication", "x", {
        selector: { matchLabels: { app: "nobody" } },
        jwtRules,
      });
    assert.deepEqual(blind([authentication(a!, b!)], [authentication(b!, a!)]), []);
    assert.deepEqual(blind([authentication(a!)], [authentication(b!, a!)]), []);
  });
});
