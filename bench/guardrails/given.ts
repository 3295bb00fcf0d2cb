import * as fs from "node:fs";
import * as path from "node:path";
import type { Resource } from "../../policies/guardrails/resource.ts";
import { createStack } from "../../scripts/stack/open.ts";
import type { Stack } from "../../scripts/stack/pulumi.ts";

/** Name of the project, as it stands in URNs. */
export const project = "given-resources";

/**
 * A stack of resources as they are, whose Kubernetes objects are written to a folder: no cluster, no program of ours.
 *
 * @param resources each with a URN of this project and stack "given"; dependencies are URNs of others among them
 * @param folder empty folder of state, configuration and objects
 */
export async function givenStack(
  resources: readonly Resource[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Stack> {
  fs.mkdirSync(path.join(folder, "state"), { recursive: true });
  const file = path.join(folder, "resources.json");
  const indexed = resources.map((r) => ({
    ...r,
    dependencies: (r.dependencies ?? []).map((urn) => resources.findIndex((o) => o.urn === urn)),
  }));
  fs.writeFileSync(file, JSON.stringify({ resources: indexed, folder: path.join(folder, "out") }));
  const program = path.join(import.meta.dirname, "program");
  const stack: Stack = {
    ...{ name: "given", program },
    configFile: path.join(folder, "Pulumi.given.yaml"),
    env: {
      ...env,
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
      GIVEN_RESOURCES: file,
      KUBECONFIG: undefined,
    },
  };
  fs.writeFileSync(stack.configFile, "");
  fs.copyFileSync(path.join(program, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
  await createStack(stack);
  return stack;
}
