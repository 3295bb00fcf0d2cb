import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cluster } from "../../components/cluster.ts";
import { ExistingCluster } from "../../components/existing-cluster.ts";
import { type Invocation, record, unknown } from "./support/mocks.ts";
import { valueOf } from "./support/outputs.ts";
import { airgap, official, settings } from "./support/settings.ts";

const answers = ({ inputs }: Invocation) => ({
  stdout: inputs.command.endsWith(" who") ? "uid-of-kube-system" : "its kubeconfig",
});
const args = {
  context: "work",
  namespaces: ["istio-system", "bank"],
  adopt: ["namespaces"],
} as const;
const providerType = "pulumi:providers:kubernetes";

describe("ExistingCluster", () => {
  test("makes nothing but the mark of what is this stack's", async () => {
    const recording = await record(() => new ExistingCluster("existing", args), {
      invoke: answers,
    });
    assert.deepEqual(recording.below("existing"), [
      "random:index/randomId:RandomId existing-owner",
    ]);
    assert.deepEqual(recording.get("bankmesh:cluster:ExistingCluster", "existing").inputs, {
      context: "work",
      adopt: ["namespaces"],
    });
  });

  test("asks who the cluster is, what is in the way, and for the context's kubeconfig", async () => {
    let existing: ExistingCluster | undefined;
    const { invocations } = await record(
      () => {
        existing = new ExistingCluster("existing", args);
      },
      { invoke: answers },
    );
    const environment = {
      KUBECONTEXT: "work",
      OWNER: "hex of existing-owner",
      NAMESPACES: "istio-system bank",
      ADOPT: "namespaces",
    };
    assert.deepEqual(
      invocations,
      ["who", "kubeconfig"].map((question) => ({
        token: "command:local:run",
        inputs: {
          command: `bash components/existing-cluster/ask.sh ${question}`,
          environment,
          logging: "stderr",
        },
      })),
    );
    assert.equal((await valueOf(existing!.creationId)).value, "uid-of-kube-system");
    assert.deepEqual(await valueOf(existing!.kubeconfig), {
      value: "its kubeconfig",
      secret: true,
    });
    assert.equal((await valueOf(existing!.owner)).value, "hex of existing-owner");
  });

  test("the first preview knows no owner yet and asks on behalf of nobody", async () => {
    const { invocations } = await record(() => new ExistingCluster("existing", args), {
      preview: true,
    });
    const owners = invocations.map(({ inputs }) => inputs.environment.OWNER as string);
    assert.deepEqual(owners, ["nobody", "nobody"]);
  });
});

describe("cluster", () => {
  test("kind: made, reached by node ports, and gone with all that is inside", async () => {
    let made: ReturnType<typeof cluster> | undefined;
    const recording = await record(
      () => {
        made = cluster(settings({ clusterName: "one", preloadImages: ["a:1"] }), airgap);
      },
      { invoke: () => ({ stdout: "creation-id" }) },
    );
    const { inputs } = recording.get("command:local:Command", "kind-cluster");
    assert.match(inputs.stdin, /image: bankmesh\.local\/node:v1\.34\.4-0123456789ab/);
    assert.match(inputs.stdin, /imageRepository: bankmesh\.local\/kubernetes/);
    assert.equal(inputs.environment.PRELOAD_IMAGES, "a:1");
    const provider = recording.get(providerType, "cluster");
    assert.deepEqual(provider.inputs, {
      kubeconfig: "stdout of kind-cluster",
      clusterIdentifier: "creation-id",
      enableSecretMutable: "true",
      enableConfigMapMutable: "true",
    });
    assert.deepEqual(provider.secrets, ["kubeconfig"]);
    assert.deepEqual(made!.gatewayService, {
      type: "NodePort",
      nodePorts: { http: 30080, https: 30043 },
    });
    assert.ok(made!.inCluster.deletedWith);
    assert.equal(made!.namespaceAnnotations, undefined);
    assert.equal((await valueOf(made!.name)).value, "one");
  });

  test("kind: an own node image comes before the route's", async () => {
    const recording = await record(() => cluster(settings({ nodeImage: "node:1" }), official));
    const { inputs } = recording.get("command:local:Command", "kind-cluster");
    assert.match(inputs.stdin, /image: node:1\n/);
    assert.doesNotMatch(inputs.stdin, /imageRepository/);
  });

  test("existing: nothing is gone with it, and namespaces carry the owner's mark", async () => {
    let found: ReturnType<typeof cluster> | undefined;
    const recording = await record(
      () => {
        const values = { cluster: "existing", context: "work", gatewayServiceType: "ClusterIP" };
        found = cluster(settings({ ...values, namespace: "money" }), official);
      },
      { invoke: answers },
    );
    assert.equal(recording.invocations[0]!.inputs.environment.NAMESPACES, "istio-system money");
    assert.deepEqual(recording.get(providerType, "cluster").inputs, {
      kubeconfig: "its kubeconfig",
      clusterIdentifier: "uid-of-kube-system",
      enableSecretMutable: "true",
      enableConfigMapMutable: "true",
    });
    assert.deepEqual(found!.gatewayService, { type: "ClusterIP" });
    assert.deepEqual(Object.keys(found!.inCluster), ["provider"]);
    assert.deepEqual(Object.keys(found!.namespaceAnnotations!), ["bankmesh/owner"]);
    assert.equal((await valueOf(found!.name)).value, "work");
  });

  test("a preview that does not know the cluster yet does not know how to reach it", async () => {
    const recording = await record(() => cluster(settings(), official), { preview: true });
    const { inputs } = recording.get(providerType, "cluster");
    assert.deepEqual([inputs.kubeconfig, inputs.clusterIdentifier], [unknown, "answer of Docker"]);
  });
});
