import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "../errors.ts";
import { shown } from "../paths.ts";
import { code, comment, commentLimit, fenceFor, type Section } from "../pr/comment.ts";
import { type Side, type StackChange, withBase } from "../pr/compare.ts";
import type { GuardrailChanges } from "../pr/guardrail-changes.ts";
import { guardrailSection } from "../pr/guardrails.ts";
import { ownChanges } from "../pr/judge-changes.ts";
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
exit codes: 0 nothing stands in the way, 1 there is something that may not pass, 2 could not tell,
  or not what all of it means`,
    usageExitCode: 2,
  },
  async run(args, report) {
    const [base, head = workingTree] = args.positional;
    if (base === undefined)
      throw new UserError("name the commit to compare with: npm run -s pr-comment -- main", 2);
    try {
      const { env } = await prepareTools(report);
      const { text, exitCode } = await withTrees([base, head], env, (from, to) =>
        commentOn(from, to, env, report),
      );
      print(text, args.flags.to);
      return exitCode;
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
): Promise<{ text: string; exitCode: number }> {
  const changes: StackChange[] = [];
  const failures: string[] = [];
  for (const stack of shippedStacks) {
    const [was, is] = [side(base, stack), side(head, stack)];
    if (was.config === undefined && is.config === undefined) continue;
    const step = report.step(`${stack}: ${base.name} → ${head.name}`);
    try {
      changes.push(await withBase(stack, was, env, (compare) => compare(is)));
      step.done();
    } catch (e) {
      if (!(e instanceof UserError)) throw e;
      failures.push(e.message);
      step.fail("the comment says why");
    }
  }
  const own = ownChanges(base.folder, head.folder, new Date());
  const { sections, refused, judged } = await sectionsOf(changes, own);
  const again = `${code(`npm run -s pr-comment -- ${base.name} ${head.name}`)} prints all of it`;
  // whoever posts it puts a line of its own in front
  const room = commentLimit - 500;
  const text = comment([...failureSection(failures), ...sections], again, room);
  return { text, exitCode: exitCodeOf({ failed: failures.length > 0, refused, judged }) };
}

/** What may not pass does so nowhere; beside that, what cannot be judged is never taken for safe. */
export function exitCodeOf(found: { failed: boolean; refused: boolean; judged: boolean }): number {
  if (found.failed) return 2;
  if (found.refused) return 1;
  return found.judged ? 0 : 2;
}

/** What could not be judged is no safe change: it comes first. */
export function failureSection(failures: readonly string[]): Section[] {
  if (failures.length === 0) return [];
  const summary = failures.map((message) => {
    const fence = fenceFor(message);
    const lines = message.trim().split("\n");
    const more = lines.length > 40 ? [`… ${lines.length - 40} more lines`] : [];
    return [`${fence}text`, ...lines.slice(0, 40), ...more, fence].join("\n");
  });
  return [{ title: "Could not tell", summary: summary.join("\n\n"), details: [] }];
}

/**
 * All sections, the most telling first.
 *
 * @param own what the change makes of the guardrails themselves. @default nothing
 */
export async function sectionsOf(
  changes: readonly StackChange[],
  own?: GuardrailChanges,
): Promise<{ sections: Section[]; refused: boolean; judged: boolean }> {
  const guardrails = guardrailSection(changes, undefined, own);
  const meaning = await meaningSection(changes);
  const sections = [
    meaning.section,
    guardrails.section,
    await manifestSection(changes),
    previewSection(changes),
  ];
  return { sections, refused: guardrails.refused, judged: meaning.judged };
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
