import * as path from "node:path";
import { formatCheckArguments, lintArguments, tool, typeArguments } from "./lint.ts";
import { unknown } from "../arguments.ts";
import { UserError } from "../errors.ts";
import { root } from "../paths.ts";
import type { Reporter } from "../progress.ts";
import { prepareDocker, prepareTools, type Workbench } from "../setup/index.ts";
import { goTestEnvironment } from "../testing/go-environment.ts";
import { runGoTests } from "../testing/go-tests.ts";
import { runNodeTests, testFiles } from "../testing/node-tests.ts";
import { judged, nothing, type PartResult, report as table, type Tally } from "../testing/tally.ts";
import type { Command } from "./command.ts";

/** What a part gets to work with. */
interface Context {
  readonly report: Reporter;
  readonly only: string | undefined;
  /** Tools; brought when the first part asks. */
  tools(): Promise<Workbench>;
  /** Tools and Docker. */
  bench(): Promise<Workbench>;
}

interface Part {
  /** Seconds on two cores with a warm cache. */
  readonly budget: number;
  run(context: Context): Promise<Tally>;
}

const parts: Readonly<Record<string, Part>> = {
  static: { budget: 120, run: checkStatically },
  unit: { budget: 60, run: runUnits },
  browser: { budget: 40, run: runBrowser },
  rendered: { budget: 180, run: runRendered },
  go: { budget: 240, run: runGo },
  e2e: { budget: 2000, run: runEndToEnd },
};

export const test: Command = {
  spec: {
    name: "test",
    usage: "npm test",
    summary:
      "Proves the program: lint, types, units, Go tests, and a real cluster with real traffic.",
    positional: "[part …]",
    maxPositional: Object.keys(parts).length,
    options: [
      {
        name: "only",
        value: "<pattern>",
        help: "only tests of unit, browser, rendered and e2e whose name matches",
      },
    ],
    details: `parts: ${Object.keys(parts).join(", ")}; all of them unless named
  static    ESLint, types, format
  unit      tests/unit: no cluster, no Go
  browser   tests/browser: the report's page in Chromium, which apt brings where it is missing
  rendered  tests/rendered: rendered/ is up to date, and passes what can be checked without a cluster
  go        the air-gapped route's Go modules
  e2e       tests/e2e: a real engine, a real cluster
The last line is "N passed, N failed".`,
  },
  async run(args, report) {
    const wrong = args.positional.find((name) => !(name in parts));
    if (wrong !== undefined)
      throw new UserError(unknown("part", wrong, Object.keys(parts), "npm test"));
    const names = args.positional.length > 0 ? args.positional : Object.keys(parts);
    const only = typeof args.flags.only === "string" ? args.flags.only : undefined;
    let found: Promise<Workbench> | undefined;
    const tools = () => (found ??= prepareTools(report, process.env, ["istioctl"]));
    let ready: Promise<Workbench> | undefined;
    const bench = () => (ready ??= withDocker(report, tools()));
    const context = { report, only, tools, bench };
    const results: PartResult[] = [];
    for (const name of names) results.push(await runPart(name, context));
    const text = table(results);
    await new Promise<void>((resolve) => process.stdout.write(`\n${text}\n`, () => resolve()));
    return results.some((r) => r.failed > 0) ? 1 : 0;
  },
};

/** A part that falls over has failed; the others still run. */
async function runPart(name: string, context: Context): Promise<PartResult> {
  const part = parts[name]!;
  process.stdout.write(`\n== ${name}\n`);
  const started = Date.now();
  let tally: Tally;
  try {
    tally = await part.run(context);
  } catch (e) {
    process.stdout.write(`${e instanceof UserError ? e.message : String((e as Error).stack)}\n`);
    tally = { passed: 0, failed: 1, skipped: 0 };
  }
  const result = judged(name, tally, (Date.now() - started) / 1000, part.budget);
  if (tally.passed + tally.failed === 0)
    process.stdout.write(`part ${name} ran no test, which counts as a failure\n`);
  return result;
}

async function withDocker(report: Reporter, tools: Promise<Workbench>): Promise<Workbench> {
  const bench = await tools;
  await prepareDocker(report);
  return bench;
}

async function checkStatically(): Promise<Tally> {
  const checks = [
    ["ESLint", () => tool("eslint", lintArguments)],
    ["types", () => tool("tsc", typeArguments)],
    ["format", () => tool("prettier", formatCheckArguments)],
  ] as const;
  let failed = 0;
  for (const [name, check] of checks) {
    const code = await check();
    process.stdout.write(`${code === 0 ? "✔" : "✖"} ${name}\n`);
    if (code !== 0) failed++;
  }
  return { passed: checks.length - failed, failed, skipped: 0 };
}

function runUnits({ only }: Context): Promise<Tally> {
  const files = testFiles(path.join(root, "tests", "unit"));
  return runNodeTests(files, process.env, {
    concurrency: 2,
    timeout: 60_000,
    ...(only !== undefined && { only }),
  });
}

function runBrowser({ only }: Context): Promise<Tally> {
  const files = testFiles(path.join(root, "tests", "browser"));
  return runNodeTests(files, process.env, {
    concurrency: 1,
    // the first run installs the browser
    timeout: 600_000,
    ...(only !== undefined && { only }),
  });
}

async function runRendered({ tools, only }: Context): Promise<Tally> {
  const files = testFiles(path.join(root, "tests", "rendered"));
  const { env } = await tools();
  return runNodeTests(files, env, {
    concurrency: 1,
    timeout: 300_000,
    ...(only !== undefined && { only }),
  });
}

async function runGo({ report, bench }: Context): Promise<Tally> {
  return runGoTests(await goTestEnvironment(report, await bench()));
}

async function runEndToEnd({ bench, only }: Context): Promise<Tally> {
  const files = testFiles(path.join(root, "tests", "e2e"));
  if (files.length === 0) return nothing;
  const { env } = await bench();
  return runNodeTests(files, env, {
    concurrency: 1,
    timeout: 1_500_000,
    ...(only !== undefined && { only }),
  });
}
