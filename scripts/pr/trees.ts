import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { UserError } from "../errors.ts";
import { root } from "../paths.ts";

/** The project as a commit has it. */
export interface Tree {
  /** Short name for people: an abbreviated commit, or "the working tree". */
  readonly name: string;
  /** Folder of the project. */
  readonly folder: string;
}

/** What stands for the checkout as it is, committed or not. */
export const workingTree = ".";

/**
 * Gives the work the project as two refs have it, each in a folder of its own with its packages.
 *
 * @param refs names of commits; "." is the checkout as it is
 * @throws UserError for a ref that names no commit, or one whose program cannot render
 */
export async function withTrees<T>(
  refs: readonly [base: string, head: string],
  env: NodeJS.ProcessEnv,
  work: (base: Tree, head: Tree) => Promise<T>,
): Promise<T> {
  const commits = await Promise.all(refs.map(commitOf));
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-trees-"));
  try {
    const trees: Tree[] = [];
    for (const [i, commit] of commits.entries())
      trees.push(await treeOf(commit, path.join(scratch, i === 0 ? "base" : "head"), env));
    return await work(trees[0]!, trees[1]!);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function commitOf(ref: string): Promise<string | undefined> {
  if (ref === workingTree) return undefined;
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
  const result = await execa("git", args, { cwd: root, reject: false, stdin: "ignore" });
  if (result.exitCode === 0) return result.stdout.trim();
  throw new UserError(
    `"${ref}" names no commit here: git fetch brings those of others; "." is the checkout as it is`,
  );
}

async function treeOf(
  commit: string | undefined,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Tree> {
  if (commit === undefined) return { name: "the working tree", folder: root };
  fs.mkdirSync(folder);
  const archive = `${folder}.tar`;
  await execa("git", ["archive", "--format=tar", `--output=${archive}`, commit], { cwd: root });
  await execa("tar", ["-xf", archive, "-C", folder]);
  fs.rmSync(archive);
  const name = commit.slice(0, 12);
  if (!fs.existsSync(path.join(folder, "sources", "rendered.ts")))
    throw new UserError(
      `the program of ${name} cannot render: it is older than \`npm run render\``,
    );
  await packages(folder, env);
  return { name, folder };
}

/** The packages of the checkout where they are the same ones, else its own. */
async function packages(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const lock = (of: string) => fs.readFileSync(path.join(of, "package-lock.json"), "utf8");
  if (lock(folder) === lock(root)) {
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    return;
  }
  // no script of a package, or of somebody's pull request, runs on the way
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const result = await execa("npm", args, { cwd: folder, env, reject: false, stdin: "ignore" });
  if (result.exitCode !== 0)
    throw new UserError(`npm ci failed for ${path.basename(folder)}:\n${result.stderr}`);
}
