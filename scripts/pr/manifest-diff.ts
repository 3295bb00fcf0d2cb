import { execa } from "execa";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { differences, type Manifests, writeManifests } from "../render/manifests.ts";
import type { Section } from "./comment.ts";
import { code } from "./comment.ts";
import type { StackChange } from "./compare.ts";

/** The lines of the manifests that change, stack by stack. */
export async function manifestSection(changes: readonly StackChange[]): Promise<Section> {
  const diffs = await Promise.all(
    changes.map(async (change) => ({ ...change, diff: await manifestDiff(change) })),
  );
  return {
    title: "Manifests",
    summary: diffs.map(summaryOf).join("\n"),
    details: diffs
      .filter(({ diff }) => diff !== "")
      .map(({ stack, diff }) => ({ title: `rendered/${stack}`, text: diff, language: "diff" })),
  };
}

function summaryOf({ stack, before, after }: StackChange): string {
  const { added, changed, removed } = differences(before, after);
  const parts = [
    ...(added.length > 0 ? [`${added.length} new`] : []),
    ...(changed.length > 0 ? [`${changed.length} changed`] : []),
    ...(removed.length > 0 ? [`${removed.length} gone`] : []),
  ];
  return `- ${code(stack)}: ${parts.length > 0 ? parts.join(", ") : "no change"} of ${before.size} objects`;
}

/**
 * A unified diff of two sets of manifests. What the stack says comes before the definitions of its kinds, whose diffs
 * are the longest and say the least.
 */
export async function manifestDiff({ stack, before, after }: StackChange): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-diff-"));
  try {
    write(path.join(folder, "before"), before);
    write(path.join(folder, "after"), after);
    const parts = [];
    for (const part of ["1-manifest", "0-crd"]) parts.push(await diffOf(folder, part, stack));
    return parts.filter((text) => text !== "").join("\n");
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function write(folder: string, manifests: Manifests): void {
  writeManifests(folder, manifests);
  for (const part of ["0-crd", "1-manifest"])
    fs.mkdirSync(path.join(folder, part), { recursive: true });
}

async function diffOf(folder: string, part: string, stack: string): Promise<string> {
  const options = ["--no-index", "--no-color", "--no-ext-diff", "--no-renames", "--no-prefix"];
  const result = await execa(
    "git",
    [
      "diff",
      ...options,
      "--unified=3",
      "--diff-algorithm=histogram",
      `before/${part}`,
      `after/${part}`,
    ],
    // nothing that a user or a machine has set makes it another text
    {
      cwd: folder,
      env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_DIR: folder },
      reject: false,
      stdin: "ignore",
    },
  );
  if (result.exitCode !== 0 && result.exitCode !== 1)
    throw new Error(`git diff: ${result.stderr || result.message}`);
  return result.stdout
    .split("\n")
    .filter((line) => !/^(diff --git|index|new file mode|deleted file mode) /.test(line))
    .map((line) => line.replace(/^(---|\+\+\+) (before|after)\//, `$1 rendered/${stack}/`))
    .join("\n");
}
