import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { root } from "../paths.ts";
import { nothing, type Tally } from "./tally.ts";

export interface NodeTestOptions {
  /** Files at once. */
  readonly concurrency: number;
  /** Longest time of one file, in milliseconds. */
  readonly timeout: number;
  /** Only tests whose name matches. */
  readonly only?: string;
  /** Where the runner's own output goes. @default the user */
  readonly output?: "inherit" | "ignore";
}

/** Test files of a folder, deep. */
export function testFiles(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => path.join(folder, file))
    .sort();
}

/** Runs test files with node:test, each in a process of its own; details go to the user, counts come back. */
export async function runNodeTests(
  files: readonly string[],
  env: NodeJS.ProcessEnv,
  options: NodeTestOptions,
): Promise<Tally> {
  if (files.length === 0) return nothing;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-tests-"));
  const counts = path.join(folder, "counts.json");
  try {
    const result = await execa(
      process.execPath,
      [
        ...["--test", `--test-concurrency=${options.concurrency}`],
        ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
        ...[
          `--test-reporter=${path.join(import.meta.dirname, "count-reporter.mjs")}`,
          `--test-reporter-destination=${counts}`,
        ],
        `--test-timeout=${options.timeout}`,
        ...(options.only === undefined ? [] : [`--test-name-pattern=${options.only}`]),
        ...files,
      ],
      // a run of node:test inside another one reports to that one
      {
        cwd: root,
        env: { ...env, NODE_TEST_CONTEXT: undefined },
        extendEnv: false,
        stdin: "ignore",
        stdout: options.output ?? "inherit",
        stderr: "inherit",
        reject: false,
      },
    );
    return readCounts(counts, result.exitCode ?? 1);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A runner that fell over, or failed without naming a test, is a failure too. */
export function readCounts(file: string, exitCode: number): Tally {
  let tally: Tally;
  try {
    tally = JSON.parse(fs.readFileSync(file, "utf8")) as Tally;
  } catch {
    return { ...nothing, failed: 1 };
  }
  return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}
