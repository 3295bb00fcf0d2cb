import * as fs from "node:fs";
import * as path from "node:path";
import { UserError, list } from "../../scripts/errors.ts";
import { shown } from "../../scripts/paths.ts";
import { nearest } from "../../settings/nearest.ts";
import type { Files } from "../manifests/parse.ts";
import { filesOfCommit, resolveCommit } from "./git.ts";

/** Manifests of one side of a comparison: by stack, or of one platform without a name. */
export interface Source {
  /** As it was asked for. */
  readonly name: string;
  readonly stacks: ReadonlyMap<string, Files>;
  /** Whether it is the folder of one platform alone, which fits any stack. */
  readonly single: boolean;
}

/** Exit code where no answer can be given. */
const cannot = 2;

/** Where people put what `npm run render` writes. */
const rendered = "rendered";

/**
 * Finds manifests by what somebody typed: a git ref, a checkout, `rendered/` or the folder of one stack in it. What is a
 * ref is taken for one; `./name` always is a folder.
 *
 * @param cwd folder that relative paths are of
 * @throws UserError when it is none of these, or has no manifests
 */
export function findSource(text: string, cwd: string): Source {
  const folder = path.resolve(cwd, text);
  const commit = /^[./~]/.test(text) ? undefined : resolveCommit(text, cwd);
  if (commit !== undefined) return ofCommit(text, commit, cwd);
  if (!fs.existsSync(folder) || !fs.statSync(folder).isDirectory())
    throw new UserError(
      `${text} is neither a git ref nor a folder\n` +
        "allowed: a branch, tag or commit; a checkout with rendered/ in it; rendered/ or one stack's folder in it",
      cannot,
    );
  return ofFolder(text, folder);
}

function ofCommit(name: string, commit: string, cwd: string): Source {
  const stacks = new Map<string, Map<string, string>>();
  for (const [file, content] of filesOfCommit(commit, rendered, cwd)) {
    const [, stack, ...rest] = file.split("/") as [string, string, ...string[]];
    if (rest.length === 0) continue;
    const files = stacks.get(stack) ?? new Map<string, string>();
    stacks.set(stack, files.set(`${name}:${file}`, content));
  }
  if (stacks.size === 0)
    throw new UserError(
      `${name} has no manifests: there is no ${rendered}/<stack>/ in it\n` +
        `fix: compare refs that have one, or make them in a checkout of it: npm run render, then npm run diff -- <folder> <folder>`,
      cannot,
    );
  return { name, stacks, single: false };
}

function ofFolder(name: string, folder: string): Source {
  const inside = path.join(folder, rendered);
  const root = fs.existsSync(inside) ? inside : folder;
  if (manifestFolders(root).length > 0)
    return { name, stacks: new Map([[path.basename(root), filesIn(root)]]), single: true };
  const stacks = new Map(
    fs
      .readdirSync(root, { withFileTypes: true })
      .filter((e) => e.isDirectory() && manifestFolders(path.join(root, e.name)).length > 0)
      .map((e) => [e.name, filesIn(path.join(root, e.name))] as const),
  );
  if (stacks.size === 0)
    throw new UserError(
      `${shown(folder)} has no manifests: no YAML in it, and none in ${rendered}/<stack>/\nfix: npm run render`,
      cannot,
    );
  return { name, stacks, single: false };
}

/** Folders with manifests, the folder itself among them: one object a file, definitions apart from what needs them. */
function manifestFolders(folder: string): string[] {
  const parts = [".", "0-crd", "1-manifest"].map((p) => path.join(folder, p));
  return parts.filter((p) => fs.existsSync(p) && fs.readdirSync(p).some((f) => /\.ya?ml$/.test(f)));
}

function filesIn(folder: string): Files {
  const files = manifestFolders(folder).flatMap((part) =>
    fs
      .readdirSync(part)
      .filter((f) => /\.ya?ml$/.test(f))
      .sort()
      .map((f) => path.join(part, f)),
  );
  return new Map(files.map((file) => [shown(file), fs.readFileSync(file, "utf8")]));
}

/** Manifests of one stack on both sides; undefined where a side has none of it. */
export interface Pair {
  readonly stack: string;
  readonly base: Files | undefined;
  readonly head: Files | undefined;
}

/**
 * What is compared with what.
 *
 * @param stack the one that is asked for. @default all
 * @throws UserError for a stack that neither side has, or where it is not clear which is meant
 */
export function pairsOf(base: Source, head: Source, stack: string | undefined): Pair[] {
  if (base.single && head.single) {
    const [name] = [...head.stacks.keys()] as [string];
    return [{ stack: stack ?? name, base: only(base), head: only(head) }];
  }
  const names = [...new Set([base, head].flatMap((s) => (s.single ? [] : [...s.stacks.keys()])))];
  if (stack !== undefined && !names.includes(stack)) {
    const near = nearest(stack, names);
    const hint = near ? `; did you mean ${near}?` : "";
    throw new UserError(
      `neither side has a stack "${stack}"${hint}\nstacks: ${names.join(", ")}`,
      cannot,
    );
  }
  const wanted = stack === undefined ? names.sort() : [stack];
  if ((base.single || head.single) && wanted.length > 1)
    throw new UserError(
      `${base.single ? base.name : head.name} is one platform, and the other side has ${list(names)}\nfix: --stack NAME says which is meant`,
      cannot,
    );
  const of = (s: Source, name: string) => (s.single ? only(s) : s.stacks.get(name));
  return wanted.map((name) => ({ stack: name, base: of(base, name), head: of(head, name) }));
}

function only({ stacks }: Source): Files {
  return [...stacks.values()][0]!;
}
