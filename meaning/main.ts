import { type Comparison, compare, judged, opens } from "./compare.ts";
import type { Files } from "./manifests/parse.ts";
import { type Platform, UnreadableManifests, readPlatform } from "./manifests/platform.ts";
import { jsonReport } from "./report/json.ts";
import { markdownReport } from "./report/markdown.ts";
import { textReport } from "./report/text.ts";
import { type Pair, findSource, pairsOf } from "./sources/source.ts";
import { type ParsedArguments, unknown } from "../scripts/arguments.ts";
import { UserError } from "../scripts/errors.ts";

const formats = ["text", "markdown", "json"] as const;

/**
 * npm run diff: compares what two sets of manifests mean for callers, and prints it.
 *
 * @returns 0 when nothing opens up, 1 when something does, 2 when not all of it can be judged
 * @throws UserError with exit code 2 for input that cannot be read
 */
export function main(args: ParsedArguments): number {
  const [base, head] = args.positional;
  if (base === undefined || head === undefined)
    throw new UserError("what is compared with what? npm run -s diff -- <base> <head>", 2);
  const format = formatOf(args.flags.output);
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const { stack } = args.flags;
  const pairs = pairsOf(
    findSource(base, cwd),
    findSource(head, cwd),
    typeof stack === "string" ? stack : undefined,
  );
  const compared = comparisons(pairs);
  process.stdout.write(`${written(format, compared)}\n`);
  return exitCodeOf(compared.map(([, c]) => c));
}

function formatOf(wanted: string | true | undefined): (typeof formats)[number] {
  if (wanted === undefined) return "text";
  const known = formats.find((f) => f === wanted);
  if (!known) throw new UserError(unknown("format", String(wanted), formats, "npm run -s diff"), 2);
  return known;
}

/** Each stack's comparison; all manifests that cannot be read are named at once. */
function comparisons(pairs: readonly Pair[]): (readonly [stack: string, Comparison])[] {
  const problems: string[] = [];
  const read = (files: Files | undefined): Platform | undefined => {
    try {
      // a stack that is new, or gone, is compared with nothing
      return readPlatform(files ?? new Map());
    } catch (e) {
      if (!(e instanceof UnreadableManifests)) throw e;
      problems.push(e.message);
      return undefined;
    }
  };
  const platforms = pairs.map(({ stack, base, head }) => [stack, read(base), read(head)] as const);
  if (problems.length > 0)
    throw new UserError(
      `not all manifests can be read, so nothing can be said about them\n${problems.join("\n")}`,
      2,
    );
  return platforms.map(([stack, base, head]) => [stack, compare(base!, head!)]);
}

function written(
  format: (typeof formats)[number],
  compared: readonly (readonly [string, Comparison])[],
): string {
  switch (format) {
    case "json":
      return JSON.stringify(
        compared.map(([stack, c]) => jsonReport(stack, c)),
        null,
        2,
      );
    case "markdown":
      return compared.map(([stack, c]) => markdownReport(stack, c)).join("\n");
    case "text":
      return compared.map(([stack, c]) => textReport(stack, c)).join("\n\n");
  }
}

function exitCodeOf(all: readonly Comparison[]): number {
  if (all.some(opens)) return 1;
  return all.every(judged) ? 0 : 2;
}
