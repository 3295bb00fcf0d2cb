import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "../errors.ts";
import { shown } from "../paths.ts";
import { type Section, code, comment } from "../pr/comment.ts";
import { compareStack, type Side, type StackChange } from "../pr/compare.ts";
import { guardrailSection } from "../pr/guardrails.ts";
import { manifestSection } from "../pr/manifest-diff.ts";
import { meaningSection } from "../pr/meaning.ts";
import { previewSection } from "../pr/preview.ts";
import { type Tree, withTrees, workingTree } from "../pr/trees.ts";
import type { Reporter } from "../progress.ts";
import { prepareTools } from "../setup/index.ts";
import type { Command } from "./command.ts";
import { shippedStacks } from "./render.ts";

export const prComment: Command = {
  spec: {
    name: "pr-comment",
    usage: "npm run -s pr-comment",
    summary: "Prints what a change does to security, as the comment of its pull request.",
    positional: "<base> [head]",
    maxPositional: 2,
    options: [{ name: "to", value: "FILE", help: "write it there instead, and print the path" }],
    details: `<base> and [head] are commits; [head] is the checkout as it is unless named
No cluster is touched: both are rendered, and the head is previewed on a throw-away state of the base.
exit codes: 0 nothing stands in the way, 1 there is something that may not pass, 2 could not tell`,
    usageExitCode: 2,
  },
  async run(args, report) {
    const [base, head = workingTree] = args.positional;
    if (base === undefined)
      throw new UserError("name the commit to compare with: npm run -s pr-comment -- main", 2);
    try {
      const { env } = await prepareTools(report);
      const { text, refused } = await withTrees([base, head], env, (from, to) =>
        commentOn(from, to, env, report),
      );
      print(text, args.flags.to);
      return refused ? 1 : 0;
    } catch (e) {
      throw e instanceof UserError ? new UserError(e.message, 2) : e;
    }
  },
};

/** The comment on what lies between two trees. */
async function commentOn(
  base: Tree,
  head: Tree,
  env: NodeJS.ProcessEnv,
  report: Reporter,
): Promise<{ text: string; refused: boolean }> {
  const changes: StackChange[] = [];
  for (const stack of shippedStacks) {
    const [was, is] = [side(base, stack), side(head, stack)];
    if (was.config === undefined && is.config === undefined) continue;
    const step = report.step(`${stack}: ${base.name} → ${head.name}`);
    changes.push(await compareStack(stack, was, is, env));
    step.done();
  }
  const { sections, refused } = await sectionsOf(changes);
  const again = `${code(`npm run -s pr-comment -- ${base.name} ${head.name}`)} prints all of it`;
  return { text: comment(sections, again), refused };
}

/** All sections, the most telling first. */
export async function sectionsOf(
  changes: readonly StackChange[],
): Promise<{ sections: Section[]; refused: boolean }> {
  const guardrails = guardrailSection(changes);
  const sections = [
    await meaningSection(changes),
    guardrails.section,
    await manifestSection(changes),
    previewSection(changes),
  ];
  return { sections, refused: guardrails.refused };
}

function side({ folder }: Tree, stack: string): Side {
  const file = path.join(folder, `Pulumi.${stack}.yaml`);
  return {
    program: folder,
    config: fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined,
  };
}

function print(text: string, to: string | true | undefined): void {
  if (typeof to !== "string") {
    process.stdout.write(text);
    return;
  }
  // npm runs its scripts in the project's folder, wherever it was called
  const file = path.resolve(process.env.INIT_CWD ?? "", to);
  try {
    fs.writeFileSync(file, text);
  } catch (e) {
    throw new UserError(`--to: ${file} cannot be written: ${(e as Error).message}`);
  }
  process.stdout.write(`${shown(file)}\n`);
}
