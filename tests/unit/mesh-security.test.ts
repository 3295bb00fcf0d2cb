import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MeshSecurity, type MeshSecurityArgs } from "../../components/mesh-security.ts";
import { clientRules, namespaceMtls, workloadMtls } from "../../policies/mtls.ts";
import { record } from "./support/mocks.ts";

const peer = "kubernetes:security.istio.io/v1:PeerAuthentication";
const rule = "kubernetes:networking.istio.io/v1:DestinationRule";
const make = (args: MeshSecurityArgs) => record(() => new MeshSecurity("security", args));

describe("specs", () => {
  test("one mode for a namespace", () => {
    assert.deepEqual(namespaceMtls("STRICT"), { mtls: { mode: "STRICT" } });
  });

  test("one mode for a workload", () => {
    assert.deepEqual(workloadMtls({ service: "users", mode: "DISABLE" }), {
      selector: { matchLabels: { app: "users" } },
      mtls: { mode: "DISABLE" },
    });
  });

  test("modes for ports of a workload, in order of number", () => {
    const spec = workloadMtls({ service: "users", ports: { "9090": "STRICT", "808": "DISABLE" } });
    assert.deepEqual(spec, {
      selector: { matchLabels: { app: "users" } },
      portLevelMtls: { "808": { mode: "DISABLE" }, "9090": { mode: "STRICT" } },
    });
    assert.deepEqual(Object.keys(spec.portLevelMtls ?? {}), ["808", "9090"]);
  });

  const rules = (destinationRule: MeshSecurityArgs["destinationRule"]) =>
    clientRules({ namespace: "bank", ...(destinationRule && { destinationRule }) }, "root").map(
      ({ namespace, name, spec }) => [
        `${namespace}/${name}`,
        spec.host,
        spec.trafficPolicy?.tls?.mode,
      ],
    );

  test("clients' rules are about the namespace, some of its services, or the whole mesh", () => {
    assert.deepEqual(rules(undefined), []);
    assert.deepEqual(rules({ scope: "namespace", services: [], except: ["db.bank.svc"] }), [
      ["bank/dr-mesh-mtls", "*.bank.svc.cluster.local", "ISTIO_MUTUAL"],
      ["bank/plaintext-db-bank-svc", "db.bank.svc", "DISABLE"],
    ]);
    assert.deepEqual(rules({ scope: "services", services: ["users"], except: [] }), [
      ["bank/users-mtls", "users.bank.svc.cluster.local", "ISTIO_MUTUAL"],
    ]);
    assert.deepEqual(rules({ scope: "mesh", services: [], except: ["api.default.svc"] }), [
      ["root/dr-mesh-mtls", "*.local", "ISTIO_MUTUAL"],
      ["root/plaintext-api-default-svc", "api.default.svc", "DISABLE"],
    ]);
  });
});

describe("MeshSecurity", () => {
  for (const mtlsMode of ["PERMISSIVE", "STRICT", "DISABLE"] as const) {
    test(`${mtlsMode}: one object, default, in the bank's namespace`, async () => {
      const recording = await make({ mtlsMode, namespace: "bank" });
      assert.deepEqual(recording.below("security"), [`${peer} security-namespace-mtls`]);
      assert.deepEqual(recording.get(peer, "security-namespace-mtls").inputs, {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "default", namespace: "bank" },
        spec: { mtls: { mode: mtlsMode } },
      });
    });
  }

  test("the mode stands on the component, where a preview shows it change", async () => {
    const recording = await make({
      mtlsMode: "STRICT",
      meshMtlsMode: "PERMISSIVE",
      namespace: "b",
    });
    assert.deepEqual(recording.get("bankmesh:mesh:MeshSecurity", "security").inputs, {
      mtlsMode: "STRICT",
      meshMtlsMode: "PERMISSIVE",
      namespace: "b",
    });
  });

  test("mesh-wide and workload objects beside it", async () => {
    const recording = await make({
      mtlsMode: "PERMISSIVE",
      meshMtlsMode: "STRICT",
      workloadMtls: [
        { service: "users", mode: "DISABLE" },
        { service: "default", ports: { "8080": "STRICT" } },
      ],
      namespace: "bank",
    });
    const made = recording.resources
      .filter((r) => r.type === peer)
      .map((r) => [r.name, r.inputs.metadata, r.inputs.spec]);
    assert.deepEqual(made, [
      [
        "security-namespace-mtls",
        { name: "default", namespace: "bank" },
        { mtls: { mode: "PERMISSIVE" } },
      ],
      [
        "security-mesh-mtls",
        { name: "default", namespace: "istio-system" },
        { mtls: { mode: "STRICT" } },
      ],
      [
        "security-workload-users-mtls",
        { name: "users-mtls", namespace: "bank" },
        workloadMtls({ service: "users", mode: "DISABLE" }),
      ],
      [
        "security-workload-default-mtls",
        { name: "default-mtls", namespace: "bank" },
        workloadMtls({ service: "default", ports: { "8080": "STRICT" } }),
      ],
    ]);
  });

  test("destination rules only when they are asked for, with their exceptions", async () => {
    const recording = await make({
      mtlsMode: "STRICT",
      namespace: "bank",
      destinationRule: {
        ...{ scope: "namespace", services: [] },
        except: ["db.bank.svc.cluster.local"],
      },
    });
    assert.deepEqual(recording.below("security"), [
      `${rule} security-client-mtls`,
      `${rule} security-db-bank-svc-cluster-local-plaintext`,
      `${peer} security-namespace-mtls`,
    ]);
    assert.deepEqual(recording.get(rule, "security-client-mtls").inputs, {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "dr-mesh-mtls", namespace: "bank" },
      spec: {
        host: "*.bank.svc.cluster.local",
        trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } },
      },
    });
    const plaintext = recording.get(rule, "security-db-bank-svc-cluster-local-plaintext").inputs;
    assert.deepEqual(plaintext.metadata, {
      name: "plaintext-db-bank-svc-cluster-local",
      namespace: "bank",
    });
    assert.deepEqual(plaintext.spec, {
      host: "db.bank.svc.cluster.local",
      trafficPolicy: { tls: { mode: "DISABLE" } },
    });
  });

  test("fails before any API call on a mode that the CRD does not know", async () => {
    await assert.rejects(
      make({ mtlsMode: "ON" as never, namespace: "bank" }),
      /PeerAuthentication default is not what the CRD allows:\n {2}spec\.mtls\.mode: is "ON", allowed is one of UNSET, DISABLE, PERMISSIVE, STRICT/,
    );
  });
});
