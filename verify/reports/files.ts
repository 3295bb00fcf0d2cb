import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "../../scripts/errors.ts";
import { local } from "../../scripts/paths.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import type { Report } from "./report.ts";

const writers = { json, junit, markdown, html } as const;
const endings = { json: "json", junit: "junit.xml", markdown: "md", html: "html" } as const;
export type Format = keyof typeof writers;

/**
 * Formats in the value of --output, apart by commas.
 *
 * @throws UserError that names what is no format
 */
export function formatsIn(value: string | true | undefined): Format[] {
  if (typeof value !== "string") return [];
  const words = value.split(",").map((word) => word.trim());
  const wrong = words.filter((word) => !Object.hasOwn(writers, word));
  if (wrong.length > 0)
    throw new UserError(
      `unknown report ${wrong.map((w) => JSON.stringify(w)).join(", ")}: --output takes one or several of ${Object.keys(writers).join(", ")}, apart by commas`,
    );
  return [...new Set(words as Format[])];
}

/**
 * Writes the report in each format, and returns the files.
 *
 * @param folder where to. @default .bankmesh/reports
 */
export async function writeReports(
  report: Report,
  formats: readonly Format[],
  folder = path.join(local, "reports"),
): Promise<string[]> {
  if (formats.length > 0) await fs.promises.mkdir(folder, { recursive: true });
  return Promise.all(
    formats.map(async (format) => {
      const file = path.join(folder, `${report.stack}.${endings[format]}`);
      await fs.promises.writeFile(file, writers[format](report));
      return path.relative(process.cwd(), file);
    }),
  );
}
