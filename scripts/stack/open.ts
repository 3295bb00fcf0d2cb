import * as path from "node:path";
import { execa } from "execa";
import type { Reporter } from "../progress.ts";
import type { Workbench } from "../setup/index.ts";
import { chooseBackend, passphraseEnv } from "./backend.ts";
import { prepareStackFile, secretsProvider } from "./files.ts";
import { clearStaleLocks } from "./locks.ts";
import { capture, PulumiError, type Stack } from "./pulumi.ts";
import { type Exported, exportState } from "./recover.ts";

/** Name of the project in Pulumi.yaml. */
export const project = "bankmesh";

/** A stack with what the backend has of it. */
export interface OpenStack {
  readonly stack: Stack;
  /** Undefined when the backend has no such stack yet. */
  readonly state: Exported | undefined;
  /** Where the state is, in words. */
  readonly backend: string;
}

/** Refuses early what needs no tools: a missing passphrase. */
export function stackEnvironment(
  name: string,
  env: NodeJS.ProcessEnv,
  create = true,
): NodeJS.ProcessEnv {
  const backend = chooseBackend(env, create);
  return {
    ...env,
    ...passphraseEnv(name, backend, env, secretsProvider(name)),
    ...(backend.url !== undefined && { PULUMI_BACKEND_URL: backend.url }),
    // where the working copy was lost, the state still knows how it is encrypted
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
  };
}

/** Opens a stack for the CLI: environment, working copy, no stale locks. */
export async function openStack(
  report: Reporter,
  name: string,
  bench: Workbench,
): Promise<OpenStack> {
  const backend = chooseBackend(bench.env);
  const env = stackEnvironment(name, bench.env);
  const { file } = prepareStackFile(name);
  const stack = { name, env, configFile: file };
  await clearStaleLocks(report, backend, project, name);
  return { stack, state: await exportState(stack), backend: backend.description };
}

/** Makes the stack in the backend; the working copy gets its salt. */
export async function createStack(stack: Stack): Promise<void> {
  const folder = path.dirname(stack.configFile);
  // `stack init` has no --config-file: it runs where the working copy is the stack's file
  const result = await execa(
    "pulumi",
    ["stack", "init", stack.name, "--no-select", "--non-interactive", "--cwd", folder],
    {
      env: stack.env,
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    },
  );
  if (result.failed) throw new PulumiError("pulumi stack init", result.stderr || result.stdout);
}

/** Outputs of the stack. Secret ones are shown only when asked for. */
export async function readOutputs(
  stack: Stack,
  showSecrets = false,
): Promise<Record<string, unknown>> {
  const args = ["stack", "output", "--json", ...(showSecrets ? ["--show-secrets"] : [])];
  return JSON.parse(await capture(stack, args)) as Record<string, unknown>;
}
