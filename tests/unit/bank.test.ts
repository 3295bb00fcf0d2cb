import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import {
  BankNamespace,
  type BankNamespaceArgs,
  podSecurity,
} from "../../components/bank-namespace.ts";
import { Bank } from "../../components/bank.ts";
import { BankService, deployment, portName } from "../../components/bank-service.ts";
import { Provider } from "../../components/kubernetes.ts";
import type { ServiceSettings } from "../../settings/index.ts";
import { type Json, record } from "./support/mocks.ts";

const echoImage = "ealen/echo-server:0.9.2";
const namespaceType = "kubernetes:core/v1:Namespace";
const patchType = "kubernetes:core/v1:NamespacePatch";
const accountType = "kubernetes:core/v1:ServiceAccount";
const serviceType = "kubernetes:core/v1:Service";
const deploymentType = "kubernetes:apps/v1:Deployment";

class Injector extends pulumi.CustomResource {
  constructor() {
    super("test:index:Injector", "injector", {});
  }
}

class Early extends pulumi.CustomResource {
  constructor() {
    super("test:index:Early", "early", {});
  }
}

const inCluster = () => ({ provider: new Provider("cluster", {}) });

const bank = () =>
  record(() => {
    const services = [{ name: "users" }, { name: "orders" }];
    const { ready: namespaceReady } = new BankNamespace("bank", { namespace: "bank" });
    const injector = new Injector();
    const more = { inCluster: inCluster(), namespaceReady, podsMayStart: () => [injector] };
    new Bank("bank", { namespace: "bank", services, echoImage, ...more });
  });
const namespaceOf = (args: Partial<BankNamespaceArgs> = {}) =>
  record(() => new BankNamespace("bank", { namespace: "bank", ...args }));
const service = (settings: ServiceSettings) =>
  record(() => {
    const args = { service: settings, namespace: "bank", echoImage, inCluster: inCluster() };
    const namespaceReady = [new Early()];
    new BankService("bank-users", { ...args, namespaceReady, podsMayStart: [new Injector()] });
  });

describe("Bank", () => {
  test("children", async () => {
    const recording = await bank();
    assert.deepEqual(recording.below("bank"), [
      "bankmesh:bank:BankService bank-orders",
      "bankmesh:bank:BankService bank-users",
      `${deploymentType} bank-orders-deployment`,
      `${deploymentType} bank-users-deployment`,
      `${namespaceType} bank-namespace`,
      `${serviceType} bank-orders-service`,
      `${serviceType} bank-users-service`,
      `${accountType} bank-orders-account`,
      `${accountType} bank-users-account`,
    ]);
    assert.deepEqual(recording.get("bankmesh:bank:Bank", "bank").inputs, { namespace: "bank" });
    assert.deepEqual(recording.get("bankmesh:bank:BankService", "bank-users").inputs, {
      service: "users",
      image: echoImage,
    });
  });

  test("the namespace has injection on", async () => {
    const recording = await namespaceOf();
    assert.deepEqual(recording.get(namespaceType, "bank-namespace").inputs, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "bank", labels: { ...podSecurity, "istio-injection": "enabled" } },
    });
  });

  test("a revision injects by its own label; annotations are set", async () => {
    const recording = await namespaceOf({
      revision: "1-31",
      namespaceAnnotations: { owner: "me" },
    });
    assert.deepEqual(recording.get(namespaceType, "bank-namespace").inputs.metadata, {
      name: "bank",
      labels: { ...podSecurity, "istio.io/rev": "1-31" },
      annotations: { owner: "me" },
    });
  });

  test("an adopted namespace is labelled, not made", async () => {
    const recording = await namespaceOf({ adoptNamespace: true });
    assert.equal(recording.resources.filter((r) => r.type === namespaceType).length, 0);
    assert.deepEqual(recording.get(patchType, "bank-namespace").inputs.metadata, {
      name: "bank",
      labels: { "istio-injection": "enabled" },
    });
  });

  test("everything comes after the namespace, pods after the injector too", async () => {
    const recording = await bank();
    for (const [type, role] of [
      [accountType, "account"],
      [serviceType, "service"],
      [deploymentType, "deployment"],
    ] as const) {
      const name = `bank-users-${role}`;
      assert.ok(recording.comesAfter(type, name, "bank-namespace"), role);
      assert.equal(recording.comesAfter(type, name, "injector"), role === "deployment", role);
    }
  });
});

describe("BankService", () => {
  test("a budget for disruptions where there is more than one replica", async () => {
    const budgetType = "kubernetes:policy/v1:PodDisruptionBudget";
    const alone = await service({ name: "users", replicas: 1 });
    assert.equal(alone.resources.filter((r) => r.type === budgetType).length, 0);
    const recording = await service({ name: "users", replicas: 2 });
    assert.deepEqual(recording.get(budgetType, "bank-users-budget").inputs, {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "users", namespace: "bank" },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: "users" } } },
    });
  });

  test("ServiceAccount <name>-sa, without a token for the pods", async () => {
    const recording = await service({ name: "users" });
    assert.deepEqual(recording.get(accountType, "bank-users-account").inputs, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "users-sa", namespace: "bank" },
      automountServiceAccountToken: false,
    });
  });

  test("Service 80 to 8080, named http, not waited for", async () => {
    const recording = await service({ name: "users" });
    assert.deepEqual(recording.get(serviceType, "bank-users-service").inputs, {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "users",
        namespace: "bank",
        labels: { app: "users" },
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: {
        selector: { app: "users" },
        ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
      },
    });
  });

  test("Deployment of a hardened echo server that listens on 8080", async () => {
    const recording = await service({ name: "users" });
    const made = recording.get(deploymentType, "bank-users-deployment");
    const httpGet = { path: "/", port: 8080 };
    assert.deepEqual(made.inputs, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "users", namespace: "bank", labels: { app: "users", version: "v1" } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "users" } },
        template: {
          metadata: { labels: { app: "users", version: "v1" } },
          spec: {
            serviceAccountName: "users-sa",
            automountServiceAccountToken: false,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 10001,
              runAsGroup: 10001,
              seccompProfile: { type: "RuntimeDefault" },
            },
            containers: [
              {
                name: "app",
                image: echoImage,
                imagePullPolicy: "IfNotPresent",
                ports: [{ containerPort: 8080 }],
                env: [
                  { name: "ENABLE__ENVIRONMENT", value: "false" },
                  { name: "LOGS", value: "true" },
                  { name: "PORT", value: "8080" },
                ],
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
                resources: {
                  requests: { cpu: "5m", memory: "16Mi" },
                  limits: { cpu: "200m", memory: "128Mi" },
                },
                startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 60 },
                readinessProbe: { httpGet, periodSeconds: 10 },
                livenessProbe: { httpGet, periodSeconds: 20 },
              },
            ],
          },
        },
      },
    });
    assert.deepEqual(made.dependsOn, ["bank-users-account", "injector"]);
  });

  const own: ServiceSettings = {
    name: "users",
    image: "bank/users:1",
    ports: [
      { port: 80, targetPort: 9000, protocol: "http", name: "web" },
      { port: 9090, targetPort: 9000, protocol: "grpc" },
      { port: 5432, targetPort: 5432, protocol: "tcp", name: "tcp-sql" },
    ],
    environment: { ZONE: "a", MODE: "b" },
    resources: { requests: { cpu: "50m" } },
    healthPath: "/healthz",
    replicas: 3,
    version: "v7",
  };

  test("an own image: its ports, health path, environment, size, version and replicas", async () => {
    const recording = await service(own);
    const { spec } = recording.get(deploymentType, "bank-users-deployment").inputs;
    assert.equal(spec.replicas, 3);
    assert.deepEqual(spec.selector.matchLabels, { app: "users" });
    assert.deepEqual(spec.template.metadata.labels, { app: "users", version: "v7" });
    const [container] = spec.template.spec.containers as Json[];
    assert.equal(container.image, "bank/users:1");
    assert.deepEqual(container.env, [
      { name: "MODE", value: "b" },
      { name: "ZONE", value: "a" },
    ]);
    assert.deepEqual(container.resources, { requests: { cpu: "50m" } });
    assert.deepEqual(container.readinessProbe.httpGet, { path: "/healthz", port: 9000 });
    assert.equal(
      recording.get("bankmesh:bank:BankService", "bank-users").inputs.image,
      "bank/users:1",
    );
  });

  test("several ports: protocols by name, each container port once", async () => {
    const recording = await service(own);
    assert.deepEqual(recording.get(serviceType, "bank-users-service").inputs.spec.ports, [
      { name: "http-web", port: 80, targetPort: 9000, protocol: "TCP" },
      { name: "grpc-9090", port: 9090, targetPort: 9000, protocol: "TCP" },
      { name: "tcp-sql", port: 5432, targetPort: 5432, protocol: "TCP" },
    ]);
    const { spec } = recording.get(deploymentType, "bank-users-deployment").inputs;
    assert.deepEqual(spec.template.spec.containers[0].ports, [
      { containerPort: 9000 },
      { containerPort: 5432 },
    ]);
  });

  test("what speaks no HTTP is probed by a connection", () => {
    const ports = [{ port: 5432, targetPort: 5433, protocol: "tcp" as const }];
    const { spec } = deployment({
      service: { name: "sql", image: "sql:1", ports },
      namespace: "bank",
      echoImage,
    }) as Json;
    const [{ startupProbe, readinessProbe, livenessProbe }] = spec.template.spec.containers;
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      assert.deepEqual(probe.tcpSocket, { port: 5433 });
      assert.equal(probe.httpGet, undefined);
    }
  });

  test("a server below port 1024 that writes: neither root nor a writable image", () => {
    const ports = [{ port: 80, targetPort: 80, protocol: "http" as const }];
    const { spec } = deployment({
      service: {
        name: "web",
        image: "nginx:1",
        ports,
        writablePaths: ["/var/cache/nginx", "/run"],
      },
      namespace: "bank",
      echoImage,
    }) as Json;
    const pod = spec.template.spec;
    assert.deepEqual(pod.securityContext.sysctls, [
      { name: "net.ipv4.ip_unprivileged_port_start", value: "0" },
    ]);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.equal(pod.containers[0].securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(pod.containers[0].volumeMounts, [
      { name: "writable-0", mountPath: "/var/cache/nginx" },
      { name: "writable-1", mountPath: "/run" },
    ]);
    assert.deepEqual(pod.volumes, [
      { name: "writable-0", emptyDir: {} },
      { name: "writable-1", emptyDir: {} },
    ]);
  });

  test("the echo server's environment may be overridden", () => {
    const { spec } = deployment({
      service: { name: "users", environment: { LOGS: "false" } },
      namespace: "bank",
      echoImage,
    }) as Json;
    const env = spec.template.spec.containers[0].env as { name: string; value: string }[];
    assert.equal(env.find((e) => e.name === "LOGS")?.value, "false");
  });

  test("a port's name starts with its protocol, for Istio to read", () => {
    const port = { port: 80, targetPort: 80, protocol: "http" as const };
    assert.equal(portName(port, true), "http");
    assert.equal(portName(port, false), "http-80");
    assert.equal(portName({ ...port, name: "http" }, true), "http");
    assert.equal(portName({ ...port, name: "http-web" }, true), "http-web");
    assert.equal(portName({ ...port, name: "httpweb" }, true), "http-httpweb");
    assert.equal(portName({ ...port, name: "web" }, true), "http-web");
  });
});
