import { execFileSync } from "node:child_process";
import { UserError } from "../../scripts/errors.ts";

const largest = 256 * 1024 * 1024;

function git(args: readonly string[], cwd: string, input?: string): Buffer {
  return execFileSync("git", args, {
    cwd,
    maxBuffer: largest,
    stdio: ["pipe", "pipe", "pipe"],
    ...(input !== undefined && { input }),
  });
}

/** Commit that a text means to git; undefined where it means none, or there is no git. */
export function resolveCommit(text: string, cwd: string): string | undefined {
  try {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${text}^{commit}`];
    return git(args, cwd).toString().trim();
  } catch {
    return undefined;
  }
}

/** YAML files below a folder of a commit, by their paths; nothing is checked out. */
export function filesOfCommit(
  commit: string,
  folder: string,
  cwd: string,
): ReadonlyMap<string, string> {
  try {
    const root = git(["rev-parse", "--show-toplevel"], cwd).toString().trim();
    const names = git(["ls-tree", "-r", "-z", "--name-only", commit, "--", `${folder}/`], root)
      .toString()
      .split("\0")
      .filter((n) => /\.ya?ml$/.test(n));
    const asked = names.map((n) => `${commit}:${n}\n`).join("");
    const contents = names.length === 0 ? [] : blobs(git(["cat-file", "--batch"], root, asked));
    return new Map(names.map((name, i) => [name, contents[i]!]));
  } catch (e) {
    const { stderr } = e as { stderr?: Buffer };
    throw new UserError(`git cannot read ${commit}: ${(stderr ?? String(e)).toString().trim()}`, 2);
  }
}

/** What `cat-file --batch` writes: a line with the size, the content, a line's end. */
function blobs(output: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf("\n", at);
    const size = Number(output.subarray(at, end).toString().split(" ")[2]);
    found.push(output.subarray(end + 1, end + 1 + size).toString());
    at = end + 1 + size + 1;
  }
  return found;
}
