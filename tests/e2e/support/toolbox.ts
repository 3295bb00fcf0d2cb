import { createReporter } from "../../../scripts/progress.ts";
import { prepareDocker, prepareTools } from "../../../scripts/setup/index.ts";
import { onPath } from "../../../scripts/setup/tools.ts";
import { type Sources, officialSources, readSources } from "../../../sources/index.ts";

let prepared: Promise<Sources> | undefined;

/**
 * Makes sure that this process has the tools, and a Docker that answers; returns the sources that the program will use.
 * `npm test` has prepared its environment already; a test file that is run alone does it here.
 */
export function toolbox(): Promise<Sources> {
  return (prepared ??= prepare());
}

async function prepare(): Promise<Sources> {
  const ready = process.env.BANKMESH_SOURCES !== undefined && onPath("pulumi", process.env);
  if (!ready) {
    const report = createReporter({ terminal: false });
    const { env } = await prepareTools(report, process.env, ["istioctl"]);
    await prepareDocker(report);
    Object.assign(process.env, env);
  }
  process.env.PULUMI_SKIP_UPDATE_CHECK = "true";
  return readSources(process.env.BANKMESH_SOURCES ?? officialSources);
}
