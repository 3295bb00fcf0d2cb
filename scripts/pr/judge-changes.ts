import * as fs from "node:fs";
import * as path from "node:path";
import { code } from "./comment.ts";
import { type GuardrailChanges, guardrailChanges } from "./guardrail-changes.ts";
import { guardrailTexts, packFolder } from "./guardrail-texts.ts";

/** Folders of what judges a change: the guardrails, and what says what manifests mean. */
const folders = [packFolder, "meaning"];

/** Files whose changes are told one by one: what is exempted, and how much rules weigh for a stack. */
const toldApart = /^policies\/guardrails\/(exemptions\.yaml|stacks\/[^/]+\.json)$/;

/** Most files that are named; a comment is no list of files. */
const named = 5;

/** What a change does to a file, those first that take something away. */
const kinds = ["gone", "changed", "new"] as const;

interface FileChange {
  /** Path in the project. */
  readonly file: string;
  readonly kind: (typeof kinds)[number];
}

/**
 * What a change makes of the guardrails themselves: of their code first, as what they find is worth no more than that, then of
 * what they are told.
 *
 * @param base folder of the project before the change
 * @param head folder of the project after the change
 * @param now day by which exemptions have expired or not
 */
export function ownChanges(base: string, head: string, now: Date): GuardrailChanges {
  const { lines, refused } = guardrailChanges(guardrailTexts(base), guardrailTexts(head), now);
  return { lines: [...judgeLines(fileChanges(base, head)), ...lines], refused };
}

function judgeLines(changes: readonly FileChange[]): string[] {
  if (changes.length === 0) return [];
  const shown = kinds
    .flatMap((kind) => changes.filter((change) => change.kind === kind))
    .slice(0, named)
    .map(({ file, kind }) => `${code(file)}${kind === "changed" ? "" : ` (${kind})`}`);
  const rest = changes.length - shown.length;
  const more = rest > 0 ? `, and ${rest} more` : "";
  const count = changes.length === 1 ? "1 file" : `${changes.length} files`;
  return [
    `**what judges this change differs from the base**: ${count}: ${shown.join(", ")}${more}`,
  ];
}

function fileChanges(base: string, head: string): FileChange[] {
  const was = judgeOf(base);
  const is = judgeOf(head);
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((file) => !toldApart.test(file))
    .sort()
    .flatMap((file): FileChange[] => {
      const [from, to] = [was.get(file), is.get(file)];
      if (from && to) return from.equals(to) ? [] : [{ file, kind: "changed" }];
      return [{ file, kind: from ? "gone" : "new" }];
    });
}

/** What is in each file of what judges, by its path in the project. */
const judgeOf = (program: string): ReadonlyMap<string, Buffer> =>
  new Map(folders.flatMap((folder) => filesBelow(program, folder)));

/** Files of a folder; none where there is no such folder. */
function filesBelow(program: string, folder: string): [file: string, content: Buffer][] {
  const whole = path.join(program, folder);
  if (!fs.existsSync(whole)) return [];
  return fs
    .readdirSync(whole, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      // where a link leads counts, wherever that is
      const content = entry.isSymbolicLink()
        ? Buffer.from(`link to ${fs.readlinkSync(file)}`)
        : fs.readFileSync(file);
      return [path.relative(program, file), content];
    });
}
