import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type { Recording, Registration } from "./support/mocks.ts";
import { valueOf } from "./support/outputs.ts";
import { type Config, type Exports, run } from "./support/program.ts";
import { resourcesOf } from "./support/resources.ts";
import { root } from "./support/settings.ts";

const inCluster = (r: Registration) => r.type.startsWith("kubernetes:");

for (const stack of ["dev", "staging", "prod"] as const) {
  for (const preview of [true, false]) {
    test(`${stack}, ${preview ? "preview" : "update"}: every resource by type and name`, async () => {
      const { recording } = await run(stack, {}, { preview });
      assert.deepEqual(recording.list(), resourcesOf(stack));
    });
  }
}

describe("what holds for the whole program", () => {
  test("a child's name starts with its component's", async () => {
    const { recording } = await run("dev");
    const children = recording.resources.filter((r) => r.parent !== undefined);
    assert.ok(children.length > 30);
    for (const { name, parent } of children) assert.ok(name.startsWith(`${parent}-`), name);
  });

  test("a component's type is <package>:<folder>:<Class>, and none hands over a secret", async () => {
    const { recording } = await run("dev");
    const components = recording.resources.filter((r) => r.type.startsWith("bankmesh:"));
    assert.equal(components.length, 13);
    for (const { type, secrets } of components) {
      assert.match(type, /^bankmesh:(access|bank|cluster|edge|mesh|pki):[A-Z][A-Za-z]+$/);
      assert.deepEqual(secrets, []);
    }
  });

  test("what is in the cluster uses its provider, and goes with the cluster", async () => {
    const { recording } = await run("dev");
    const inside = recording.resources.filter(inCluster);
    assert.equal(inside.length, 18);
    // the engine hands deletedWith down from a component to its children
    const deletedWith = (r: Registration): string | undefined =>
      r.deletedWith ??
      // the bank and its namespace are components of one name
      recording.resources
        .filter((p) => p.name === r.parent)
        .map(deletedWith)
        .find((other) => other !== undefined);
    for (const r of inside) {
      assert.equal(r.provider, "cluster", r.name);
      assert.equal(deletedWith(r), "kind-cluster", r.name);
    }
    const outside = recording.resources.filter((r) => /^(tls|random):/.test(r.type));
    for (const r of outside) assert.equal(r.deletedWith, undefined, r.name);
  });

  test("no component makes a provider of its own", async () => {
    const { recording } = await run("dev");
    const providers = recording.resources.filter((r) => r.type.startsWith("pulumi:providers:"));
    assert.deepEqual(
      providers.map((r) => r.name),
      ["cluster"],
    );
  });

  test("order: charts, injector, pods; Istio's objects after the check and the bank's namespace", async () => {
    const { recording } = await run("dev");
    const after = (type: string, name: string, other: string) =>
      assert.ok(recording.comesAfter(type, name, other), `${name} after ${other}`);
    after("kubernetes:apps/v1:Deployment", "bank-users-deployment", "mesh-webhook-check");
    after("kubernetes:apps/v1:Deployment", "bank-users-deployment", "mesh-istiod");
    after("kubernetes:helm.sh/v4:Chart", "edge-proxy", "mesh-webhook-check");
    for (const [kind, name] of [
      ["security.istio.io/v1:PeerAuthentication", "security-namespace-mtls"],
      ["networking.istio.io/v1:Gateway", "edge-gateway"],
    ] as const) {
      after(`kubernetes:${kind}`, name, "mesh-webhook-check");
      after(`kubernetes:${kind}`, name, "bank-namespace");
    }
    // the bank's namespace does not wait for Istio
    assert.ok(
      !recording.comesAfter("kubernetes:core/v1:Namespace", "bank-namespace", "mesh-istiod"),
    );
  });

  test("secrets: keys and kubeconfig, wherever they go", async () => {
    const { recording } = await run("prod");
    const secretInputs = Object.fromEntries(
      recording.resources.filter((r) => r.secrets.length > 0).map((r) => [r.name, r.secrets]),
    );
    assert.deepEqual(secretInputs, {
      cluster: ["kubeconfig"],
      "edge-edge-mtls": ["stringData"],
      "gate-check": ["stdin"],
      "mesh-webhook-check": ["stdin"],
      "pki-client-cert": ["caPrivateKeyPem"],
      "pki-client-request": ["privateKeyPem"],
      "pki-root-cert": ["privateKeyPem"],
      "pki-server-cert": ["caPrivateKeyPem"],
      "pki-server-request": ["privateKeyPem"],
    });
  });

  test("chart inputs are plain: an unknown one would hide the chart from previews", async () => {
    const { recording } = await run("dev", {}, { preview: true });
    const charts = recording.resources.filter((r) => r.type === "kubernetes:helm.sh/v4:Chart");
    assert.equal(charts.length, 3);
    for (const chart of charts) {
      assert.doesNotMatch(JSON.stringify(chart.inputs), /<unknown>/);
      assert.deepEqual(chart.secrets, []);
    }
  });
});

describe("outputs", () => {
  const plain = async ({ outputs }: { outputs: Exports }) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(outputs).map(async ([key, value]) => [
          key,
          await valueOf(pulumi.output(value)),
        ]),
      ),
    ) as Record<string, { value?: unknown; secret: boolean }>;

  test("keys and kubeconfig are secret, all else is plain", async () => {
    const outputs = await plain(await run("prod"));
    assert.deepEqual(
      Object.entries(outputs)
        .filter(([, { secret }]) => secret)
        .map(([key]) => key)
        .sort(),
      ["clientKeyPem", "kubeconfig", "signingKeys"],
    );
    assert.equal(outputs.kubeconfig!.value, "stdout of kind-cluster");
    assert.equal(outputs.caCertPem!.value, "certificate of pki-root-cert");
  });

  test("modes, names and how to call", async () => {
    const outputs = await plain(await run("staging"));
    const value = (key: string) => outputs[key]?.value;
    assert.equal(value("route"), "official");
    assert.equal(value("clusterName"), "istio-poc-staging");
    assert.equal(value("istioVersion"), "1.31.1");
    assert.equal(value("namespace"), "bank");
    assert.deepEqual(value("services"), ["users", "orders", "payments"]);
    assert.equal(value("mtlsMode"), "STRICT");
    assert.equal(value("gatewayTls"), "SIMPLE");
    assert.equal(value("host"), "app.local");
    assert.deepEqual(value("endpoints"), {
      http: "http://app.local:8081",
      https: "https://app.local:8444",
    });
    assert.equal((value("howToCall") as string[]).length, 3);
    assert.deepEqual(value("images"), {
      echo: "ealen/echo-server:0.9.2",
      curl: "curlimages/curl:8.9.1",
      nginx: "nginx:1.24.0",
      httpd: "httpd:2.4.62",
      "istio-app": "docker.io/istio/app:1.31.1",
      node: "kindest/node:v1.34.4",
    });
  });

  test("lives of the certificates are those that the next run renews by", async () => {
    const lives = {
      server: { validUntil: "2026-01-01T00:00:00Z", generation: 6 },
    };
    const { recording, outputs } = await run(
      "dev",
      {},
      {
        invoke: ({ token }) =>
          token === "pulumi:pulumi:readStackOutputs"
            ? { outputs: { certificates: lives } }
            : undefined,
      },
    );
    const cert = recording.get("tls:index/locallySignedCert:LocallySignedCert", "pki-server-cert");
    assert.equal(cert.replacementTrigger, 7);
    const next = (await valueOf(pulumi.output(outputs.certificates))).value as typeof lives;
    assert.equal(next.server.generation, 7);
    const asked = recording.invocations.filter((i) => i.token === "pulumi:pulumi:readStackOutputs");
    assert.deepEqual(
      asked.map((i) => i.inputs),
      [{ name: "organization/bankmesh/dev" }],
    );
  });
});

describe("switches", () => {
  const inputsBy = (recording: Recording) =>
    new Map(recording.resources.map((r) => [`${r.type} ${r.name}`, JSON.stringify(r.inputs)]));
  async function changed(values: Config): Promise<string[]> {
    const before = inputsBy((await run("dev")).recording);
    const after = inputsBy((await run("dev", values)).recording);
    const keys = new Set([...before.keys(), ...after.keys()]);
    return [...keys].filter((key) => before.get(key) !== after.get(key)).sort();
  }

  test("mtlsMode changes the PeerAuthentication alone, says so on its component, and has the gate ask", async () => {
    assert.deepEqual(await changed({ "bankmesh:mtlsMode": "STRICT" }), [
      "bankmesh:mesh:MeshSecurity security",
      "command:local:Command gate-check",
      "kubernetes:security.istio.io/v1:PeerAuthentication security-namespace-mtls",
    ]);
  });

  test("gatewayTls SIMPLE to MUTUAL changes the Gateway and its secret alone", async () => {
    assert.deepEqual(await changed({ "bankmesh:gatewayTls": "MUTUAL" }), [
      "bankmesh:edge:IngressGateway edge",
      "command:local:Command gate-check",
      "kubernetes:core/v1:Secret edge-edge-mtls",
      "kubernetes:core/v1:Secret edge-edge-tls",
      "kubernetes:networking.istio.io/v1:Gateway edge-gateway",
    ]);
  });

  test("gatewayTls SIMPLE to NONE takes the redirect away too", async () => {
    assert.deepEqual(await changed({ "bankmesh:gatewayTls": "NONE" }), [
      "bankmesh:edge:IngressGateway edge",
      "command:local:Command gate-check",
      "kubernetes:core/v1:Secret edge-edge-tls",
      "kubernetes:networking.istio.io/v1:Gateway edge-gateway",
      "kubernetes:networking.istio.io/v1:VirtualService edge-routes",
    ]);
  });

  test("one more service is one more service and its route", async () => {
    const names = ["users", "orders", "payments", "ledger"].map((name) => ({ name }));
    assert.deepEqual(await changed({ "bankmesh:services": names }), [
      "bankmesh:bank:BankService bank-ledger",
      "command:local:Command gate-check",
      "kubernetes:apps/v1:Deployment bank-ledger-deployment",
      "kubernetes:core/v1:Service bank-ledger-service",
      "kubernetes:core/v1:ServiceAccount bank-ledger-account",
      "kubernetes:networking.istio.io/v1:VirtualService edge-routes",
    ]);
  });

  const existing = {
    "bankmesh:cluster": "existing",
    "bankmesh:context": "work",
    "bankmesh:gatewayServiceType": "LoadBalancer",
    "bankmesh:httpsPort": 443,
  };
  test("an existing cluster: no command but the checks, nothing goes with it", async () => {
    const { recording } = await run("dev", existing);
    const removed = / kind(-\w+)?$/;
    const added = [
      "bankmesh:cluster:ExistingCluster existing",
      "random:index/randomId:RandomId existing-owner",
    ];
    const expected = [...resourcesOf("dev"), ...added].filter((line) => !removed.test(line));
    assert.deepEqual(recording.list(), expected.sort());
    for (const r of recording.resources) assert.equal(r.deletedWith, undefined, r.name);
    const namespace = recording.get("kubernetes:core/v1:Namespace", "bank-namespace");
    assert.equal(namespace.inputs.metadata.annotations["bankmesh/owner"], "hex of existing-owner");
  });

  test("an existing cluster whose namespaces and Istio are adopted: neither is made", async () => {
    const adopt = { ...existing, "bankmesh:adopt": ["namespaces", "istio"] };
    const { recording } = await run("dev", adopt);
    const made = recording.list().filter((line) => /^kubernetes.*(Namespace|Chart)/.test(line));
    assert.deepEqual(made, [
      "kubernetes:core/v1:NamespacePatch bank-namespace",
      "kubernetes:helm.sh/v4:Chart edge-proxy",
    ]);
  });
});

test("a wrong configuration stops the program before any resource, with all problems", async () => {
  const recording = run("dev", { "bankmesh:mtlsMode": "ON", "bankmesh:httpPort": 99999 });
  await assert.rejects(recording, (error: Error) => {
    assert.ok(pulumi.RunError.isInstance(error));
    assert.match(error.message, /stack "dev" has 2 problems; nothing was touched/);
    assert.match(error.message, /bankmesh:mtlsMode is "ON"/);
    assert.match(error.message, /bankmesh:httpPort is 99999/);
    return true;
  });
});

describe("packages", () => {
  interface Manifest {
    readonly dependencies: Record<string, string>;
    readonly devDependencies: Record<string, string>;
  }
  const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;
  const lockText = fs.readFileSync(path.join(root, "package-lock.json"), "utf8");
  const all = { ...manifest.dependencies, ...manifest.devDependencies };

  test("are pinned exactly", () => {
    for (const [name, version] of Object.entries(all)) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
    }
  });

  test("two whose newest release is the wrong one", () => {
    assert.equal(all["@pulumi/command"], "1.2.1");
    assert.equal(all.typescript, "6.0.3");
  });

  test("are locked at those versions, installed at them, and fetched from no fixed host", () => {
    const { packages } = JSON.parse(lockText) as {
      packages: Record<string, { version: string }>;
    };
    for (const [name, version] of Object.entries(all)) {
      assert.equal(packages[`node_modules/${name}`]?.version, version, name);
      const file = path.join(root, "node_modules", name, "package.json");
      const installed = JSON.parse(fs.readFileSync(file, "utf8")) as { version: string };
      // @pulumi/policy calls itself v1.21.0 there
      assert.equal(installed.version.replace(/^v/, ""), version, name);
    }
    assert.doesNotMatch(lockText, /"resolved"/);
  });
});
