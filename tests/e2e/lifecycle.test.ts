import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { ProjectCommand } from "./support/command.ts";
import { allVolumes, contextsOf, mountsOf, nodesOf, output, volumesOf } from "./support/machine.ts";
import { assertAllHold } from "./support/proof.ts";
import { TestStack } from "./support/stack.ts";
import { lines } from "./support/steps.ts";

describe("the life of a stack, with everything that interrupts it", () => {
  let stack: TestStack;

  before(async () => {
    stack = await TestStack.create("life");
  });

  after(() => stack?.remove());

  const node = () => `${stack.clusterName}-control-plane`;

  /** Whether an object is in the cluster; asked in the node, because the stack may not know its kubeconfig yet. */
  const hasDeployment = (namespace: string, name: string) => {
    const command = `kubectl --kubeconfig /etc/kubernetes/admin.conf -n ${namespace} get deployment ${name}`;
    try {
      output("docker", ["exec", node(), "sh", "-c", command]);
      return true;
    } catch {
      return false;
    }
  };

  const start = () => new ProjectCommand(stack, "up");

  const assertFinishes = async (expected?: RegExp) => {
    const { code, text } = await start().ended;
    assert.equal(code, 0, text);
    if (expected) assert.match(text, expected);
  };

  const assertHolds = async () => {
    const verifier = await stack.verifier();
    try {
      await assertAllHold(verifier, stack);
    } finally {
      await verifier.close();
    }
    assert.deepEqual(lines(await stack.preview()), []);
  };

  it("is killed while the cluster is made", async () => {
    const run = start();
    await run.until("a node is there", () => nodesOf(stack.clusterName).length > 0);
    run.killAll();
    await run.ended;
  });

  it("goes on, and is killed while Istio is installed", async () => {
    const run = start();
    await run.until("istiod is there", () => hasDeployment("istio-system", "istiod"));
    run.killEngine();
    const { code } = await run.ended;
    assert.notEqual(code, 0);
  });

  it("goes on, and is killed while the bank comes up", async () => {
    const run = start();
    await run.until("users is there", () => hasDeployment("bank", "users"));
    run.killAll();
    const { text } = await run.ended;
    assert.match(text, /removed the lock of process \d+/);
  });

  it("goes on, and finishes", async () => {
    await assertFinishes(/removed the lock of process \d+/);
    await assertHolds();
  });

  it("is stopped in Docker, and started again with nothing replaced", async () => {
    execFileSync("docker", ["stop", "--time", "5", node()], { stdio: "ignore" });
    assert.deepEqual(lines(await stack.up()), []);
    await assertHolds();
  });

  it("is deleted by hand: preview says that the cluster is replaced", async () => {
    execFileSync("kind", ["delete", "cluster", "--quiet", "--name", stack.clusterName]);
    const steps = lines(await stack.preview());
    assert.ok(steps.includes("replace Command kind-cluster"), steps.join("\n"));
  });

  it("is interrupted by Ctrl-C while it is made again: a clear message, and the state is whole", async () => {
    const run = start();
    await run.until("istiod is there", () => hasDeployment("istio-system", "istiod"));
    run.interrupt();
    const { code, text } = await run.ended;
    assert.notEqual(code, 0);
    assert.match(text, /was interrupted; what was done is in the state/);
    assert.match(text, new RegExp(`npm start -- ${stack.name}`));
  });

  it("goes on after Ctrl-C, and finishes", async () => {
    await assertFinishes();
    await assertHolds();
  });

  it("is destroyed: no container, no volume, no context, no resource", async () => {
    const mounts = mountsOf(stack.clusterName);
    assert.ok(mounts.length > 0);
    await stack.destroy();
    assert.deepEqual(nodesOf(stack.clusterName), []);
    assert.deepEqual(volumesOf(stack.clusterName), []);
    const left = allVolumes().filter((volume) => mounts.includes(volume));
    assert.deepEqual(left, []);
    assert.deepEqual(contextsOf(stack.clusterName), []);
    assert.deepEqual(await stack.resources(), []);
  });

  it("comes up again after destroy", async () => {
    await stack.up();
    await assertHolds();
  });

  it("is previewed and taken down by the npm commands, and nothing is left", async () => {
    const preview = await new ProjectCommand(stack, "preview").ended;
    assert.equal(preview.code, 0, preview.text);
    assert.match(preview.text, /\d+ unchanged/);
    const { code, text } = await new ProjectCommand(stack, "destroy").ended;
    assert.equal(code, 0, text);
    assert.match(
      text,
      new RegExp(`stack ${stack.name} is gone; Pulumi.${stack.name}.yaml is kept`),
    );
    assert.deepEqual(nodesOf(stack.clusterName), []);
    assert.deepEqual(contextsOf(stack.clusterName), []);
    assert.equal(await stack.exists(), false);
    const again = await new ProjectCommand(stack, "destroy").ended;
    assert.match(again.text, /nothing to do: .* has no stack/);
  });
});
