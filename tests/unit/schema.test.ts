import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { type IstioKind, apiVersionOf, validateSpec } from "../../policies/schema.ts";
import { extract, kinds } from "../../policies/schemas/extract.ts";
import { root } from "./support/settings.ts";

describe("validateSpec allows what Istio allows", () => {
  const rows: [IstioKind, object][] = [
    ["PeerAuthentication", { mtls: { mode: "STRICT" } }],
    ["PeerAuthentication", { selector: undefined, mtls: { mode: "DISABLE" } }],
    ["Gateway", { servers: [{ port: { number: 80, name: "h", protocol: "HTTP" }, hosts: ["*"] }] }],
    ["VirtualService", { hosts: ["a.b"], http: [{ redirect: { port: 443 } }] }],
    ["DestinationRule", { host: "a", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }],
    ["RequestAuthentication", { jwtRules: [{ issuer: "i", jwks: "{}" }] }],
    ["AuthorizationPolicy", { action: "DENY", rules: [{ to: [{ operation: { ports: ["1"] } }] }] }],
    ["AuthorizationPolicy", {}],
  ];
  for (const [kind, spec] of rows) {
    test(`${kind} ${JSON.stringify(spec)}`, () => {
      assert.deepEqual(validateSpec(kind, spec), []);
    });
  }
});

describe("validateSpec names the field that the CRD does not allow", () => {
  const rows: [IstioKind, object, string][] = [
    ["PeerAuthentication", { mtsl: {} }, "spec.mtsl: there is no such field"],
    [
      "PeerAuthentication",
      { mtls: { mode: "ON" } },
      'spec.mtls.mode: is "ON", allowed is one of UNSET, DISABLE, PERMISSIVE, STRICT',
    ],
    [
      "Gateway",
      { servers: [{ port: { number: 80, name: "h", protocol: "HTTP" }, hosts: ["*"], tsl: {} }] },
      "spec.servers[0].tsl: there is no such field",
    ],
    [
      "Gateway",
      { servers: [{ port: { number: "80", name: "h", protocol: "HTTP" }, hosts: ["*"] }] },
      "spec.servers[0].port.number: must be integer",
    ],
    [
      "VirtualService",
      { http: [{ route: [{ destination: {} }] }] },
      "spec.http[0].route[0].destination: must have required property 'host'",
    ],
    ["DestinationRule", {}, "spec: must have required property 'host'"],
    [
      "AuthorizationPolicy",
      { rules: [{ from: [{ source: { principal: ["a"] } }] }] },
      "spec.rules[0].from[0].source.principal: there is no such field",
    ],
  ];
  for (const [kind, spec, line] of rows) {
    test(line, () =>
      assert.ok(validateSpec(kind, spec).includes(line), String(validateSpec(kind, spec))),
    );
  }

  test("all of them at once", () => {
    const spec = { mtls: { mode: "ON" }, selector: { labels: {} }, other: 1 };
    assert.deepEqual(validateSpec("PeerAuthentication", spec).sort(), [
      'spec.mtls.mode: is "ON", allowed is one of UNSET, DISABLE, PERMISSIVE, STRICT',
      "spec.other: there is no such field",
      "spec.selector.labels: there is no such field",
    ]);
  });
});

test("kinds and their API versions are those of the extraction", () => {
  for (const [kind, apiVersion] of Object.entries(kinds)) {
    assert.equal(apiVersionOf(kind as IstioKind), apiVersion);
  }
});

describe("istio-crds.json", () => {
  const file = path.join(root, "policies/schemas/istio-crds.json");
  const stored = fs.readFileSync(file, "utf8");

  test("holds the program's kinds, sorted", () => {
    const schemas = JSON.parse(stored) as Record<string, { type: string }>;
    assert.deepEqual(Object.keys(schemas), Object.keys(kinds).sort());
    for (const schema of Object.values(schemas)) assert.equal(schema.type, "object");
  });

  test("is what extract.ts makes of the vendored chart's CRDs", () => {
    const crds = path.join(root, "sources/charts/base/files/crd-all.gen.yaml");
    const made: unknown = JSON.parse(extract(fs.readFileSync(crds, "utf8")));
    assert.deepEqual(JSON.parse(stored), made);
  });
});

describe("extract", () => {
  const crd = (kind: string, group: string, spec: string) => `
kind: CustomResourceDefinition
spec:
  group: ${group}
  names: { kind: ${kind} }
  versions:
    - { name: v1beta1, schema: { openAPIV3Schema: { properties: { spec: { type: string } } } } }
    - { name: v1, schema: { openAPIV3Schema: { properties: { spec: ${spec} } } } }
`;
  const one = (spec: string) =>
    (JSON.parse(extract(crd("Gateway", "networking.istio.io", spec))) as { Gateway: unknown })
      .Gateway;

  test("takes version v1 of the program's kinds in Istio's group, and no other", () => {
    const text = [
      crd("Gateway", "gateway.networking.k8s.io", "{}"),
      crd("WasmPlugin", "extensions.istio.io", "{}"),
      crd("Gateway", "networking.istio.io", "{ type: object }"),
    ].join("---");
    assert.deepEqual(JSON.parse(extract(text)), { Gateway: { type: "object" } });
  });

  test("leaves out prose and Kubernetes' extensions, closes objects", () => {
    const spec =
      "{ type: object, description: x, x-kubernetes-validations: [], properties: { description: { type: string, format: y } } }";
    assert.deepEqual(one(spec), {
      type: "object",
      properties: { description: { type: "string" } },
      additionalProperties: false,
    });
  });

  test("maps stay open, and so does what keeps unknown fields", () => {
    assert.deepEqual(one("{ type: object, additionalProperties: { type: string } }"), {
      type: "object",
      additionalProperties: { type: "string" },
    });
    const open = "{ type: object, x-kubernetes-preserve-unknown-fields: true, properties: {} }";
    assert.deepEqual(one(open), { type: "object", properties: {} });
  });

  test("int-or-string takes both", () => {
    assert.deepEqual(one("{ x-kubernetes-int-or-string: true }"), { type: ["integer", "string"] });
  });
});
