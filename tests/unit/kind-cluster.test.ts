import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import {
  KindCluster,
  type KindClusterArgs,
  configHash,
  gatewayNodePorts,
  kindConfig,
} from "../../components/kind-cluster.ts";
import { type RecordOptions, record, unknown } from "./support/mocks.ts";
import { valueOf } from "./support/outputs.ts";

const args: KindClusterArgs = {
  clusterName: "istio-poc",
  nodeImage: "kindest/node:v1.34.4",
  httpPort: 8080,
  httpsPort: 8443,
};
const all: KindClusterArgs = {
  ...args,
  imageRepository: "bankmesh.local/kubernetes",
  workers: 2,
  preloadImages: ["b:1", "a:1"],
  registryMirrors: { "quay.io": ["http://q"], "docker.io": ["http://d1", "http://d2"] },
};

describe("kindConfig", () => {
  test("one control plane whose node ports are reached at 127.0.0.1 only", () => {
    assert.equal(
      kindConfig(args),
      `apiVersion: kind.x-k8s.io/v1alpha4
kind: Cluster
nodes:
  - role: control-plane
    image: kindest/node:v1.34.4
    extraPortMappings:
      - containerPort: 30080
        hostPort: 8080
        listenAddress: 127.0.0.1
      - containerPort: 30043
        hostPort: 8443
        listenAddress: 127.0.0.1
`,
    );
    assert.deepEqual(gatewayNodePorts, { http: 30080, https: 30043 });
  });

  test("workers, kubeadm's repository and mirrors in a fixed order", () => {
    const config = parse(kindConfig(all)) as Record<string, unknown[]>;
    assert.deepEqual(config.nodes!.slice(1), [
      { role: "worker", image: "kindest/node:v1.34.4" },
      { role: "worker", image: "kindest/node:v1.34.4" },
    ]);
    assert.deepEqual(config.kubeadmConfigPatches, [
      "kind: ClusterConfiguration\nimageRepository: bankmesh.local/kubernetes\n",
    ]);
    assert.deepEqual(config.containerdConfigPatches, [
      '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n  endpoint = ["http://d1", "http://d2"]\n',
      '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."quay.io"]\n  endpoint = ["http://q"]\n',
    ]);
  });
});

describe("configHash", () => {
  const hash = (a: KindClusterArgs) => configHash(kindConfig(a), a.preloadImages);

  test("is twelve hex digits, the same for the same cluster", () => {
    assert.match(hash(args), /^[0-9a-f]{12}$/);
    const mirrors = Object.entries(all.registryMirrors!).reverse();
    const sameInOtherOrder = {
      ...all,
      preloadImages: ["a:1", "b:1"],
      registryMirrors: Object.fromEntries(mirrors),
    };
    assert.equal(hash(sameInOtherOrder), hash(all));
  });

  const changes: Partial<KindClusterArgs>[] = [
    { nodeImage: "kindest/node:v1.34.5" },
    { httpPort: 8081 },
    { httpsPort: 8444 },
    { workers: 1 },
    { imageRepository: "other" },
    { preloadImages: ["a:1"] },
    { registryMirrors: { "docker.io": ["http://other"] } },
  ];
  for (const change of changes) {
    test(`changes with ${Object.keys(change).join()}`, () => {
      assert.notEqual(hash({ ...all, ...change }), hash(all));
    });
  }

  test("does not change with the name, which is in the command's environment", () => {
    assert.equal(hash({ ...all, clusterName: "other" }), hash(all));
  });
});

describe("KindCluster", () => {
  const make = async (a: KindClusterArgs, options?: RecordOptions) => {
    let made: KindCluster | undefined;
    const recording = await record(() => {
      made = new KindCluster("kind", a);
    }, options);
    return { made: made!, recording };
  };

  test("children", async () => {
    const { recording } = await make(args);
    assert.deepEqual(recording.list(), [
      "bankmesh:cluster:KindCluster kind",
      "command:local:Command kind-cluster",
      "command:local:Command kind-ready",
      "random:index/randomId:RandomId kind-owner",
    ]);
    assert.deepEqual(recording.get("bankmesh:cluster:KindCluster", "kind").inputs, {
      clusterName: "istio-poc",
      nodeImage: "kindest/node:v1.34.4",
      httpPort: 8080,
      httpsPort: 8443,
    });
    const owner = recording.get("random:index/randomId:RandomId", "kind-owner");
    assert.deepEqual(owner.inputs, { byteLength: 8 });
    assert.equal(owner.parent, "kind");
  });

  test("asks Docker in each run, and hands the answer on as trigger and creation id", async () => {
    const { made, recording } = await make(all, { invoke: () => ({ stdout: "id-in-the-node" }) });
    assert.deepEqual(recording.invocations, [
      {
        token: "command:local:run",
        inputs: {
          command: "bash components/kind-cluster/ask.sh",
          environment: {
            CLUSTER: "istio-poc",
            OWNER: "hex of kind-owner",
            CONFIG_HASH: configHash(kindConfig(all), all.preloadImages),
          },
          logging: "stderr",
        },
      },
    ]);
    const command = recording.get("command:local:Command", "kind-cluster");
    assert.deepEqual(command.inputs, {
      create: "bash components/kind-cluster/create.sh",
      delete: "bash components/kind-cluster/delete.sh",
      environment: {
        CLUSTER: "istio-poc",
        OWNER: "hex of kind-owner",
        CREATION_ID: "id-in-the-node",
        PRELOAD_IMAGES: "a:1 b:1",
      },
      stdin: kindConfig(all),
      triggers: ["id-in-the-node"],
      logging: "stderr",
    });
    assert.equal(command.parent, "kind");
    assert.equal((await valueOf(made.creationId)).value, "id-in-the-node");
    assert.equal(made.lifetime, await resourceOf(made.lifetime, "kind-cluster"));
  });

  test("its nodes' readiness is waited for once a creation, after the cluster and gone with it", async () => {
    const { recording } = await make(args, { invoke: () => ({ stdout: "id-in-the-node" }) });
    const ready = recording.get("command:local:Command", "kind-ready");
    assert.deepEqual(ready.inputs, {
      create: "bash components/kind-cluster/ready.sh",
      environment: { CLUSTER: "istio-poc" },
      triggers: ["id-in-the-node"],
      logging: "stderr",
    });
    assert.equal(ready.parent, "kind");
    assert.equal(ready.deletedWith, "kind-cluster");
    assert.ok(ready.dependsOn.includes("kind-cluster"));
  });

  test("the kubeconfig is secret, in the command's outputs too", async () => {
    const { made, recording } = await make(args);
    const command = recording.get("command:local:Command", "kind-cluster");
    assert.deepEqual(command.additionalSecretOutputs, ["stdout"]);
    assert.deepEqual(await valueOf(made.kubeconfig), {
      value: "stdout of kind-cluster",
      secret: true,
    });
  });

  test("no input holds an absolute path, which would differ from machine to machine", async () => {
    const { recording } = await make(all);
    const text = JSON.stringify([recording.resources, recording.invocations]);
    assert.doesNotMatch(text, new RegExp(`${process.cwd()}|/tmp/|/root|/home`));
    for (const { inputs } of recording.resources) {
      assert.doesNotMatch(String(inputs.create ?? ""), /(^|[\s"'])\//);
    }
  });

  test("a preview of the first run knows no owner yet and asks on behalf of nobody", async () => {
    const { recording } = await make(args, { preview: true });
    assert.equal(recording.invocations[0]!.inputs.environment.OWNER, "nobody");
    const command = recording.get("command:local:Command", "kind-cluster");
    assert.equal(command.inputs.environment.OWNER, unknown);
    assert.equal(command.inputs.stdin, kindConfig(args));
  });

  test("a throw-away cluster has a random suffix everywhere", async () => {
    const { made, recording } = await make({ ...args, throwAway: true });
    assert.deepEqual(
      recording.get("random:index/randomString:RandomString", "kind-suffix").inputs,
      {
        length: 5,
        upper: false,
        special: false,
      },
    );
    assert.equal((await valueOf(made.clusterName)).value, "istio-poc-x7k2p");
    const names = [
      recording.invocations[0]!.inputs.environment.CLUSTER,
      recording.get("command:local:Command", "kind-cluster").inputs.environment.CLUSTER,
    ];
    assert.deepEqual(names, ["istio-poc-x7k2p", "istio-poc-x7k2p"]);
  });
});

async function resourceOf(resource: pulumi.Resource, name: string): Promise<pulumi.Resource> {
  const { value } = await valueOf(resource.urn);
  assert.ok(value?.endsWith(`::${name}`));
  return resource;
}
