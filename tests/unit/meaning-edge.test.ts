import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { answer } from "../../meaning/answer.ts";
import type { EdgeRequest } from "../../meaning/evaluate/request.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import {
  deployment,
  gatewayObjects,
  injected,
  manifest,
  meshSettings,
  service,
} from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const selector = { istio: "ingressgateway" };
const server = (number: number, protocol: string, hosts: string[], tls?: object) => ({
  ...{ port: { number, name: `p${number}${hosts[0]}`, protocol }, hosts },
  ...(tls && { tls }),
});
const gateway = (...servers: object[]) => manifest("Gateway", "gw", { selector, servers });
const routes = (http: object[], more: Json = {}) =>
  manifest("VirtualService", more.name ?? "vs", {
    ...{ hosts: ["app.local"], gateways: ["gw"], http },
    ...more.spec,
  });
const users = [{ destination: { host: "users", port: { number: 80 } } }];
const secure = (mode: string, more: object = {}) =>
  server(443, "HTTPS", ["app.local"], { mode, credentialName: "c", ...more });
const base = [
  injected(),
  deployment("users"),
  service("users"),
  ...gatewayObjects(),
  meshSettings(),
];

function said(objects: Manifest[], request: Json = {}): string {
  const platform = platformOf([...base, ...objects]);
  const { tls } = request;
  const asked = {
    ...{ from: { kind: "outside" }, door: "istio-system/istio-ingressgateway", host: "app.local" },
    ...{ port: tls ? 443 : 80, method: "GET", path: "/" },
    ...request,
    ...(tls && { tls: { serverName: "app.local", certificate: "none", ...tls } }),
  } as EdgeRequest;
  const { verdict, reason, location } = answer(platform, asked);
  return verdict === "open" ? "open" : verdict === "unknown" ? "unknown" : (location ?? reason);
}

describe("a gateway's servers", () => {
  const open = routes([{ route: users }]);
  const http = gateway(server(80, "HTTP", ["app.local"]));
  const mutual = gateway(secure("MUTUAL"));
  const own = { tls: { certificate: "trusted" } };
  const other = { tls: { certificate: "foreign" } };
  for (const [what, objects, request, expected] of [
    ["HTTP", [http, open], {}, "open"],
    ["HTTP, another port", [http, open], { port: 81 }, "unreachable"],
    ["HTTP, spoken to in TLS", [http, open], { tls: {}, port: 80 }, "plaintext-only"],
    ["HTTP, another host", [http, open], { host: "other.local" }, "not-found"],
    ["HTTP, the host with its port, in capitals", [http, open], { host: "APP.local:8080" }, "open"],
    ["SIMPLE", [gateway(secure("SIMPLE")), open], { tls: {} }, "open"],
    ["SIMPLE, plaintext", [gateway(secure("SIMPLE")), open], { port: 443 }, "tls-required"],
    [
      "SIMPLE, another server name",
      [gateway(secure("SIMPLE")), open],
      { tls: { serverName: "x" } },
      "tls-refused",
    ],
    [
      "SIMPLE, no server name",
      [gateway(secure("SIMPLE")), open],
      { tls: { serverName: "" } },
      "tls-refused",
    ],
    [
      "SIMPLE, TLS 1.1",
      [gateway(secure("SIMPLE")), open],
      { tls: { version: "TLSV1_1" } },
      "protocol-version",
    ],
    [
      "SIMPLE from 1.1 on, TLS 1.1",
      [gateway(secure("SIMPLE", { minProtocolVersion: "TLSV1_1" })), open],
      { tls: { version: "TLSV1_1" } },
      "open",
    ],
    [
      "SIMPLE from 1.3 on, TLS 1.2",
      [gateway(secure("SIMPLE", { minProtocolVersion: "TLSV1_3" })), open],
      { tls: { version: "TLSV1_2" } },
      "protocol-version",
    ],
    ["MUTUAL, no certificate", [mutual, open], { tls: {} }, "cert-required"],
    ["MUTUAL, its own", [mutual, open], own, "open"],
    ["MUTUAL, another CA's", [mutual, open], other, "unknown-ca"],
    [
      "OPTIONAL_MUTUAL, no certificate",
      [gateway(secure("OPTIONAL_MUTUAL")), open],
      { tls: {} },
      "open",
    ],
    [
      "OPTIONAL_MUTUAL, another CA's",
      [gateway(secure("OPTIONAL_MUTUAL")), open],
      other,
      "unknown-ca",
    ],
    ["ISTIO_MUTUAL, somebody outside", [gateway(secure("ISTIO_MUTUAL")), open], own, "unknown-ca"],
    [
      "AUTO_PASSTHROUGH",
      [gateway(server(443, "TLS", ["*"], { mode: "AUTO_PASSTHROUGH" }))],
      { tls: {} },
      "unknown",
    ],
    [
      "the nearest of several names",
      [
        gateway(
          secure("MUTUAL"),
          server(443, "HTTPS", ["*.local"], { mode: "SIMPLE", credentialName: "d" }),
        ),
        open,
      ],
      { tls: {} },
      "cert-required",
    ],
    [
      "a server for all names, none said",
      [gateway(server(443, "HTTPS", ["*"], { mode: "SIMPLE", credentialName: "c" })), open],
      { tls: { serverName: "" } },
      "open",
    ],
    [
      "httpsRedirect",
      [gateway(server(80, "HTTP", ["app.local"], { httpsRedirect: true })), open],
      { path: "/a?b" },
      "https://app.local/a?b",
    ],
    [
      "a Gateway for other pods",
      [
        manifest("Gateway", "gw", {
          selector: { istio: "egress" },
          servers: [server(80, "HTTP", ["*"])],
        }),
        open,
      ],
      {},
      "unreachable",
    ],
    [
      "a host for another namespace",
      [gateway(server(80, "HTTP", ["shop/app.local"])), open],
      {},
      "not-found",
    ],
    [
      "a host for its own namespace",
      [gateway(server(80, "HTTP", ["./app.local"])), open],
      {},
      "open",
    ],
  ] as readonly (readonly [string, Manifest[], Json, string])[])
    test(`${what}: ${expected}`, () => assert.equal(said(objects, request), expected));

  test("TLS that the gateway hands on goes by the server's name", () => {
    const through = gateway(server(443, "TLS", ["app.local"], { mode: "PASSTHROUGH" }));
    const tls = [{ match: [{ port: 443, sniHosts: ["app.local"] }], route: users }];
    const vs = routes([], { spec: { tls } });
    assert.equal(said([through, vs], { tls: {} }), "open");
    const elsewhere = routes([], {
      spec: { tls: [{ ...tls[0], match: [{ sniHosts: ["x.local"] }] }] },
    });
    assert.equal(said([through, elsewhere], { tls: {} }), "closed");
  });

  test("a Gateway's port is the Service's, and its proxy listens on the one behind", () => {
    const moved = gatewayObjects().map((o) => structuredClone(o) as Json);
    const [, svc] = moved;
    svc.spec.ports.find((p: Json) => p.port === 80).targetPort = 8080;
    const platform = platformOf([
      ...base.filter((o) => o.metadata.name !== svc.metadata.name),
      ...moved,
      http,
      open,
    ]);
    const request = {
      from: { kind: "outside" },
      door: "istio-system/istio-ingressgateway",
      host: "app.local",
      method: "GET",
      path: "/",
    } as const;
    assert.equal(answer(platform, { ...request, port: 8080 }).verdict, "open");
    assert.equal(answer(platform, { ...request, port: 80 }).reason, "unreachable");
  });
});

describe("a gateway's routes", () => {
  const http = gateway(server(80, "HTTP", ["app.local"]));
  const matching = (...match: object[]) => [http, routes([{ match, route: users }])];
  const direct = (status: number) => ({ directResponse: { status } });
  for (const [what, objects, request, expected] of [
    ["exact", matching({ uri: { exact: "/a" } }), { path: "/a?x=1" }, "open"],
    ["exact, below", matching({ uri: { exact: "/a" } }), { path: "/a/b" }, "not-found"],
    [
      "a prefix takes whatever begins so",
      matching({ uri: { prefix: "/a" } }),
      { path: "/ab" },
      "open",
    ],
    [
      "an expression is about all of it",
      matching({ uri: { regex: "/a+" } }),
      { path: "/aab" },
      "not-found",
    ],
    ["an expression", matching({ uri: { regex: "/a+" } }), { path: "/aa" }, "open"],
    ["case", matching({ uri: { exact: "/a" } }), { path: "/A" }, "not-found"],
    [
      "without regard to case",
      matching({ uri: { exact: "/a" }, ignoreUriCase: true }),
      { path: "/A" },
      "open",
    ],
    ["a method", matching({ method: { exact: "PUT" } }), {}, "not-found"],
    [
      "a header",
      matching({ headers: { "x-a": { prefix: "b" } } }),
      { headers: { "x-a": "bc" } },
      "open",
    ],
    ["a header that is not there", matching({ headers: { "x-a": {} } }), {}, "not-found"],
    [
      "a header that may not be there",
      matching({ withoutHeaders: { "x-a": {} } }),
      { headers: { "x-a": "" } },
      "not-found",
    ],
    [
      "a parameter",
      matching({ queryParams: { a: { exact: "1" } } }),
      { path: "/?b=2&a=1" },
      "open",
    ],
    ["the scheme", matching({ scheme: { exact: "https" } }), {}, "not-found"],
    ["the port of another server", matching({ port: 443 }), {}, "not-found"],
    ["another gateway", matching({ gateways: ["other"] }), {}, "not-found"],
    ["labels of other proxies", matching({ sourceLabels: { app: "x" } }), {}, "not-found"],
    ["claims", matching({ headers: { "@request.auth.claims.a": { exact: "b" } } }), {}, "unknown"],
    [
      "all of one match",
      matching({ uri: { prefix: "/" }, method: { exact: "PUT" } }),
      {},
      "not-found",
    ],
    [
      "one of several matches",
      matching({ uri: { exact: "/a" } }, { uri: { exact: "/" } }),
      {},
      "open",
    ],
    [
      "the first that matches",
      [http, routes([{ match: [{ uri: { prefix: "/a" } }], ...direct(404) }, { route: users }])],
      { path: "/a" },
      "not-found",
    ],
    [
      "what takes all comes last",
      [
        http,
        routes([{ ...direct(200) }], { name: "a" }),
        routes([{ match: [{ uri: { exact: "/b" } }], route: users }], { name: "b" }),
      ],
      { path: "/b" },
      "open",
    ],
    ["an answer of its own", [http, routes([direct(200)])], {}, "other-status"],
    [
      "a redirect",
      [http, routes([{ redirect: { scheme: "https", port: 8443 } }])],
      { path: "/a?b" },
      "https://app.local:8443/a?b",
    ],
    [
      "a redirect elsewhere",
      [http, routes([{ redirect: { uri: "/x", authority: "b.local" } }])],
      {},
      "http://b.local/x",
    ],
    [
      "a Service that is not there",
      [http, routes([{ route: [{ destination: { host: "nobody" } }] }])],
      {},
      "no-upstream",
    ],
    [
      "a port that is not there",
      [http, routes([{ route: [{ destination: { host: "users", port: { number: 81 } } }] }])],
      {},
      "no-upstream",
    ],
    [
      "a subset that is not there",
      [http, routes([{ route: [{ destination: { host: "users", subset: "v2" } }] }])],
      {},
      "no-upstream",
    ],
    [
      "a destination without weight",
      [
        http,
        routes([
          {
            route: [
              { destination: { host: "nobody" }, weight: 100 },
              { ...users[0], weight: 0 },
            ],
          },
        ]),
      ],
      {},
      "no-upstream",
    ],
    [
      "one of two destinations",
      [
        http,
        routes([
          {
            route: [
              { destination: { host: "nobody" }, weight: 1 },
              { ...users[0], weight: 1 },
            ],
          },
        ]),
      ],
      {},
      "open",
    ],
    [
      "not exported",
      [http, routes([{ route: users }], { spec: { exportTo: ["."] } })],
      {},
      "not-found",
    ],
    [
      "exported to the gateway",
      [http, routes([{ route: users }], { spec: { exportTo: ["istio-system"] } })],
      {},
      "open",
    ],
    [
      "of another gateway",
      [http, routes([{ route: users }], { spec: { gateways: ["shop/gw"] } })],
      {},
      "not-found",
    ],
  ] as readonly (readonly [string, Manifest[], Json, string])[])
    test(`${what}: ${expected}`, () => assert.equal(said(objects, request), expected));

  test("rules in front of the container see the rewritten path, host and headers", () => {
    const rule = {
      to: [{ operation: { paths: ["/in"], hosts: ["in.local"] } }],
      when: [{ key: "request.headers[x-a]", values: ["1"] }],
    };
    const allow = manifest("AuthorizationPolicy", "users", { rules: [rule] });
    const changes = {
      rewrite: { uri: "/in", authority: "in.local" },
      headers: { request: { set: { "X-A": "1" } } },
    };
    const match = [{ uri: { exact: "/out" } }];
    assert.equal(
      said([http, allow, routes([{ match, route: users, ...changes }])], { path: "/out" }),
      "open",
    );
    assert.equal(
      said([http, allow, routes([{ match, route: users }])], { path: "/out" }),
      "rbac-denied",
    );
  });

  test("the gateway is the caller, by its own account", () => {
    const only = (account: string) =>
      manifest("AuthorizationPolicy", "users", {
        rules: [
          { from: [{ source: { principals: [`cluster.local/ns/istio-system/sa/${account}`] } }] },
        ],
      });
    const open = routes([{ route: users }]);
    assert.equal(said([http, open, only("istio-ingressgateway")]), "open");
    assert.equal(said([http, open, only("istiod")]), "rbac-denied");
  });
});
