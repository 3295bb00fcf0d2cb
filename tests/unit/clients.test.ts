import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { podSecurity } from "../../components/bank-namespace.ts";
import { Clients, clientDeployment } from "../../components/clients.ts";
import type { ClientSettings } from "../../settings/index.ts";
import { type Json, record } from "./support/mocks.ts";

class Injector extends pulumi.CustomResource {
  constructor() {
    super("test:index:Injector", "injector", {});
  }
}

const curlImage = "curl:1";
const client = (injection: ClientSettings["injection"], name = "curl"): ClientSettings => ({
  ...{ name, namespace: "universe", injection },
});
const make = (clients: ClientSettings[], revision?: string) =>
  record(
    () => new Clients("clients", { clients, curlImage, revision, podsMayStart: [new Injector()] }),
  );
const namespaceType = "kubernetes:core/v1:Namespace";
const podLabels = (c: ClientSettings, revision?: string) =>
  (clientDeployment(c, { curlImage, revision }) as Json).spec.template.metadata.labels;

describe("Clients", () => {
  test("each in its namespace, with an account of its own; pods after the injector", async () => {
    const recording = await make([client("none"), { ...client("none", "web"), namespace: "shop" }]);
    assert.deepEqual(recording.below("clients"), [
      "kubernetes:apps/v1:Deployment clients-curl-deployment",
      "kubernetes:apps/v1:Deployment clients-web-deployment",
      `${namespaceType} clients-shop`,
      `${namespaceType} clients-universe`,
      "kubernetes:core/v1:ServiceAccount clients-curl-account",
      "kubernetes:core/v1:ServiceAccount clients-web-account",
    ]);
    const made = recording.get("kubernetes:apps/v1:Deployment", "clients-curl-deployment");
    assert.deepEqual(made.dependsOn, ["clients-curl-account", "injector"]);
  });

  for (const [injection, revision, labels] of [
    ["none", undefined, podSecurity],
    ["pod", undefined, podSecurity],
    ["namespace", undefined, { ...podSecurity, "istio-injection": "enabled" }],
    ["namespace", "1-31", { ...podSecurity, "istio.io/rev": "1-31" }],
  ] as const)
    test(`the namespace's label: ${injection} ${revision ?? ""}`, async () => {
      const recording = await make([client(injection)], revision);
      const { metadata } = recording.get(namespaceType, "clients-universe").inputs;
      assert.deepEqual(metadata.labels, labels);
    });

  test("the pod's label says what the namespace's does not", () => {
    assert.deepEqual(podLabels(client("none")), {
      app: "curl",
      "sidecar.istio.io/inject": "false",
    });
    assert.deepEqual(podLabels(client("pod")), { app: "curl", "sidecar.istio.io/inject": "true" });
    assert.deepEqual(podLabels(client("namespace")), { app: "curl" });
    assert.equal(podLabels(client("pod"), "1-31")["istio.io/rev"], "1-31");
  });

  test("another injection is another pod", () => {
    const template = (c: ClientSettings) =>
      JSON.stringify((clientDeployment(c, { curlImage }) as Json).spec.template);
    assert.notEqual(template(client("none")), template(client("namespace")));
  });
});
