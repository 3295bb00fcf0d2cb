import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clientTlsOf } from "../../meaning/evaluate/client-tls.ts";
import { modeOn, mtlsOf } from "../../meaning/evaluate/peer-authentication.ts";
import { answer } from "../../meaning/answer.ts";
import type { Caller } from "../../meaning/evaluate/request.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, injected, manifest, meshSettings, service } from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const root = "istio-system";
const mode = (m?: string) => (m === undefined ? {} : { mtls: { mode: m } });
const policy = (namespace: string, spec: object, name = "default") =>
  manifest("PeerAuthentication", name, spec, { namespace });
const foo = { selector: { matchLabels: { app: "foo" } } };

// the table of Istio's own test of composed policies; where times differ there, names do here
describe("the mode of a workload", () => {
  for (const [what, policies, expected] of [
    ["no policy", [], "PERMISSIVE"],
    ["of the mesh", [policy(root, mode("STRICT"))], "STRICT"],
    [
      "of the namespace before the mesh",
      [
        policy(root, { selector: { matchLabels: {} }, ...mode("STRICT") }),
        policy("ns", mode("PERMISSIVE")),
      ],
      "PERMISSIVE",
    ],
    [
      "a selector in the root namespace counts for nothing",
      [policy(root, { ...foo, ...mode("STRICT") })],
      "PERMISSIVE",
    ],
    ["a workload that says nothing", [policy("ns", {}), policy("ns", foo, "foo")], "PERMISSIVE"],
    [
      "a namespace before a mesh that says DISABLE",
      [policy("ns", mode("PERMISSIVE")), policy(root, mode("DISABLE"))],
      "PERMISSIVE",
    ],
    [
      "the first of several of the mesh",
      [policy(root, mode("DISABLE"), "b"), policy(root, mode("STRICT"), "a")],
      "STRICT",
    ],
    [
      "the first of several of the namespace",
      [policy("ns", mode("DISABLE"), "b"), policy("ns", mode("STRICT"), "a")],
      "STRICT",
    ],
    [
      "the first of several of the workload",
      [
        policy("ns", { ...foo, ...mode("DISABLE") }, "b"),
        policy("ns", { ...foo, ...mode("STRICT") }, "a"),
      ],
      "STRICT",
    ],
    [
      "a workload of other labels",
      [policy("ns", { selector: { matchLabels: { app: "bar" } }, ...mode("STRICT") })],
      "PERMISSIVE",
    ],
    ["UNSET in the mesh", [policy(root, mode("UNSET"))], "PERMISSIVE"],
    ["mesh to workload", [policy(root, mode("STRICT")), policy("ns", foo, "foo")], "STRICT"],
    ["namespace to workload", [policy("ns", mode("STRICT")), policy("ns", foo, "foo")], "STRICT"],
    [
      "mesh to namespace to workload",
      [policy(root, mode("STRICT")), policy("ns", mode("UNSET")), policy("ns", foo, "foo")],
      "STRICT",
    ],
    ["another namespace's", [policy("other", mode("STRICT"))], "PERMISSIVE"],
  ] as readonly (readonly [string, Manifest[], string])[])
    test(`${what}: ${expected}`, () => {
      const platform = platformOf(policies);
      assert.equal(mtlsOf(platform, { namespace: "ns", labels: { app: "foo" } }).mode, expected);
    });

  test("of single ports, and those that say nothing take the workload's", () => {
    const portLevelMtls = { 80: mode("DISABLE").mtls, 90: mode("UNSET").mtls, 100: {} };
    const found = mtlsOf(
      platformOf([policy("ns", { ...foo, ...mode("STRICT"), portLevelMtls }, "foo")]),
      { namespace: "ns", labels: { app: "foo" } },
    );
    assert.deepEqual(
      [80, 90, 100, 110].map((p) => modeOn(found, p)),
      ["DISABLE", "STRICT", "STRICT", "STRICT"],
    );
  });
});

describe("how a client dials", () => {
  const rule = (namespace: string, host: string, tls: string | undefined, more: Json = {}) =>
    manifest(
      "DestinationRule",
      more.name ?? `r-${host.replaceAll("*", "any")}`,
      { host, ...(tls && { trafficPolicy: { tls: { mode: tls } } }), ...more.spec },
      { namespace },
    );
  const host = "users.bank.svc.cluster.local";
  const dialled = (rules: Manifest[], dial: Json = {}) =>
    clientTlsOf(platformOf(rules), {
      ...{
        client: { namespace: "shop", labels: { app: "web" } },
        host,
        namespace: "bank",
        port: 80,
      },
      ...dial,
    }).mode;
  const portRule = { portLevelSettings: [{ port: { number: 80 }, tls: { mode: "SIMPLE" } }] };
  for (const [what, rules, dial, expected] of [
    ["no rule", [], {}, undefined],
    ["its own namespace's", [rule("shop", host, "DISABLE")], {}, "DISABLE"],
    ["the Service's namespace's", [rule("bank", host, "DISABLE")], {}, "DISABLE"],
    ["the root namespace's", [rule(root, "*.local", "ISTIO_MUTUAL")], {}, "ISTIO_MUTUAL"],
    ["a third namespace's", [rule("mall", host, "DISABLE")], {}, undefined],
    ["a short name is of the rule's namespace", [rule("bank", "users", "DISABLE")], {}, "DISABLE"],
    ["a short name of another", [rule("shop", "users", "DISABLE")], {}, undefined],
    [
      "its own before the Service's",
      [rule("shop", "*.local", "SIMPLE"), rule("bank", host, "DISABLE")],
      {},
      "SIMPLE",
    ],
    [
      "the Service's before the root's",
      [rule("bank", host, "DISABLE"), rule(root, "*.local", "ISTIO_MUTUAL")],
      {},
      "DISABLE",
    ],
    [
      "the longer wildcard",
      [rule(root, "*.local", "ISTIO_MUTUAL"), rule(root, "*.bank.svc.cluster.local", "DISABLE")],
      {},
      "DISABLE",
    ],
    [
      "the name before a wildcard",
      [rule(root, "*.bank.svc.cluster.local", "DISABLE"), rule(root, host, "SIMPLE")],
      {},
      "SIMPLE",
    ],
    [
      "a nearer rule without TLS leaves it to Istio",
      [
        rule("shop", host, undefined, { spec: { trafficPolicy: {} } }),
        rule(root, "*.local", "DISABLE"),
      ],
      {},
      undefined,
    ],
    [
      "the Service's, not exported",
      [rule("bank", host, "DISABLE", { spec: { exportTo: ["."] } })],
      {},
      undefined,
    ],
    [
      "the Service's, exported to others",
      [rule("bank", host, "DISABLE", { spec: { exportTo: ["mall"] } })],
      {},
      undefined,
    ],
    [
      "the Service's, exported to the client's",
      [rule("bank", host, "DISABLE", { spec: { exportTo: ["shop"] } })],
      {},
      "DISABLE",
    ],
    [
      "one for clients with other labels",
      [
        rule("shop", host, "DISABLE", {
          spec: { workloadSelector: { matchLabels: { app: "x" } } },
        }),
      ],
      {},
      undefined,
    ],
    [
      "one for clients with these labels",
      [
        rule("shop", host, "DISABLE", {
          spec: { workloadSelector: { matchLabels: { app: "web" } } },
        }),
      ],
      {},
      "DISABLE",
    ],
    [
      "a port of its own",
      [
        rule("shop", host, "DISABLE", {
          spec: { trafficPolicy: { tls: { mode: "DISABLE" }, ...portRule } },
        }),
      ],
      {},
      "SIMPLE",
    ],
    [
      "a port that says nothing of TLS inherits nothing",
      [
        rule("shop", host, undefined, {
          spec: {
            trafficPolicy: {
              tls: { mode: "DISABLE" },
              portLevelSettings: [{ port: { number: 80 } }],
            },
          },
        }),
      ],
      {},
      undefined,
    ],
    [
      "a subset's",
      [
        rule("shop", host, "DISABLE", {
          spec: { subsets: [{ name: "v1", trafficPolicy: { tls: { mode: "SIMPLE" } } }] },
        }),
      ],
      { subset: "v1" },
      "SIMPLE",
    ],
    [
      "a subset that says nothing",
      [rule("shop", host, "DISABLE", { spec: { subsets: [{ name: "v1" }] } })],
      { subset: "v1" },
      "DISABLE",
    ],
    [
      "two of one host: the first with a policy",
      [rule("shop", host, undefined, { name: "a" }), rule("shop", host, "DISABLE", { name: "b" })],
      {},
      "DISABLE",
    ],
  ] as readonly (readonly [string, Manifest[], Json, string | undefined])[])
    test(`${what}: ${expected}`, () => assert.equal(dialled(rules, dial), expected));
});

describe("a connection", () => {
  const mesh: Caller = { kind: "mesh", namespace: "shop", account: "web" };
  const said = (objects: Manifest[], from: Caller, more: Json = {}) => {
    const platform = platformOf([
      injected(),
      deployment("users"),
      service("users", more.service),
      meshSettings(more.mesh),
      ...objects,
    ]);
    const { verdict, reason, mtls } = answer(platform, {
      ...{ from, to: "bank/users", port: 8080, method: "GET", path: "/" },
      ...(more.byAddress ? {} : { via: { host: "users.bank.svc.cluster.local", port: 80 } }),
      ...(more.http === false && { http: false }),
    });
    return verdict === "open"
      ? mtls
        ? "mtls"
        : "plaintext"
      : verdict === "unknown"
        ? "unknown"
        : reason;
  };
  const strict = policy("bank", mode("STRICT"));
  const disable = policy("bank", mode("DISABLE"));
  const dr = (tls: string) =>
    manifest("DestinationRule", "users", { host: "users", trafficPolicy: { tls: { mode: tls } } });
  const certificate: Caller = { kind: "certificate", namespace: "shop", account: "web" };
  const foreign: Caller = { kind: "tls", certificate: "foreign" };
  const none: Caller = { kind: "tls", certificate: "none" };
  const bare = deployment("users", { labels: { "sidecar.istio.io/inject": "false" } });
  for (const [what, objects, from, more, expected] of [
    ["PERMISSIVE, mesh", [], mesh, {}, "mtls"],
    ["PERMISSIVE, plaintext", [], { kind: "plaintext" }, {}, "plaintext"],
    ["STRICT, mesh", [strict], mesh, {}, "mtls"],
    ["STRICT, plaintext", [strict], { kind: "plaintext" }, {}, "tls-required"],
    ["STRICT, a certificate of the mesh", [strict], certificate, {}, "mtls"],
    ["STRICT, a foreign certificate", [strict], foreign, {}, "unknown-ca"],
    ["STRICT, TLS without a certificate", [strict], none, {}, "cert-required"],
    ["STRICT, mesh, by address", [strict], mesh, { byAddress: true }, "no-upstream"],
    ["PERMISSIVE, mesh, by address", [], mesh, { byAddress: true }, "plaintext"],
    ["DISABLE, mesh", [disable], mesh, {}, "plaintext"],
    ["DISABLE, TLS", [disable], foreign, {}, "plaintext-only"],
    ["PERMISSIVE, TLS of the application's", [], foreign, {}, "unknown"],
    ["STRICT, dialled in plaintext", [strict, dr("DISABLE")], mesh, {}, "no-upstream"],
    [
      "STRICT, bytes, dialled in plaintext",
      [strict, dr("DISABLE")],
      mesh,
      { service: { name: "tcp" } },
      "closed",
    ],
    ["PERMISSIVE, dialled in plaintext", [dr("DISABLE")], mesh, {}, "plaintext"],
    ["DISABLE, dialled with mTLS", [disable, dr("ISTIO_MUTUAL")], mesh, {}, "no-upstream"],
    ["STRICT, dialled with TLS of one side", [strict, dr("SIMPLE")], mesh, {}, "no-upstream"],
    ["PERMISSIVE, dialled with TLS of one side", [dr("SIMPLE")], mesh, {}, "unknown"],
    ["no auto mTLS", [], mesh, { mesh: { enableAutoMtls: false } }, "plaintext"],
    ["no sidecar, whatever the policy", [strict, bare], { kind: "plaintext" }, {}, "plaintext"],
    ["no sidecar, dialled with mTLS", [bare, dr("ISTIO_MUTUAL")], mesh, {}, "no-upstream"],
    ["no sidecar, mesh", [strict, bare], mesh, {}, "plaintext"],
    [
      "a port that goes past the sidecar",
      [
        strict,
        deployment("users", {
          annotations: { "traffic.sidecar.istio.io/excludeInboundPorts": "9, 8080" },
        }),
      ],
      { kind: "plaintext" },
      {},
      "plaintext",
    ],
    [
      "another port that does",
      [
        strict,
        deployment("users", {
          annotations: { "traffic.sidecar.istio.io/excludeInboundPorts": "9" },
        }),
      ],
      { kind: "plaintext" },
      {},
      "tls-required",
    ],
    [
      "ports one by one, and not this",
      [
        strict,
        deployment("users", {
          annotations: { "traffic.sidecar.istio.io/includeInboundPorts": "9" },
        }),
      ],
      { kind: "plaintext" },
      {},
      "plaintext",
    ],
  ] as readonly (readonly [string, Manifest[], Caller, Json, string])[])
    test(`${what}: ${expected}`, () => assert.equal(said(objects, from, more), expected));
});
