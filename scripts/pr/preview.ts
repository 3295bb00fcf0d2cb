import { code, type Section } from "./comment.ts";
import type { StackChange } from "./compare.ts";

/** What Pulumi would do, stack by stack. */
export function previewSection(changes: readonly StackChange[]): Section {
  return {
    title: "Preview",
    summary: changes
      .map(({ stack, preview }) => `- ${code(stack)}: ${inShort(preview)}`)
      .join("\n"),
    details: changes
      .filter(({ preview }) => preview !== undefined && steps(preview).length > 0)
      .map(({ stack, preview }) => ({
        title: `pulumi preview --diff of ${stack}`,
        text: preview!,
        language: "text",
      })),
  };
}

function inShort(preview: string | undefined): string {
  if (preview === undefined) return "the stack is gone; `npm run destroy` takes down what runs";
  const counts = steps(preview);
  return counts.length > 0 ? counts.join(", ") : "no change";
}

/** The counts at the end of a preview, such as `3 to update`. */
function steps(preview: string): string[] {
  const [, tail = ""] = preview.split(/^Resources:$/m);
  return [...tail.matchAll(/^ +[-+~]+ *(\d+ to \w+)$/gm)].map(([, count]) => count!);
}

/** One resource of a preview. */
interface Block {
  readonly urn: string;
  readonly lines: readonly string[];
}

// a sign of two characters has no space behind it
const header = /^( *)([-+~><=]{1,2}) ?(\S+:\S+): \((.+)\)$/;

/**
 * Pulumi's words less what is of one run alone: folders, random ids, and the order in which resources happened to be
 * asked about. Each resource stands by itself, with its name in place of its URN.
 *
 * @param text output of `pulumi preview --diff`
 * @param folder folder of the throw-away state
 */
export function tidied(text: string, folder: string): string {
  const lines = text
    .replaceAll(folder, "<folder>")
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>")
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !beside.some((pattern) => pattern.test(line)));
  const { before, blocks, after } = split(lines);
  const sorted = blocks.sort((a, b) => (a.urn < b.urn ? -1 : a.urn > b.urn ? 1 : 0));
  return [...before, ...sorted.flatMap((block) => block.lines), ...after].join("\n");
}

/** Lines that say nothing about the change. */
const beside = [
  /^warning: (Undefined value \(\w+\) will not show|rendered YAML will contain|using pulumi-)/,
  /^\s*@ .*\.+$/,
  /^Previewing update \(.*\):$/,
  /^ *pulumi:pulumi:Stack: \(same\)$/,
  /^ *\[urn=[^\]]*::pulumi:pulumi:Stack::[^\]]*\]$/,
  /^ *\[provider=.*\]$/,
];

function split(lines: readonly string[]) {
  const first = lines.findIndex((line) => header.test(line));
  const end = lines.findIndex((line, i) => i > first && /^( *--outputs:--|Resources:)$/.test(line));
  const stop = end < 0 ? lines.length : end;
  const start = first < 0 || first > stop ? stop : first;
  const blocks: Block[] = [];
  for (let i = start; i < stop;) {
    const next = lines.findIndex((line, at) => at > i && header.test(line));
    const until = next < 0 || next > stop ? stop : next;
    blocks.push(block(lines.slice(i, until)));
    i = until;
  }
  return { before: lines.slice(0, start), blocks, after: lines.slice(stop) };
}

function block([head, ...rest]: readonly string[]): Block {
  const [, indent, step, type, what] = header.exec(head!)!;
  const urn = rest.map((line) => /^ *\[urn=(.*)\]$/.exec(line)?.[1]).find((u) => u) ?? "";
  const own = rest.filter((line) => !/^ *\[(urn|id)=.*\]$/.test(line));
  const name = urn.split("::").at(-1);
  return {
    urn,
    lines: [`${step} ${type} ${name} (${what})`, ...own.map((line) => line.replace(indent!, ""))],
  };
}
