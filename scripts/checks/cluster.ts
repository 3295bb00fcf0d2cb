import { execa } from "execa";
import { UserError } from "../errors.ts";
import { root } from "../paths.ts";
import type { Deployment, Resource } from "../stack/pending.ts";
import type { Stack } from "../stack/pulumi.ts";

const componentType = "bankmesh:cluster:KindCluster";

/** What the state knows of the stack's kind cluster. */
export interface KnownCluster {
  readonly name: string;
  /** Who made it; stamped into the node. */
  readonly owner: string;
  /** Creation id of the cluster that the state's objects are in. */
  readonly creationId?: string;
}

/** Reads the state; undefined when it knows of no kind cluster. */
export function knownCluster(deployment: Deployment | undefined): KnownCluster | undefined {
  const resources = deployment?.resources ?? [];
  const inside = resources.filter((r) => r.urn.includes(`::${componentType}$`));
  const component = resources.find((r) => r.type === componentType);
  const owner = inside.find((r) => r.type === "random:index/randomId:RandomId")?.outputs?.hex;
  const command = inside.find(
    (r) => r.type === "command:local:Command" && !r.delete && environmentOf(r, "CREATION_ID"),
  );
  const name =
    component?.outputs?.clusterName ??
    component?.inputs?.clusterName ??
    environmentOf(command, "CLUSTER");
  if (typeof name !== "string" || typeof owner !== "string") return undefined;
  const creationId = environmentOf(command, "CREATION_ID");
  return { name, owner, ...(typeof creationId === "string" && { creationId }) };
}

function environmentOf(command: Resource | undefined, key: string): unknown {
  return (command?.inputs?.environment as Record<string, unknown> | undefined)?.[key];
}

/**
 * Refuses to go on when a kind cluster has the name and somebody else made it.
 *
 * @param name name that the stack's file asks for
 */
export async function checkCluster(
  env: NodeJS.ProcessEnv,
  name: string,
  known: KnownCluster | undefined,
): Promise<void> {
  // no owner is nobody's name, so that a cluster without a stamp is foreign too
  const owner = known?.owner ?? "(none)";
  await askLibrary(
    env,
    { CLUSTER: name, OWNER: owner },
    '[ "$(node_state)" = absent ] || refuse_foreign',
  );
}

/** Whether the cluster lives that the state's objects are in; a stopped one is started. */
export async function stateOfCluster(
  stack: Stack,
  deployment: Deployment,
): Promise<"running" | "gone"> {
  const known = knownCluster(deployment);
  // an existing cluster is the user's, who keeps it running
  if (!known)
    return deployment.resources?.some((r) => r.type === componentType) ? "gone" : "running";
  if (known.creationId === undefined) return "gone";
  const script = `state=$(node_state)
if [ "$state" = absent ]; then echo gone; exit; fi
start_nodes
id=$(stamped_id)
if [ "$id" = "$CREATION_ID" ]; then echo running; else echo gone; fi`;
  const answer = await askLibrary(
    stack.env,
    { CLUSTER: known.name, OWNER: known.owner, CREATION_ID: known.creationId },
    script,
  );
  return answer.trim() === "running" ? "running" : "gone";
}

/** Whether Docker has nodes of the cluster; running or not. */
export async function nodeState(env: NodeJS.ProcessEnv, name: string): Promise<string> {
  return (await askLibrary(env, { CLUSTER: name, OWNER: "" }, "node_state")).trim();
}

/** Without own tools on PATH, the commands in the messages need ours. */
function withHint(text: string): string {
  if (!/kind delete|pulumi config/.test(text)) return text;
  return `${text}\n(without kind or pulumi on your PATH: npm run exec -- kind …, npm run exec -- pulumi …)`;
}

/** Runs a piece of shell with the functions that the program's own commands use, so that both judge alike. */
async function askLibrary(
  env: NodeJS.ProcessEnv,
  variables: Record<string, string>,
  script: string,
): Promise<string> {
  const result = await execa(
    "bash",
    ["-c", `set -euo pipefail\n. components/kind-cluster/lib.sh\n${script}`],
    {
      cwd: root,
      env: { ...env, ...variables },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    },
  );
  if (result.failed)
    throw new UserError(withHint(result.stderr.trim() || String(result.shortMessage)));
  return result.stdout;
}
