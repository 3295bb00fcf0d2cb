import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { root } from "../../scripts/paths.ts";
import { readStackFile } from "../../settings/index.ts";
import { graphQuestions } from "../../verify/calls.ts";

const folder = path.join(root, "examples");
const names = fs.readdirSync(folder);
const read = (name: string) =>
  readStackFile(path.join(folder, name, `Pulumi.${name}.yaml`), path.join(root, "Pulumi.yaml"), {
    BANKMESH_SOURCES: path.join(root, "sources/official.json"),
  });

describe("examples", () => {
  for (const name of names)
    test(`${name} is a stack without a problem, and its rules can be asked about`, () => {
      const { settings, problems } = read(name);
      assert.deepEqual(problems, []);
      const decisions = [...graphQuestions(settings!).values()].map((q) => q.decision.allowed);
      assert.ok(decisions.includes(true) && decisions.includes(false));
    });

  test("run side by side: no two share a cluster's name or a port", () => {
    const all = names.map((name) => read(name).settings!);
    const own = all.flatMap((s) => [s.clusterName, s.httpPort, s.httpsPort]);
    assert.equal(new Set(own).size, own.length);
  });
});
