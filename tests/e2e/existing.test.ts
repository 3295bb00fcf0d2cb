import * as assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { stringify } from "yaml";
import { findEdge } from "../../verify/edge-address.ts";
import { atEnd } from "./support/cleanup.ts";
import { nodesOf, output, removeCluster } from "./support/machine.ts";
import { assertAllHold } from "./support/proof.ts";
import { RunFailed, TestStack } from "./support/stack.ts";
import { lines } from "./support/steps.ts";
import { toolbox } from "./support/toolbox.ts";

describe("a cluster that somebody else runs", () => {
  const clusterName = `bm-existing-${randomBytes(2).toString("hex")}`;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-existing-"));
  const userKubeconfig = process.env.KUBECONFIG;
  let stack: TestStack;

  before(async () => {
    atEnd(() => {
      removeCluster(clusterName);
      fs.rmSync(folder, { recursive: true, force: true });
    });
    const { node } = await toolbox();
    process.env.KUBECONFIG = path.join(folder, "kubeconfig");
    const config = path.join(folder, "kind.yaml");
    fs.writeFileSync(config, kindConfig(node.imageRepository));
    output("kind", [
      ...["create", "cluster", "--quiet", "--name", clusterName, "--image", node.image],
      ...["--config", config, "--wait", "120s"],
    ]);
    stack = await TestStack.create("existing", {
      cluster: "existing",
      context: `kind-${clusterName}`,
      gatewayServiceType: "NodePort",
      mtlsMode: "STRICT",
    });
  });

  after(async () => {
    await stack?.remove();
    removeCluster(clusterName);
    if (userKubeconfig === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = userKubeconfig;
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const kubectl = (...args: string[]) => output("kubectl", args);

  const refused = async (): Promise<string> => {
    try {
      await stack.preview();
    } catch (e) {
      assert.ok(e instanceof RunFailed);
      return `${e.errors}\n${e.message}`;
    }
    return assert.fail("the preview was not refused");
  };

  const assertHolds = async () => {
    const edge = await findEdge(await stack.kubectl());
    assert.ok(typeof edge !== "string", JSON.stringify(edge));
    const verifier = await stack.verifier(edge);
    try {
      await assertAllHold(verifier, stack);
    } finally {
      await verifier.close();
    }
    assert.deepEqual(lines(await stack.preview()), []);
  };

  it("is refused when its context does not exist", async () => {
    stack.set({ context: "no-such-context" });
    assert.match(await refused(), /there is no kubeconfig context "no-such-context"/);
    stack.set({ context: `kind-${clusterName}` });
  });

  it("is refused by name when others have the namespace", async () => {
    kubectl("create", "namespace", "bank");
    const text = await refused();
    assert.match(text, /holds what this stack did not make; nothing was touched/);
    assert.match(text, /namespace bank/);
    assert.deepEqual(await stack.resources(), []);
  });

  it("takes the namespace when config says so, and leaves it when it goes", async () => {
    stack.set({ adopt: ["namespaces"] });
    kubectl("create", "namespace", "istio-system");
    await stack.up();
    await assertHolds();
    await stack.destroy();
    assert.match(kubectl("get", "namespace", "bank", "--output=name"), /namespace\/bank/);
    assert.equal(kubectl("get", "deployment", "--namespace=bank", "--output=name"), "");
    assert.deepEqual(await stack.resources(), []);
  });

  it("lives on after destroy, without anything of Istio", () => {
    assert.equal(nodesOf(clusterName).length, 1);
    const definitions = kubectl("get", "customresourcedefinitions", "--output=name");
    assert.doesNotMatch(definitions, /istio\.io/);
    const roles = kubectl("get", "clusterroles", "--output=name");
    assert.doesNotMatch(roles, /istio/);
  });

  it("takes the same stack again, in namespaces of its own", async () => {
    kubectl("delete", "namespace", "bank", "istio-system");
    stack.set({ adopt: [] });
    await stack.up();
    await assertHolds();
  });

  it("is refused to a second stack, Istio by name", async () => {
    const second = await TestStack.create("second", {
      cluster: "existing",
      context: `kind-${clusterName}`,
      gatewayServiceType: "ClusterIP",
      namespace: "bank2",
    });
    try {
      await assert.rejects(second.preview(), (e: RunFailed) => {
        assert.match(`${e.errors}\n${e.message}`, /namespace istio-system/);
        assert.match(`${e.errors}\n${e.message}`, /Istio: deployment istio-system\/istiod/);
        return true;
      });
    } finally {
      await second.remove();
    }
  });

  it("is left as it was found", async () => {
    await stack.destroy();
    const namespaces = kubectl("get", "namespaces", "--output=name");
    assert.doesNotMatch(namespaces, /bank|istio/);
    assert.equal(nodesOf(clusterName).length, 1);
  });
});

function kindConfig(imageRepository: string | undefined): string {
  return stringify({
    apiVersion: "kind.x-k8s.io/v1alpha4",
    kind: "Cluster",
    ...(imageRepository && {
      kubeadmConfigPatches: [stringify({ kind: "ClusterConfiguration", imageRepository })],
    }),
  });
}

/** The gateway's node ports at the node's own address, which this machine reaches without mapped ports. */
