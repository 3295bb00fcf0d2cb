import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { podSecurity } from "../../components/bank-namespace.ts";
import {
  IstioMesh,
  type IstioMeshArgs,
  askEverySecond,
  deploymentAfter,
  slimCrds,
  skipServiceAwait,
  waitForInjector,
} from "../../components/istio-mesh.ts";
import { baseValues, istiodValues } from "../../components/istio-values.ts";
import { type Json, record } from "./support/mocks.ts";
import { airgap, official, root, settings } from "./support/settings.ts";

const istio = settings().istio;
const args: IstioMeshArgs = { istio, sources: official.istio, kubeconfig: "the kubeconfig" };
const make = async (a: IstioMeshArgs, preview = false) => {
  let mesh: IstioMesh | undefined;
  const recording = await record(
    () => {
      mesh = new IstioMesh("mesh", a);
    },
    { preview },
  );
  return { recording, mesh: mesh! };
};
const chart = "kubernetes:helm.sh/v4:Chart";

describe("IstioMesh", () => {
  for (const preview of [true, false]) {
    test(`children, ${preview ? "preview" : "update"}`, async () => {
      const { recording, mesh } = await make(args, preview);
      assert.deepEqual(recording.below("mesh"), [
        "command:local:Command mesh-webhook-check",
        "kubernetes:core/v1:Namespace mesh-namespace",
        `${chart} mesh-base`,
        `${chart} mesh-istiod`,
      ]);
      assert.deepEqual(recording.get("bankmesh:mesh:IstioMesh", "mesh").inputs, {
        version: official.istio.version,
      });
      assert.equal(mesh.namespace, "istio-system");
      assert.equal(mesh.version, "1.31.1");
    });
  }

  test("namespace", async () => {
    const { recording } = await make({ ...args, namespaceAnnotations: { "bankmesh/owner": "me" } });
    assert.deepEqual(recording.get("kubernetes:core/v1:Namespace", "mesh-namespace").inputs, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "istio-system",
        labels: podSecurity,
        annotations: { "bankmesh/owner": "me" },
      },
    });
  });

  test("chart base, from a repository", async () => {
    const { recording } = await make(args);
    const base = recording.get(chart, "mesh-base");
    assert.deepEqual(base.inputs, {
      name: "istio-base",
      namespace: "istio-system",
      chart: "base",
      version: "1.31.1",
      repositoryOpts: { repo: "https://blob.istio.io/istio-release/charts" },
      values: baseValues(args),
      postRenderer: slimCrds,
    });
    assert.ok(base.remote);
    assert.equal(base.transforms, 0);
    assert.deepEqual(base.dependsOn, ["mesh-namespace"]);
  });

  test("charts from a file have neither version nor repository", async () => {
    const { recording } = await make({ ...args, sources: airgap.istio });
    for (const [name, release] of [
      ["base", "istio-base"],
      ["istiod", "istiod"],
    ] as const) {
      const { values, postRenderer, ...inputs } = recording.get(chart, `mesh-${name}`).inputs;
      assert.equal(postRenderer === undefined, name === "istiod");
      assert.ok(values);
      assert.deepEqual(inputs, {
        name: release,
        namespace: "istio-system",
        chart: `/cache/${name}.tgz`,
      });
    }
  });

  test("chart istiod comes after the namespace, its Deployment after base", async () => {
    const { recording } = await make(args);
    const istiod = recording.get(chart, "mesh-istiod");
    assert.equal(istiod.inputs.name, "istiod");
    assert.deepEqual(istiod.inputs.values, istiodValues(args));
    assert.equal(istiod.transforms, 4);
    assert.deepEqual(istiod.dependsOn, ["mesh-namespace"]);
  });

  test("the check asks with the kubeconfig on standard input, never shown", async () => {
    const { recording, mesh } = await make(args);
    const check = recording.get("command:local:Command", "mesh-webhook-check");
    const { VALUES, ...environment } = check.inputs.environment;
    assert.match(VALUES, /^[0-9a-f]{12}$/);
    assert.deepEqual(environment, {});
    assert.equal(check.inputs.create, "bash components/istio-mesh/check-webhooks.sh");
    assert.equal(check.inputs.stdin, "the kubeconfig");
    assert.equal(check.inputs.logging, "stderr");
    assert.deepEqual(check.dependsOn, ["mesh-base", "mesh-istiod"]);
    assert.equal(mesh.ready.length, 1);
  });

  test("the check is made again when istiod's values change, and only then", async () => {
    const valuesHash = async (a: IstioMeshArgs): Promise<Json> =>
      (await make(a)).recording.get("command:local:Command", "mesh-webhook-check").inputs
        .environment.VALUES;
    const before = await valuesHash(args);
    assert.equal(await valuesHash({ ...args, adoptNamespace: true }), before);
    const changed = { ...args, istio: { ...istio, drainDuration: "9s" } };
    assert.notEqual(await valuesHash(changed), before);
  });

  test("an adopted namespace is marked and not made", async () => {
    const namespaceAnnotations = { "bankmesh/owner": "0123" };
    const { recording } = await make({ ...args, adoptNamespace: true, namespaceAnnotations });
    assert.deepEqual(recording.below("mesh"), [
      "command:local:Command mesh-webhook-check",
      "kubernetes:core/v1:NamespacePatch mesh-namespace",
      `${chart} mesh-base`,
      `${chart} mesh-istiod`,
    ]);
    const { metadata } = recording.get(
      "kubernetes:core/v1:NamespacePatch",
      "mesh-namespace",
    ).inputs;
    assert.deepEqual(metadata, { name: "istio-system", annotations: namespaceAnnotations });
  });

  test("an adopted Istio is only asked whether it answers", async () => {
    const { recording, mesh } = await make({ ...args, adoptIstio: true });
    assert.deepEqual(recording.below("mesh"), ["command:local:Command mesh-webhook-check"]);
    assert.equal(mesh.ready.length, 1);
  });
});

describe("transforms", () => {
  /** Runs a transform as the engine does. */
  const run = (transform: pulumi.ResourceTransform, type: string, props: object) =>
    transform({
      ...{ custom: true, type, name: "x", props },
      opts: { protect: true, retainOnDelete: true },
    }) as pulumi.ResourceTransformResult | undefined;
  const crd = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";
  const injector = "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration";
  const validator = "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration";
  const service = "kubernetes:core/v1:Service";
  const deployment = "kubernetes:apps/v1:Deployment";
  const others = [crd, injector, validator, service, deployment];

  test("slimCrds: a CRD goes when the stack goes, is not waited for, and has no prose; all else of it stays", () => {
    const shapes = {
      plain: "of one line",
      quoted: "'quoted: with a colon'",
      folded: "first line\n  second line\n\n  behind an empty one",
      block: "|-\n  a block\n    further in\n  description: of itself\n\n  - a list",
    };
    const fields = (name: string, text?: string) =>
      [
        `    ${name}:`,
        ...(text === undefined ? [] : [`description: ${text}`.replaceAll(/^(?=.)/gm, "      ")]),
        "      type: string",
      ].join("\n");
    const crd = (policy: string, prose: boolean) =>
      [
        "kind: CustomResourceDefinition",
        `metadata:\n  annotations:\n${policy}    other: "1"\n  name: x`,
        "columns:\n- description: stays, because the list's dash is on its line\n  name: Age",
        "spec:\n  properties:",
        ...Object.entries(shapes).map(([name, text]) => fields(name, prose ? text : undefined)),
        "    description:\n      type: string",
        "    last:\n      type: string\n---",
      ].join("\n");
    const { command, args: words } = slimCrds;
    for (const policy of ["helm.sh/resource-policy", '"helm.sh/resource-policy"']) {
      const input = `${crd(`    ${policy}: keep\n`, true)}\n`;
      const result = spawnSync(command, words, { input, cwd: root, encoding: "utf8" });
      assert.equal(result.status, 0, result.stderr);
      const waitFor = "    pulumi.com/waitFor: jsonpath={.metadata.uid}\n";
      assert.equal(result.stdout, `${crd(waitFor, false)}\n`);
    }
  });

  test("waitForInjector: the injector's configuration is done when it has its CA", () => {
    const metadata = { name: "istio-sidecar-injector", annotations: { other: "1" } };
    const waitFor = { "pulumi.com/waitFor": "jsonpath={.webhooks[*].clientConfig.caBundle}" };
    assert.deepEqual(run(waitForInjector, injector, { webhooks: [], metadata })?.props, {
      webhooks: [],
      metadata: { ...metadata, annotations: { other: "1", ...waitFor } },
    });
  });

  test("skipServiceAwait: a Service is not waited for", () => {
    assert.deepEqual(run(skipServiceAwait, service, { spec: {} })?.props, {
      spec: {},
      metadata: { annotations: { "pulumi.com/skipAwait": "true" } },
    });
  });

  test("deploymentAfter: the Deployment waits for the other chart too", () => {
    const [before, base] = ["before", "base"].map((urn) => new pulumi.DependencyResource(urn));
    const opts = { dependsOn: [before!], retainOnDelete: true };
    const props = { spec: {} };
    const asked = { custom: true, type: deployment, name: "x", props, opts };
    assert.deepEqual(deploymentAfter(base!)(asked), {
      props,
      opts: { dependsOn: [before, base], retainOnDelete: true },
    });
  });

  test("askEverySecond: readiness is asked for every second, all else stays", () => {
    const probe = { httpGet: { path: "/ready" }, periodSeconds: 3, timeoutSeconds: 5 };
    const props = (readinessProbe: object) => ({
      metadata: { name: "istiod" },
      spec: { template: { spec: { containers: [{ name: "a", readinessProbe }, { name: "b" }] } } },
    });
    const before = props(probe);
    assert.deepEqual(
      run(askEverySecond, deployment, before)?.props,
      props({ ...probe, periodSeconds: 1, failureThreshold: 9 }),
    );
    assert.deepEqual(before, props(probe));
  });

  for (const [transform, own] of [
    [askEverySecond, deployment],
    [waitForInjector, injector],
    [skipServiceAwait, service],
    [deploymentAfter(new pulumi.DependencyResource("base")), deployment],
  ] as const) {
    test(`${own} alone is touched`, () => {
      for (const type of others.filter((t) => t !== own)) {
        assert.equal(run(transform, type, { metadata: {} }), undefined, type);
      }
    });
  }
});
