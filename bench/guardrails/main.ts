// npm run bench -- guardrails: a preview of a thousand resources with the policy pack and without it, in turn.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type Resource, resourceOf } from "../../policies/guardrails/resource.ts";
import { createReporter } from "../../scripts/progress.ts";
import { prepareTools } from "../../scripts/setup/index.ts";
import { guardrailFlags } from "../../scripts/stack/guardrails.ts";
import { run as runPulumi } from "../../scripts/stack/pulumi.ts";
import { UserError } from "../../scripts/errors.ts";
import { parseSettings } from "../../settings/index.ts";
import { stackObjects } from "../manifests.ts";
import { median } from "../report.ts";
import { givenStack, project } from "./given.ts";

const rounds = 3;
const wanted = 1000;
/** Seconds that the pack may add. */
const bound = 5;

/** @returns 0 when the target is met, else 1 */
export async function run(): Promise<number> {
  const { env } = await prepareTools(createReporter());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-bench-"));
  try {
    const resources = thousand();
    const stack = await givenStack(resources, folder, env);
    const times = { without: [] as number[], with: [] as number[] };
    for (let round = 1; round <= rounds; round++)
      for (const pack of ["without", "with"] as const) {
        const begun = performance.now();
        const flags = pack === "with" ? guardrailFlags("dev") : [];
        const { code, log } = await runPulumi(stack, "preview", flags, true);
        // what the pack forbids of so many copies of one bank is no matter here; that it was asked is
        const text = fs.readFileSync(log, "utf8");
        const asked = text.includes("bankmesh-guardrails");
        if ((pack === "without" && code !== 0) || asked !== (pack === "with"))
          throw new UserError(`the preview ${pack} the pack is not what it should be:\n${text}`);
        const seconds = (performance.now() - begun) / 1000;
        times[pack].push(seconds);
        console.log(`round ${round} of ${rounds}, ${pack} the pack: ${seconds.toFixed(1)} s`);
      }
    const more = times.with.map((s, i) => s - times.without[i]!);
    const met = median(more) <= bound;
    console.log(
      `preview of ${resources.length} resources: ${median(times.without).toFixed(1)} s; the pack adds ${median(more).toFixed(1)} s (at most ${bound}): ${met ? "met" : "MISSED"}`,
    );
    return met ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The objects of banks in namespaces of their own, until there are a thousand. */
function thousand(): Resource[] {
  const found: Resource[] = [];
  for (let i = 0; found.length < wanted; i++) {
    const services = ["users", "orders", "payments"].map((name) => ({
      ...{ name, allowFrom: [{ gateway: true, methods: ["GET"], paths: [`/${name}/*`] }] },
    }));
    const values = {
      namespace: `bank-${i}`,
      mtlsMode: "STRICT",
      services,
      authorization: "enforce",
    };
    const { settings, problems } = parseSettings("bench", values, {});
    if (!settings) throw new Error(JSON.stringify(problems));
    for (const object of stackObjects(settings, "bankmesh.local/echo:1")) {
      const resource = resourceOf(object as never);
      const name = `${found.length}`;
      const urn = `urn:pulumi:given::${project}::${resource.type}::${name}`;
      found.push({ ...resource, name, urn, dependencies: [] });
      if (found.length === wanted) break;
    }
  }
  return found;
}
