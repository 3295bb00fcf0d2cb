import * as path from "node:path";
import { checkConfiguration } from "../checks/index.ts";
import { UserError } from "../errors.ts";
import { root, shown } from "../paths.ts";
import {
  type Differences,
  differences,
  type Manifests,
  readManifests,
  writeManifests,
} from "../render/manifests.ts";
import { render as renderStack } from "../render/throw-away.ts";
import { prepareTools } from "../setup/index.ts";
import { requireStack } from "../stack/files.ts";
import type { Command } from "./command.ts";

/** Stacks that come with the project; their manifests are committed. */
export const shippedStacks = ["dev", "staging", "prod"] as const;

/** Folder of a stack's manifests. */
export const renderedFolder = (stack: string, folder = root) =>
  path.join(folder, "rendered", stack);

export const render: Command = {
  spec: {
    name: "render",
    usage: "npm run render",
    summary: "Writes the manifests of stacks, charts included, to rendered/. Needs no cluster.",
    positional: "[stack …]",
    maxPositional: Infinity,
    options: [
      { name: "check", help: "change nothing; end with an error when rendered/ is not up to date" },
    ],
    details: `[stack …] are ${shippedStacks.join(", ")} unless named; each stack has a file Pulumi.<stack>.yaml`,
  },
  async run(args, report) {
    const stacks = args.positional.length > 0 ? args.positional : shippedStacks;
    const names = stacks.map((name) => requireStack(name));
    for (const name of names) checkConfiguration(name, process.env);
    const { env } = await prepareTools(report);
    const stale: string[] = [];
    for (const name of names) {
      const step = report.step(`manifests of ${name}`);
      const manifests = await renderStack(name, root, env).catch((error: Error) => {
        step.fail("see below");
        throw error;
      });
      step.done(`${manifests.size} objects`);
      const folder = renderedFolder(name);
      const lines = describe(folder, differences(readManifests(folder), manifests));
      stale.push(...lines);
      if (!args.flags.check) write(folder, manifests, lines);
    }
    if (args.flags.check && stale.length > 0) {
      const fix = "fix: npm run render, and commit what it changes";
      throw new UserError(`rendered/ is not what the program makes:\n${stale.join("\n")}\n${fix}`);
    }
    return 0;
  },
};

function write(folder: string, manifests: Manifests, lines: readonly string[]): void {
  writeManifests(folder, manifests);
  const changes = lines.length === 0 ? "nothing changed" : `\n${lines.join("\n")}`;
  process.stdout.write(`${shown(folder)}: ${manifests.size} objects, ${changes}\n`);
}

function describe(folder: string, { added, changed, removed }: Differences): string[] {
  const line = (word: string) => (file: string) => `  ${word}  ${shown(path.join(folder, file))}`;
  return [
    ...added.map(line("new    ")),
    ...changed.map(line("changed")),
    ...removed.map(line("gone   ")),
  ];
}
