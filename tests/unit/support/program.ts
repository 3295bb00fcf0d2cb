import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { type Recording, type RecordOptions, record } from "./mocks.ts";
import { root } from "./settings.ts";

/** Values of a stack, with the project's name in front. */
export type Config = Record<string, unknown>;
/** Outputs of the program. */
export type Exports = Record<string, unknown>;

/** The values of a stack's or the project's file. */
export function configOf(file: string): Config {
  const text = fs.readFileSync(path.join(root, file), "utf8");
  return (parse(text) as { config: Config }).config;
}

/** A stack's values as Pulumi hands them over: the project's defaults, then the stack's own; all text. */
function valuesOf(stack: string, values: Config = {}): Record<string, string> {
  const defaults = Object.entries(configOf("Pulumi.yaml") as Record<string, { default: unknown }>);
  const all = {
    ...Object.fromEntries(defaults.map(([key, declared]) => [key, declared.default])),
    ...configOf(`Pulumi.${stack}.yaml`),
    ...values,
  };
  const text = (v: unknown) => (typeof v === "string" ? v : JSON.stringify(v));
  return Object.fromEntries(Object.entries(all).map(([key, v]) => [key, text(v)]));
}

let runs = 0;

/** Runs the program as shipped, for one stack. */
export async function run(
  stack: string,
  values?: Config,
  options: RecordOptions = {},
): Promise<{ recording: Recording; outputs: Exports }> {
  process.chdir(root);
  delete process.env.BANKMESH_SOURCES;
  // each stack is a run of its own
  const program = `../../../index.ts?run=${(runs += 1)}`;
  let outputs: Exports = {};
  const recording = await record(
    async () => {
      pulumi.runtime.setAllConfig(valuesOf(stack, values));
      outputs = (await import(program)) as Exports;
    },
    { stack, ...options },
  );
  return { recording, outputs };
}
