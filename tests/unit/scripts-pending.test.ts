import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { knownCluster } from "../../scripts/checks/cluster.ts";
import {
  type Deployment,
  markUnfinished,
  objectId,
  planRepair,
  withoutStrays,
  type Resource,
} from "../../scripts/stack/pending.ts";

function object(name: string, kind: string, metadata: Record<string, unknown>): Resource {
  const type = `kubernetes:v1:${kind}`;
  const urn = `urn:pulumi:dev::bankmesh::${type}::${name}`;
  return { urn, type, custom: true, inputs: { kind, metadata } };
}

const service = object("users", "Service", { name: "users", namespace: "bank" });
const command: Resource = {
  urn: "urn:pulumi:dev::bankmesh::bankmesh:cluster:KindCluster$command:local:Command::kind-cluster",
  type: "command:local:Command",
  custom: true,
  inputs: { environment: { CLUSTER: "istio-poc", CREATION_ID: "abc-123" } },
};

describe("interrupted operations", () => {
  test("the id is the one that Pulumi gives the object", () => {
    assert.equal(objectId(service), "bank/users");
    assert.equal(objectId(object("bank", "Namespace", { name: "bank" })), "bank");
    assert.equal(objectId(object("c", "ConfigMap", { name: "c" })), "default/c");
    assert.equal(objectId(object("c", "ConfigMap", { generateName: "c-" })), undefined);
    assert.equal(objectId(command), undefined);
  });

  const deployment: Deployment = {
    manifest: { version: "v3.250.0" },
    resources: [command],
    pending_operations: [
      { type: "creating", resource: service },
      { type: "creating", resource: { ...command, urn: `${command.urn}-2` } },
      { type: "updating", resource: command },
    ],
  };

  test("objects that may live are taken over, what is safe to repeat is cleared", () => {
    const repair = planRepair(deployment, true);
    assert.deepEqual(repair.imported, [service.urn]);
    assert.deepEqual(repair.cleared, [`${command.urn}-2`]);
    assert.equal(repair.deployment.pending_operations, undefined);
    assert.deepEqual(repair.deployment.manifest, deployment.manifest);
    const taken = repair.deployment.resources?.at(-1);
    assert.equal(taken?.id, "bank/users");
    assert.deepEqual(taken?.inputs, service.inputs);
    assert.equal(deployment.resources?.length, 1, "the given state stays as it is");
  });

  test("objects of a lost cluster are not looked for", () => {
    const repair = planRepair(deployment, false);
    assert.deepEqual(repair.imported, []);
    assert.equal(repair.deployment.resources?.length, 1);
  });

  test("a replacement under way leaves the object that is in the state alone", () => {
    const old = { ...service, id: "bank/users" };
    const repair = planRepair({ ...deployment, resources: [command, old] }, true);
    assert.deepEqual(repair.imported, []);
    assert.deepEqual(repair.deployment.resources, [command, old]);
  });

  test("objects that were found are marked, so that the next up waits for them", () => {
    const { deployment: marked, count } = markUnfinished({ resources: [command, service] }, [
      service.urn,
      "urn of one that is not there",
    ]);
    assert.equal(count, 1);
    assert.equal(marked.resources?.[0]?.initErrors, undefined);
    assert.equal(marked.resources?.[1]?.initErrors?.length, 1);
  });

  test("objects that were found keep the name under which their fields were applied", () => {
    const managedFields = [
      { manager: "kube-controller-manager", operation: "Update" },
      { manager: "pulumi-kubernetes-55022735", operation: "Apply" },
    ];
    const outputs = { __fieldManager: "pulumi-kubernetes-0badcafe", metadata: { managedFields } };
    const { deployment: marked } = markUnfinished({ resources: [{ ...service, outputs }] }, [
      service.urn,
    ]);
    const manager = marked.resources?.[0]?.outputs?.__fieldManager;
    assert.equal(manager, "pulumi-kubernetes-55022735");
  });
});

describe("objects of a cluster that was replaced in a run that was interrupted", () => {
  const urn = "urn:pulumi:dev::bankmesh::pulumi:providers:kubernetes::cluster";
  const kind: Resource = { urn: "urn:kind", type: "bankmesh:cluster:KindCluster" };
  const provider: Resource = { urn, type: "pulumi:providers:kubernetes", id: "new", custom: true };
  const oldProvider: Resource = { ...provider, id: "old", delete: true };
  const object = (name: string, id: string, more: Partial<Resource> = {}): Resource => ({
    urn: `urn:${name}`,
    type: "kubernetes:core/v1:Service",
    custom: true,
    provider: `${urn}::${id}`,
    ...more,
  });
  const made = object("made", "new", { dependencies: ["urn:stray", "urn:kind"] });
  const stray = object("stray", "old");
  const leaving = object("made", "old", { delete: true });

  test("leave the state, and what depends on them forgets them", () => {
    const resources = [kind, oldProvider, provider, leaving, stray, made];
    const { deployment: cleaned, strays } = withoutStrays({ resources });
    assert.deepEqual(strays, ["urn:stray"]);
    assert.deepEqual(cleaned.resources, [
      ...[kind, oldProvider, provider, leaving],
      { ...made, dependencies: ["urn:kind"] },
    ]);
  });

  test("on a cluster of somebody else they stay: it may live", () => {
    const resources = [provider, stray];
    assert.deepEqual(withoutStrays({ resources }), { deployment: { resources }, strays: [] });
  });
});

describe("the cluster that the state knows", () => {
  const component: Resource = {
    urn: "urn:pulumi:dev::bankmesh::bankmesh:cluster:KindCluster::kind",
    type: "bankmesh:cluster:KindCluster",
    inputs: { clusterName: "istio-poc" },
    outputs: { clusterName: "istio-poc-x7k2p" },
  };
  const owner: Resource = {
    urn: "urn:pulumi:dev::bankmesh::bankmesh:cluster:KindCluster$random:index/randomId:RandomId::kind-owner",
    type: "random:index/randomId:RandomId",
    outputs: { hex: "0123456789abcdef" },
  };

  test("is its name with the suffix, its owner and the creation that objects are in", () => {
    const ready: Resource = {
      urn: command.urn.replace("kind-cluster", "kind-ready"),
      type: command.type,
      inputs: { environment: { CLUSTER: "istio-poc" } },
    };
    assert.deepEqual(knownCluster({ resources: [component, owner, ready, command] }), {
      name: "istio-poc-x7k2p",
      owner: "0123456789abcdef",
      creationId: "abc-123",
    });
  });

  test("is none without an owner in the state", () => {
    assert.equal(knownCluster({ resources: [component] }), undefined);
    assert.equal(knownCluster(undefined), undefined);
  });
});
