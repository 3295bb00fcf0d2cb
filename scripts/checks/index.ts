import { formatProblems, readStackFile, type Settings } from "../../settings/index.ts";
import { UserError } from "../errors.ts";
import { root } from "../paths.ts";
import { projectFile, readable, trackedFile } from "../stack/files.ts";
import type { Deployment } from "../stack/pending.ts";
import { checkCluster, type KnownCluster, knownCluster, nodeState } from "./cluster.ts";
import { checkDisk, requireDocker } from "./docker.ts";
import { checkPlugins } from "./plugins.ts";
import { type TakenPort, takenPorts } from "./ports.ts";

/** Checks the stack's whole file before the CLI sees it: all problems in one message. */
export function checkConfiguration(stack: string, env: NodeJS.ProcessEnv): Settings {
  process.chdir(root); // paths in the file are relative to the program
  if (env.BANKMESH_SOURCES) process.env.BANKMESH_SOURCES = env.BANKMESH_SOURCES;
  const file = trackedFile(stack);
  const parsed = readable(file, () => readStackFile(file, projectFile, env));
  if (!parsed.settings) throw new UserError(withHint(formatProblems(stack, parsed.problems)));
  return parsed.settings;
}

/** Without an own Pulumi CLI on PATH, the commands in the messages need ours. */
function withHint(text: string): string {
  return `${text}\n(without pulumi on your PATH: npm run exec -- pulumi config …; or edit the file)`;
}

/**
 * Checks this machine: plugins, Docker, disk, ports, the cluster's name. Nothing is touched.
 *
 * @param deployment the stack's state; undefined when there is none yet
 */
export async function checkMachine(
  stack: string,
  env: NodeJS.ProcessEnv,
  settings: Settings,
  deployment: Deployment | undefined,
): Promise<void> {
  checkPlugins(stack, env, deployment);
  if (settings.cluster === "existing") return;
  const docker = await requireDocker(env);
  const known = knownCluster(deployment);
  await checkName(stack, env, settings, known);
  if (!settings.throwAway) await checkCluster(env, settings.clusterName, known);
  const name = clusterName(settings, known);
  const there = name !== undefined && (await nodeState(env, name)) !== "absent";
  if (!there) await checkDisk(docker);
  const ports = { httpPort: settings.httpPort, httpsPort: settings.httpsPort };
  const ownNode = there ? `${name}-control-plane` : undefined;
  const taken = await takenPorts(env, ports, ownNode);
  if (taken.length > 0) throw new UserError(portMessage(stack, taken));
}

/** The new cluster would be made before the old one goes, which has the ports until then. */
async function checkName(
  stack: string,
  env: NodeJS.ProcessEnv,
  { clusterName: wanted, throwAway }: Settings,
  known: KnownCluster | undefined,
): Promise<void> {
  if (!known || (await nodeState(env, known.name)) === "absent") return;
  if (throwAway ? known.name.startsWith(`${wanted}-`) : known.name === wanted) return;
  throw new UserError(
    `stack "${stack}" runs in cluster "${known.name}", and its configuration now asks for ` +
      `"${wanted}"${throwAway ? " with a random suffix" : ""}; nothing was touched\n` +
      `fix: npm run destroy -- ${stack}, then npm start -- ${stack}; or set clusterName back`,
  );
}

function clusterName(settings: Settings, known: KnownCluster | undefined): string | undefined {
  return known?.name ?? (settings.throwAway ? undefined : settings.clusterName);
}

export function portMessage(stack: string, taken: readonly TakenPort[]): string {
  const lines = taken.map(
    (t) =>
      `  bankmesh:${t.key} is ${t.port}, which ${t.holder ?? "another program"} has\n` +
      "     allowed: a port that nothing else listens on\n" +
      `     fix:     end it, or: pulumi config set --stack ${stack} ${t.key} <port>`,
  );
  return `a port of stack "${stack}" is taken; nothing was touched\n${lines.join("\n")}`;
}
