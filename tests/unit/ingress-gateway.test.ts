import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { IngressGateway, type IngressGatewayArgs } from "../../components/ingress-gateway.ts";
import { gatewayValues } from "../../components/istio-values.ts";
import { gatewaySpec, virtualServiceSpec } from "../../policies/routing.ts";
import { type RecordOptions, record, unknown } from "./support/mocks.ts";
import { airgap, official, settings } from "./support/settings.ts";

const service = { type: "NodePort", nodePorts: { http: 30080, https: 30043 } } as const;
const routes = [{ prefix: "/users", destination: "users.bank.svc.cluster.local", port: 80 }];

function args(gatewayTls: IngressGatewayArgs["gatewayTls"]): IngressGatewayArgs {
  return {
    gatewayTls,
    host: "app.local",
    httpsPort: 8443,
    namespace: "bank",
    routes,
    service,
    serverCertPem: pulumi.output("server certificate"),
    serverKeyPem: pulumi.secret("server key"),
    clientCaPem: pulumi.output("client CA"),
    istio: settings().istio,
    sources: official.istio,
  };
}
const make = (a: IngressGatewayArgs, options?: RecordOptions) =>
  record(() => new IngressGateway("edge", a), options);

const chart = "kubernetes:helm.sh/v4:Chart";
const secret = "kubernetes:core/v1:Secret";
const gateway = "kubernetes:networking.istio.io/v1:Gateway";
const virtualService = "kubernetes:networking.istio.io/v1:VirtualService";
const always = [`${chart} edge-proxy`, `${gateway} edge-gateway`, `${virtualService} edge-routes`];

describe("IngressGateway", () => {
  const secrets = {
    NONE: [],
    SIMPLE: [`${secret} edge-edge-tls`],
    MUTUAL: [`${secret} edge-edge-mtls`],
  };
  for (const [mode, credentials] of Object.entries(secrets)) {
    for (const preview of [true, false]) {
      test(`children in ${mode}, ${preview ? "preview" : "update"}`, async () => {
        const recording = await make(args(mode as keyof typeof secrets), { preview });
        assert.deepEqual(recording.below("edge"), [...always, ...credentials].sort());
        assert.deepEqual(recording.get("bankmesh:edge:IngressGateway", "edge").inputs, {
          gatewayTls: mode,
          host: "app.local",
        });
      });
    }
  }

  test("the proxy's chart, released under the name that its identity has", async () => {
    const recording = await make(args("SIMPLE"));
    const proxy = recording.get(chart, "edge-proxy");
    assert.deepEqual(proxy.inputs, {
      name: "istio-ingressgateway",
      namespace: "istio-system",
      chart: "gateway",
      version: "1.31.1",
      repositoryOpts: { repo: "https://blob.istio.io/istio-release/charts" },
      values: gatewayValues(args("SIMPLE"), service),
    });
    assert.equal(proxy.transforms, 1);
  });

  test("the proxy's chart from a file", async () => {
    const recording = await make({ ...args("NONE"), sources: airgap.istio });
    const { chart: file, version } = recording.get(chart, "edge-proxy").inputs;
    assert.deepEqual([file, version], ["/cache/gateway.tgz", undefined]);
  });

  test("SIMPLE: secret edge-tls in the gateway's namespace", async () => {
    const recording = await make(args("SIMPLE"));
    const credential = recording.get(secret, "edge-edge-tls");
    assert.deepEqual(credential.inputs, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "edge-tls", namespace: "istio-system" },
      type: "Opaque",
      stringData: { "tls.crt": "server certificate", "tls.key": "server key" },
    });
    assert.deepEqual(credential.secrets, ["stringData"]);
  });

  test("MUTUAL: secret edge-mtls with the clients' CA", async () => {
    const recording = await make(args("MUTUAL"));
    const credential = recording.get(secret, "edge-edge-mtls");
    assert.deepEqual(credential.inputs.metadata, { name: "edge-mtls", namespace: "istio-system" });
    assert.deepEqual(credential.inputs.stringData, {
      "tls.crt": "server certificate",
      "tls.key": "server key",
      "ca.crt": "client CA",
    });
  });

  for (const mode of ["NONE", "SIMPLE", "MUTUAL"] as const) {
    test(`${mode}: the Gateway after its secret and proxy, the VirtualService after the Gateway`, async () => {
      const recording = await make(args(mode));
      const made = recording.get(gateway, "edge-gateway");
      assert.deepEqual(made.inputs, {
        apiVersion: "networking.istio.io/v1",
        kind: "Gateway",
        metadata: { name: "bank-gw", namespace: "bank" },
        spec: gatewaySpec(mode, "app.local"),
      });
      const credential = { NONE: [], SIMPLE: ["edge-edge-tls"], MUTUAL: ["edge-edge-mtls"] };
      assert.deepEqual(made.dependsOn, [...credential[mode], "edge-proxy"]);
      const served = recording.get(virtualService, "edge-routes");
      assert.deepEqual(served.inputs, {
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name: "bank-vs", namespace: "bank" },
        spec: virtualServiceSpec({
          ...args(mode),
          gatewayName: "bank-gw",
          gatewayNamespace: "istio-system",
        }),
      });
      assert.deepEqual(served.dependsOn, ["edge-gateway"]);
    });
  }

  test("certificates that a preview does not know yet leave the objects in sight", async () => {
    const later = pulumi.unknown as unknown as string;
    const a = { ...args("SIMPLE"), serverCertPem: later, serverKeyPem: pulumi.secret(later) };
    const recording = await make(a, { preview: true });
    assert.deepEqual(recording.get(secret, "edge-edge-tls").inputs.stringData, unknown);
    assert.deepEqual(
      recording.get(gateway, "edge-gateway").inputs.spec,
      gatewaySpec("SIMPLE", "app.local"),
    );
  });

  test("a spec that the CRD does not allow fails before any API call, with the field named", async () => {
    const broken = { ...args("SIMPLE"), routes: [{ ...routes[0]!, port: "80" as never }] };
    await assert.rejects(
      make(broken),
      /VirtualService bank-vs is not what the CRD allows:\n {2}spec\.http\[1\]\.route\[0\]\.destination\.port\.number: must be integer/,
    );
  });
});
