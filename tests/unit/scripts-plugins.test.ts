import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkPlugins } from "../../scripts/checks/plugins.ts";
import type { Deployment } from "../../scripts/stack/pending.ts";

const state = (outputs: Record<string, unknown>): Deployment => ({
  resources: [
    { urn: "urn:a", type: "random:index/randomId:RandomId", outputs: { hex: "00" } },
    { urn: "urn:b", type: "kubernetes:core/v1:Namespace", outputs },
  ],
});
const standIns = state({ kind: "Namespace", __fieldManager: "pulumi-kubernetes-1" });
const official = state({ kind: "Namespace", __fieldManager: "m", __inputs: { kind: "Namespace" } });

describe("plugins that a stack was made with", () => {
  test("the official ones do not take over what the stand-ins made", () => {
    for (const env of [{}, { BANKMESH_ROUTE: "official" }])
      assert.throws(
        () => checkPlugins("dev", env, standIns),
        /stack "dev" was brought up with .*; nothing of it was touched\nfix: .* BANKMESH_ROUTE=airgap npm run destroy -- dev,/,
      );
  });

  test("everything else goes on", () => {
    checkPlugins("dev", { BANKMESH_ROUTE: "airgap" }, standIns);
    checkPlugins("dev", { BANKMESH_ROUTE: "airgap" }, official);
    checkPlugins("dev", {}, official);
    checkPlugins("dev", {}, undefined);
    checkPlugins("dev", {}, { resources: [] });
  });
});
