import * as fs from "node:fs";
import * as path from "node:path";
import { onPath } from "../setup/tools.ts";
import { chooseBackend } from "./backend.ts";
import { project, stackEnvironment } from "./open.ts";
import { trackedFile } from "./files.ts";
import type { Deployment } from "./pending.ts";
import { exportState } from "./recover.ts";
import type { Outputs } from "./summary.ts";

/** A stack's file in a file backend. */
interface StateFile {
  readonly checkpoint?: { readonly latest?: Deployment };
}

/** The stack's state as far as it can be read without changing or building anything; undefined when there is none. */
export async function lastState(
  stack: string,
  env: NodeJS.ProcessEnv,
): Promise<Deployment | undefined> {
  const backend = chooseBackend(env, false);
  try {
    if (backend.folder !== undefined) {
      const file = path.join(backend.folder, ".pulumi", "stacks", project, `${stack}.json`);
      const state = JSON.parse(fs.readFileSync(file, "utf8")) as StateFile;
      return state.checkpoint?.latest;
    }
    if (!onPath("pulumi", env)) return undefined;
    const opened = {
      name: stack,
      configFile: trackedFile(stack),
      env: stackEnvironment(stack, env, false),
    };
    return (await exportState(opened))?.deployment;
  } catch {
    return undefined;
  }
}

/** The stack's outputs in its state; secret ones are encrypted there. */
export function outputsIn(state: Deployment | undefined): Outputs {
  return state?.resources?.find((r) => r.type === "pulumi:pulumi:Stack")?.outputs ?? {};
}
