import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { root } from "../scripts/paths.ts";

export type Env = NodeJS.ProcessEnv;

/** A throw-away stack of the program. */
export interface Stack {
  readonly name: string;
  /** What it has in every state: its cluster's name, its ports. */
  readonly config: { readonly clusterName: string } & Readonly<Record<string, unknown>>;
}

export function pulumi(env: Env, { name }: Stack, ...args: string[]) {
  return execa("pulumi", [...args, "--stack", name, "--non-interactive"], {
    cwd: root,
    env,
    extendEnv: false,
  });
}

export const init = (env: Env, { name }: Stack) =>
  execa("pulumi", ["stack", "init", name], { cwd: root, env, extendEnv: false });
export const up = (env: Env, of: Stack) =>
  pulumi(env, of, "up", "--yes", "--skip-preview", "--suppress-outputs");
export const preview = (env: Env, of: Stack) => pulumi(env, of, "preview", "--suppress-outputs");
export const destroy = (env: Env, of: Stack) =>
  pulumi(env, of, "destroy", "--yes", "--skip-preview");

/** The stack's outputs, secrets included. */
export async function outputs(env: Env, of: Stack): Promise<Record<string, unknown>> {
  const { stdout } = await pulumi(env, of, "stack", "output", "--json", "--show-secrets");
  return JSON.parse(stdout) as Record<string, unknown>;
}

interface State {
  readonly deployment: {
    readonly resources: readonly {
      readonly type: string;
      readonly outputs?: Record<string, unknown>;
    }[];
  };
}

/** Changes what the state keeps as the stack's outputs. */
export async function editOutputs(
  env: Env,
  of: Stack,
  edit: (outputs: Record<string, unknown>) => void,
): Promise<void> {
  const { stdout } = await pulumi(env, of, "stack", "export");
  const state = JSON.parse(stdout) as State;
  edit(state.deployment.resources.find((r) => r.type === "pulumi:pulumi:Stack")!.outputs!);
  const args = ["stack", "import", "--stack", of.name, "--non-interactive"];
  await execa("pulumi", args, { cwd: root, env, extendEnv: false, input: JSON.stringify(state) });
}

const stackFile = ({ name }: Stack) => path.join(root, `Pulumi.${name}.yaml`);

/** Writes the stack's file: what it always has, and these values. */
export function writeStack(of: Stack, values: Readonly<Record<string, unknown>>): void {
  const config = Object.fromEntries(
    // what it is compared with asks nobody either; the gate is measured apart
    Object.entries({ enforcementGate: { enabled: false }, ...of.config, ...values }).map(
      ([key, value]) => [`bankmesh:${key}`, value],
    ),
  );
  const file = stackFile(of);
  const salt = fs.existsSync(file)
    ? /^encryptionsalt:.*$/m.exec(fs.readFileSync(file, "utf8"))?.[0]
    : undefined;
  fs.writeFileSync(file, `${salt ? `${salt}\n` : ""}${stringify({ config })}`);
}

/** Where the stacks of one run are kept, and the environment in which the CLI finds them. */
export interface Workplace {
  readonly home: string;
  readonly env: Env;
  /** Takes clusters, stack files and the folder away. */
  readonly clear: () => void;
}

/**
 * A backend of its own, and no cluster that an earlier run left. All goes when the process ends, Ctrl-C included.
 *
 * @param stacks stacks that will be made
 * @param clusters further kind clusters
 */
export function workplace(
  tools: Env,
  stacks: readonly Stack[],
  clusters: readonly string[] = [],
): Workplace {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-bench-"));
  const state = path.join(home, "state");
  fs.mkdirSync(state);
  const env: Env = {
    ...tools,
    // as the npm commands set it
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: "",
  };
  const forget = () => {
    for (const name of [...stacks.map(({ config }) => config.clusterName), ...clusters]) {
      spawnSync("kind", ["delete", "cluster", "--quiet", "--name", name], { env: tools });
      spawnSync("docker", ["volume", "rm", "-f", `bankmesh-${name}`], { env: tools });
    }
    for (const each of stacks) fs.rmSync(stackFile(each), { force: true });
  };
  forget();
  const atExit = () => {
    forget();
    fs.rmSync(home, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  const clear = () => {
    process.off("exit", atExit);
    atExit();
  };
  return { home, env, clear };
}
