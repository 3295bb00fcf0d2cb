import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { renderedSources, renderedTestKey } from "../../sources/rendered.ts";
import type { Recording } from "./support/mocks.ts";
import { valueOf } from "./support/outputs.ts";
import { type Config, run } from "./support/program.ts";
import { resourcesOf } from "./support/resources.ts";
import { official } from "./support/settings.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-rendered-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true }));
const file = path.join(folder, "sources.json");
fs.writeFileSync(file, JSON.stringify(renderedSources(official, "/some/folder")));

const rendered = (stack: string, values: Config = {}) =>
  run(stack, { ...values, "bankmesh:sources": file });

const chartOf = (recording: Recording, name: string) =>
  recording.get("kubernetes:helm.sh/v4:Chart", name).inputs;

describe("a stack whose manifests are written down", () => {
  test("has all that is in the cluster, and nothing around it", async () => {
    const { recording } = await rendered("staging");
    const around = /KindCluster|EnforcementGate|^command:|^random:|PrivateKey tokens/;
    assert.deepEqual(
      recording.list(),
      resourcesOf("staging").filter((line) => !around.test(line)),
    );
    assert.deepEqual(
      recording.invocations.filter((i) => i.token.startsWith("command:")),
      [],
    );
  });

  test("hands its objects to a provider that writes them to the folder, and asks no cluster", async () => {
    const { recording } = await rendered("dev");
    const { inputs } = recording.get("pulumi:providers:kubernetes", "cluster");
    assert.deepEqual(inputs, { renderYamlToDirectory: "/some/folder" });
    const inside = recording.resources.filter((r) => r.type.startsWith("kubernetes:"));
    for (const r of inside) assert.equal(r.provider, "cluster", r.name);
  });

  test("has the charts of the project with the images of the official route", async () => {
    const { recording } = await rendered("dev");
    const { chart, version, repositoryOpts, values } = chartOf(recording, "mesh-istiod");
    assert.deepEqual(
      [chart, version, repositoryOpts],
      ["sources/charts/istiod", undefined, undefined],
    );
    assert.equal(values.global.hub, official.istio.hub);
    assert.equal(values.global.tag, official.istio.tag);
  });

  test("has values of charts as a kind cluster has them, or an existing one", async () => {
    const onKind = chartOf((await rendered("dev")).recording, "edge-proxy");
    assert.deepEqual(onKind.values, chartOf((await run("dev")).recording, "edge-proxy").values);
    const existing = {
      "bankmesh:cluster": "existing",
      "bankmesh:context": "work",
      "bankmesh:gatewayServiceType": "LoadBalancer",
      "bankmesh:httpsPort": 443,
    };
    const { recording } = await rendered("dev", existing);
    assert.equal(chartOf(recording, "edge-proxy").values.service.type, "LoadBalancer");
    const { inputs } = recording.get("kubernetes:core/v1:Namespace", "bank-namespace");
    assert.deepEqual(inputs.metadata.annotations, { "bankmesh/owner": "rendered" });
  });

  test("has one public key in place of all, by each key's own id; nothing signs", async () => {
    const issuers = [{ name: "a", issuer: "https://a", audiences: ["x"], keyIds: ["new", "old"] }];
    const { outputs } = await rendered("dev", { "bankmesh:authentication": { issuers } });
    const keySets = outputs.publicKeys as Record<string, Parameters<typeof valueOf<string>>[0]>;
    const { value } = await valueOf(keySets.a!);
    const { keys } = JSON.parse(value!) as { keys: { kid: string; n: string; d?: string }[] };
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      ["new-rendered", "old-rendered"],
    );
    assert.equal(keys[0]!.n, keys[1]!.n);
    assert.doesNotMatch(renderedTestKey.publicKeyPem, /PRIVATE/);
    const signing = outputs.signingKeys as Parameters<typeof valueOf<object>>[0];
    assert.deepEqual((await valueOf(signing)).value, {});
  });

  test("waits for no enforcement, and has no kubeconfig to give away", async () => {
    const { recording, outputs } = await rendered("staging", {
      "bankmesh:enforcementGate": { enabled: true },
    });
    assert.equal(
      recording.list().some((line) => line.includes("EnforcementGate")),
      false,
    );
    assert.equal(outputs.kubeconfig, undefined);
    assert.equal(outputs.route, "rendered");
  });
});
