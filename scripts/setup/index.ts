import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ensureDocker, ensureToolbox } from "../../airgap/index.ts";
import { UserError } from "../errors.ts";
import { local } from "../paths.ts";
import type { Reporter } from "../progress.ts";
import { silentHosts } from "./hosts.ts";
import { ensureOfficialTools } from "./official.ts";
import { ownPulumiHome } from "./pulumi-home.ts";
import {
  chooseRoute,
  describeRoute,
  type Facts,
  needsHosts,
  type Origin,
  type Route,
} from "./route.ts";
import {
  type ExtraTool,
  findTools,
  missingPlugins,
  onPath,
  type ToolName,
  toolNames,
} from "./tools.ts";

/** Tools ready to use: the environment in which every command runs. */
export interface Workbench {
  readonly route: Route;
  readonly env: NodeJS.ProcessEnv;
}

/** Looks at this machine. Changes nothing. */
export async function gatherFacts(env: NodeJS.ProcessEnv): Promise<Facts> {
  const forced = readForced(env);
  const tools = await findTools(env);
  const plugins = tools.pulumi.good ? await missingPlugins(env) : undefined;
  const facts: Facts = { forced, tools, missingPlugins: plugins };
  return needsHosts(facts) ? { ...facts, silentHosts: await silentHosts() } : facts;
}

/**
 * Brings the tools that are missing, by the way that is open.
 *
 * @param extra tools beside those that every command needs; where they can't be had, a note says so
 */
export async function prepareTools(
  report: Reporter,
  env: NodeJS.ProcessEnv = process.env,
  extra: readonly ExtraTool[] = [],
): Promise<Workbench> {
  const facts = await gatherFacts(env);
  const route = chooseRoute(facts);
  report.note(describeRoute(route));
  const result: NodeJS.ProcessEnv = {
    ...env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // the engine spends a fifth of its time on collecting garbage in a few dozen megabytes
    GOGC: env.GOGC ?? (os.totalmem() > 15 * 2 ** 30 ? "1000" : "400"),
    // Pulumi's own is four a core; waiting for a Deployment costs nothing, and pods that start together push less
    PULUMI_PARALLEL: env.PULUMI_PARALLEL ?? String(Math.max(64, 4 * os.availableParallelism())),
    // for what runs under us: the same way, without asking again
    BANKMESH_ROUTE: route.tools === "path" ? env.BANKMESH_ROUTE : route.tools,
  };
  if (route.tools === "official") {
    const missing = toolNames.filter((name) => !facts.tools[name].good);
    prepend(result, await ensureOfficialTools(report, missing));
  }
  if (route.sources === "official") {
    const missing = extra.filter((name) => onPath(name, result) === undefined);
    prepend(result, await ensureOfficialTools(report, missing).catch(noted(report)));
  }
  if (route.sources === "airgap") {
    const toolbox = await ensureToolbox(report);
    result.BANKMESH_SOURCES = env.BANKMESH_SOURCES ?? toolbox.sources;
    if (route.lacks) prepend(result, [onlyThese(route.lacks, toolbox.bin)]);
    if (route.tools === "airgap") {
      prepend(result, [toolbox.bin]);
      result.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "true";
      const home = ownPulumiHome(env);
      if (home !== undefined) result.PULUMI_HOME = home;
    }
  }
  return { route, env: result };
}

/** What single commands want is not worth an end of all. */
function noted(report: Reporter): (error: Error) => string[] {
  return (error) => {
    report.note(error.message);
    return [];
  };
}

/** A folder with some of the toolbox's commands: all of it would put the stand-ins before the user's plugins. */
function onlyThese(names: readonly ToolName[], toolbox: string): string {
  const folder = path.join(local, "bin");
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const name of names) fs.symlinkSync(path.join(toolbox, name), path.join(folder, name));
  return folder;
}

/** A Docker Engine that answers; the air-gapped builder knows how to get one. */
export async function prepareDocker(report: Reporter): Promise<void> {
  await ensureDocker(report);
}

export function readForced(env: NodeJS.ProcessEnv): Origin | undefined {
  const value = env.BANKMESH_ROUTE;
  if (value === undefined || value === "") return undefined;
  if (value === "official" || value === "airgap") return value;
  throw new UserError(
    `BANKMESH_ROUTE is "${value}"; allowed: official, airgap (or unset it to let the scripts find out)`,
  );
}

function prepend(env: NodeJS.ProcessEnv, folders: readonly string[]): void {
  env.PATH = [...folders, env.PATH ?? ""].join(path.delimiter);
}
