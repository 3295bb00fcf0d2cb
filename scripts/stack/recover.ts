import { UserError } from "../errors.ts";
import { shown } from "../paths.ts";
import type { Reporter } from "../progress.ts";
import { stateOfCluster } from "../checks/cluster.ts";
import { type Deployment, markUnfinished, planRepair, withoutStrays } from "./pending.ts";
import { capture, PulumiError, run, type Stack } from "./pulumi.ts";

/** An exported stack. */
export interface Exported {
  readonly version: number;
  readonly deployment: Deployment;
}

/** The stack's state, secrets encrypted; undefined when the backend has no such stack. */
export async function exportState(stack: Stack): Promise<Exported | undefined> {
  try {
    return JSON.parse(await capture(stack, ["stack", "export"])) as Exported;
  } catch (e) {
    if (e instanceof PulumiError && /no stack named/.test(e.output)) return undefined;
    throw e;
  }
}

/** Repairs the state after a run that was killed, without losing objects that live. */
export async function recover(report: Reporter, stack: Stack, found: Exported): Promise<void> {
  const state = await removeStrays(report, stack, found);
  const pending = state.deployment.pending_operations ?? [];
  if (pending.length === 0) return;
  const lives = (await stateOfCluster(stack, state.deployment)) === "running";
  const { deployment, imported, cleared } = planRepair(state.deployment, lives);
  await importState(stack, { ...state, deployment });
  const live = imported.length > 0 ? await refreshObjects(report, stack, imported) : 0;
  const parts = [
    ...(live > 0 ? [`those of ${live} live objects were completed in the state`] : []),
    ...(cleared.length + imported.length - live > 0
      ? [`${cleared.length + imported.length - live} will be done again`]
      : []),
  ];
  report.note(
    `the last run was interrupted with ${pending.length} operations under way${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`,
  );
}

/** Lets the next `up` make what a run that replaced the cluster did not come to. */
async function removeStrays(report: Reporter, stack: Stack, state: Exported): Promise<Exported> {
  const { deployment, strays } = withoutStrays(state.deployment);
  if (strays.length === 0) return state;
  const cleaned = { ...state, deployment };
  await importState(stack, cleaned);
  report.note(
    `the last run was interrupted while it made the cluster anew: ${strays.length} objects of the old one are made again`,
  );
  return cleaned;
}

/** Reads the objects from the cluster; those that are not there leave the state. Returns how many are. */
async function refreshObjects(
  report: Reporter,
  stack: Stack,
  urns: readonly string[],
): Promise<number> {
  const step = report.step(`looking for ${urns.length} objects whose creation was interrupted`);
  const targets = urns.flatMap((urn) => ["--target", urn]);
  const result = await run(
    stack,
    "refresh",
    ["--yes", "--skip-preview", "--suppress-outputs", ...targets],
    true,
  );
  if (result.code !== 0) {
    step.fail("refresh failed");
    throw new UserError(
      `the objects of the interrupted run could not be looked up; the output is in ${shown(result.log)}\n` +
        "start the cluster, or delete it, and run the same command again",
    );
  }
  const state = await exportState(stack);
  const marked = markUnfinished(state?.deployment ?? {}, urns);
  if (state && marked.count > 0)
    await importState(stack, { ...state, deployment: marked.deployment });
  step.done(`${marked.count} exist`);
  return marked.count;
}

async function importState(stack: Stack, state: Exported): Promise<void> {
  await capture(stack, ["stack", "import"], JSON.stringify(state));
}
