import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { secretKeys } from "../../settings/index.ts";
import { officialSources, readSources } from "../../sources/index.ts";
import { renderedSources } from "../../sources/rendered.ts";
import { UserError } from "../errors.ts";
import { wasInterrupted } from "../signals.ts";
import { isNoise } from "../stack/display.ts";
import { createStack } from "../stack/open.ts";
import { checkEnd, type RunResult, run, type Stack } from "../stack/pulumi.ts";
import { type Manifests, normalized, readManifests } from "./manifests.ts";

/** A stack whose state and manifests are gone with its folder. */
export interface ThrowAway {
  readonly stack: Stack;
  /** Folder of state, configuration and manifests. */
  readonly folder: string;
}

/**
 * What of a stack's file is the same for everybody. Nobody has its passphrase here: how it is encrypted goes, and with it
 * the user's own certificates, in whose place the program makes some; Secrets are rendered empty in any case. So are
 * sources of its own: rendered manifests have one.
 *
 * @param text text of `Pulumi.<stack>.yaml`
 */
export function renderedConfig(text: string): string {
  const { config = {} } = (parse(text) ?? {}) as { config?: Record<string, unknown> };
  const dropped = [...secretKeys, "sources"].map((key) => `bankmesh:${key}`);
  const kept = Object.entries(config).filter(([key]) => !dropped.includes(key));
  return stringify({ config: Object.fromEntries(kept) });
}

/**
 * A stack that writes its manifests to a folder, with a state that is thrown away.
 *
 * @param name name of the stack
 * @param program folder of the program
 * @param env environment with the tools
 * @param config text of the stack's file. @default the one of the program's folder
 * @param work what is done with it
 */
export async function withThrowAway<T>(
  name: string,
  program: string,
  env: NodeJS.ProcessEnv,
  work: (throwAway: ThrowAway) => Promise<T>,
  config = fs.readFileSync(path.join(program, `Pulumi.${name}.yaml`), "utf8"),
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-render-"));
  try {
    const stack = throwAwayStack(name, program, folder, env);
    fs.writeFileSync(stack.configFile, renderedConfig(config));
    fs.copyFileSync(path.join(program, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
    writeSources(program, folder);
    await createStack(stack);
    return await work({ stack, folder });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The same state, seen by another program or another stack file. */
export function seenBy(
  { stack, folder }: ThrowAway,
  program: string,
  config = fs.readFileSync(path.join(program, `Pulumi.${stack.name}.yaml`), "utf8"),
): ThrowAway {
  const salt = fs.readFileSync(stack.configFile, "utf8").match(/^encryptionsalt: .*$/m)?.[0] ?? "";
  fs.writeFileSync(stack.configFile, `${renderedConfig(config)}${salt}\n`);
  fs.copyFileSync(path.join(program, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
  writeSources(program, folder);
  return { stack: { ...stack, program }, folder };
}

function throwAwayStack(
  name: string,
  program: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Stack {
  const state = path.join(folder, "state");
  fs.mkdirSync(state);
  return {
    name,
    program,
    configFile: path.join(folder, `Pulumi.${name}.yaml`),
    env: {
      ...env,
      PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
      BANKMESH_SOURCES: path.join(folder, "sources.json"),
      // the SDK would hand it to the provider, which takes a kubeconfig or a folder and not both
      KUBECONFIG: undefined,
      // nobody goes on from a state that is thrown away: written once, at the end, a quarter of the time is saved
      PULUMI_EXPERIMENTAL: "true",
      PULUMI_SKIP_CHECKPOINTS: "true",
    },
  };
}

function writeSources(program: string, folder: string): void {
  const official = readSources(path.join(program, officialSources));
  const sources = renderedSources(official, path.join(folder, "manifests"));
  fs.writeFileSync(path.join(folder, "sources.json"), JSON.stringify(sources));
}

/** Makes the stack, which writes its manifests. */
export async function writeDown({ stack, folder }: ThrowAway): Promise<Manifests> {
  const result: RunResult = await run(
    stack,
    "up",
    ["--yes", "--skip-preview", "--suppress-outputs"],
    true,
  );
  checkRun(result, folder, `rendering stack "${stack.name}"`);
  const written = readManifests(path.join(folder, "manifests"));
  return new Map([...written].map(([file, text]) => [file, normalized(text, file)]));
}

/** Nobody saw what the run said: its words are the error's. */
export function checkRun(result: RunResult, folder: string, what: string): void {
  if (result.code === 0) return;
  const said = fs.existsSync(result.log) ? fs.readFileSync(result.log, "utf8") : "";
  const lines = said
    .replaceAll(folder, "<folder>")
    .split("\n")
    .filter((line) => !isNoise(line));
  // an interrupted or killed run says nothing of use
  if (wasInterrupted() || result.code === 137) checkEnd(result, what, "the same command");
  throw new UserError(`${what} failed:\n${lines.join("\n").trim()}`);
}

/** The manifests of a stack. Needs no cluster. */
export function render(
  name: string,
  program: string,
  env: NodeJS.ProcessEnv,
  config?: string,
): Promise<Manifests> {
  return withThrowAway(name, program, env, writeDown, config);
}
