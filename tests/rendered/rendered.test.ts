import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { execa } from "execa";
import { renderedFolder, shippedStacks } from "../../scripts/commands/render.ts";
import { root } from "../../scripts/paths.ts";
import { checkCrds } from "../../scripts/render/crd-checks.ts";
import { checkManifests, describeViolation } from "../../scripts/render/guardrails.ts";
import { differences, objectsOf, readManifests } from "../../scripts/render/manifests.ts";
import { render } from "../../scripts/render/throw-away.ts";
import { isMeantFilter } from "../../verify/callers/tools.ts";

// Runs with the tools of the route on PATH: Pulumi, its plugins, istioctl. No cluster, no Docker.

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-rendered-"));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

for (const stack of shippedStacks) {
  describe(`rendered/${stack}`, () => {
    const committed = readManifests(renderedFolder(stack));
    const objects = objectsOf(committed);

    test("is what the program makes, byte by byte", async () => {
      const started = Date.now();
      const made = await render(stack, root, process.env);
      const seconds = (Date.now() - started) / 1000;
      const { added, changed, removed } = differences(committed, made);
      const stale = [...added, ...changed, ...removed];
      assert.deepEqual(stale, [], "npm run render brings it up to date");
      process.stdout.write(`rendering ${stack}: ${made.size} objects in ${seconds.toFixed(1)} s\n`);
    });

    test("is what the CRDs of the pinned chart allow, with all of their rules", () => {
      const { problems, unreadable, checked, rules } = checkCrds(objects);
      assert.deepEqual(problems, []);
      assert.deepEqual(unreadable, [], "rules that cannot be evaluated");
      assert.ok(checked >= 3 && rules >= 30, `${checked} objects, ${rules} rules`);
    });

    test("istioctl analyze finds nothing", async () => {
      assert.deepEqual(await analyze(renderedFolder(stack)), []);
    });

    test("keeps to the guardrails", () => {
      const violations = checkManifests(objects, stack);
      const mandatory = violations.filter((v) => v.level === "mandatory").map(describeViolation);
      assert.deepEqual(mandatory, []);
    });
  });
}

test("controls: istioctl finds a route to a gateway that is not there, and the CRDs a port of no workload", async () => {
  const manifests = new Map(readManifests(renderedFolder("staging")));
  const edit = (kind: string, from: string, to: string) => {
    const file = [...manifests.keys()].find((name) => name.includes(`-${kind}-`))!;
    assert.ok(manifests.get(file)!.includes(from), file);
    manifests.set(file, manifests.get(file)!.replace(from, to));
  };
  edit("virtualservice", "- bank-gw", "- bank-gww");
  edit("peerauthentication", "mode: STRICT", 'mode: STRICT\n  portLevelMtls:\n    "80":\n      mode: DISABLE');
  const folder = path.join(scratch, "control");
  fs.mkdirSync(folder);
  for (const [file, text] of manifests)
    fs.writeFileSync(path.join(folder, path.basename(file)), text);
  const codes = (await analyze(folder)).map((line) => line.split(" ")[0]);
  assert.deepEqual(codes, ["IST0101", "IST0106", "IST0132"]);
  assert.deepEqual(checkCrds(objectsOf(manifests)).problems, [
    "1-manifest/security.istio.io_v1-peerauthentication-bank-default.yaml: spec: portLevelMtls requires selector",
  ]);
});

/** Messages of istioctl. What needs pods, secrets or Services it asks of living clusters alone: `npm run verify` does. */
async function analyze(folder: string): Promise<string[]> {
  const answer = await execa(
    "istioctl",
    ["analyze", "--use-kube=false", "--all-namespaces", "--output", "json", folder],
    { reject: false, stdin: "ignore" },
  );
  assert.ok(answer.exitCode !== undefined, `istioctl could not be started: ${answer.message}`);
  const messages = JSON.parse(answer.stdout || "null") as
    | { code: string; origin: string; message: string }[]
    | null;
  assert.ok(Array.isArray(messages), answer.stderr);
  return messages
    .filter(({ code, origin, message }) => !isMeantFilter(code, origin, message))
    .map(({ code, origin, message }) => `${code} ${origin}: ${message}`)
    .sort();
}
