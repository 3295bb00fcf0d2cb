import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { suite, test } from "node:test";

import * as airgap from "../../airgap/versions.ts";
import * as official from "../../versions.ts";

/** The version that a tool's go.mod requires of a module. */
function required(tool: string, module: string): string | undefined {
  const file = path.resolve(import.meta.dirname, "../../airgap/tools", tool, "go.mod");
  const line = fs
    .readFileSync(file, "utf8")
    .split("\n")
    .find((candidate) =>
      candidate
        .replace(/^require /, "")
        .trim()
        .startsWith(`${module} v`),
    );
  return line
    ?.trim()
    .split(" ")
    .find((word) => /^v\d/.test(word));
}

suite("versions of the air-gapped route", () => {
  const pins: [string, string, string][] = [
    ["kubernetes", "k8s.io/kubernetes", airgap.kubernetesVersion],
    ["pulumi", "github.com/pulumi/pulumi/pkg/v3", `v${airgap.pulumiVersion}`],
    ["kind", "sigs.k8s.io/kind", `v${airgap.kindVersion}`],
    ["helm", "helm.sh/helm/v3", `v${airgap.helmVersion}`],
    ["coredns", "github.com/coredns/coredns", airgap.corednsTag],
    ["etcd", "go.etcd.io/etcd/server/v3", `v${airgap.etcdTag.replace(/-\d+$/, "")}`],
    ["istio", "istio.io/istio", airgap.istioModule.split("@")[1] ?? ""],
  ];
  for (const [tool, module, version] of pins) {
    test(`${tool}: what is built is what is named`, () => {
      assert.equal(required(tool, module), version);
    });
  }

  test("are those of the official route where both have the tool", () => {
    assert.equal(airgap.kubernetesVersion, `v${official.kubernetesVersion}`);
    assert.equal(airgap.pulumiVersion, official.pulumiVersion);
    assert.equal(airgap.kindVersion, official.kindVersion);
  });

  test("the Istio build is named by its commit, not as a release", () => {
    assert.match(
      airgap.istioVersion,
      new RegExp(`^\\d+\\.\\d+\\.\\d+-git\\.${airgap.istioCommit}$`),
    );
    assert.ok(airgap.istioModule.endsWith(`-${airgap.istioCommit}`));
  });

  test("wheels are pinned by content", () => {
    for (const wheel of [airgap.goWheel, airgap.envoyWheel]) {
      assert.match(wheel.version, /^\d+\.\d+\.\d+$/);
      assert.match(wheel.sha256, /^[0-9a-f]{64}$/);
    }
    assert.ok(airgap.goWheel.version.startsWith(`${airgap.goMinimum}.`));
  });
});
