import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { root } from "../paths.ts";
import { add, nothing, type Tally } from "./tally.ts";

/** One line of `go test -json`. */
export interface GoEvent {
  readonly Action: string;
  readonly Package?: string;
  readonly Test?: string;
  readonly Output?: string;
}

/** Go modules of our own: those of airgap/tools only pin what is built. */
export function goModules(folder = path.join(root, "airgap")): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => path.basename(file) === "go.mod" && !file.startsWith(`tools${path.sep}`))
    .map((file) => path.dirname(path.join(folder, file)))
    .sort();
}

/** Tests every module that has test files. */
export async function runGoTests(env: NodeJS.ProcessEnv): Promise<Tally> {
  let all = nothing;
  for (const module of goModules().filter(hasTests)) {
    process.stdout.write(`go test ${path.relative(root, module)}\n`);
    all = add(all, await testModule(module, env));
  }
  return all;
}

function hasTests(module: string): boolean {
  return fs
    .readdirSync(module, { recursive: true, encoding: "utf8" })
    .some((file) => file.endsWith("_test.go"));
}

async function testModule(module: string, env: NodeJS.ProcessEnv): Promise<Tally> {
  const child = execa("go", ["test", "-json", "-p", "2", "./..."], {
    cwd: module,
    env,
    extendEnv: false,
    stdin: "ignore",
    stderr: "inherit",
    buffer: false,
    reject: false,
  });
  const count = new GoCount();
  for await (const line of createInterface({ input: child.stdout })) {
    try {
      const failed = count.take(JSON.parse(line) as GoEvent);
      if (failed) process.stdout.write(failed);
    } catch {
      process.stdout.write(`${line}\n`);
    }
  }
  const result = await child;
  const tally = count.tally();
  // what does not compile has no tests to fail
  return result.exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Counts tests: a parent of subtests is not one itself. Keeps the output of each until it is known to fail. */
export class GoCount {
  private readonly ends = new Map<string, string>();
  private readonly output = new Map<string, string[]>();

  /** @returns the output to show, when the event says that something failed */
  take(event: GoEvent): string | undefined {
    const key = `${event.Package ?? ""}\0${event.Test ?? ""}`;
    if (event.Action === "output" || event.Action === "build-output") {
      const lines = this.output.get(key) ?? [];
      lines.push(event.Output ?? "");
      this.output.set(key, lines);
      return undefined;
    }
    if (!["pass", "fail", "skip"].includes(event.Action)) {
      return event.Action === "build-fail" ? [...this.output.values()].flat().join("") : undefined;
    }
    if (event.Test !== undefined) this.ends.set(key, event.Action);
    const text = (this.output.get(key) ?? []).join("");
    this.output.delete(key);
    return event.Action === "fail" ? text : undefined;
  }

  tally(): Tally {
    const names = [...this.ends.keys()];
    const leaves = names.filter((name) => !names.some((other) => other.startsWith(`${name}/`)));
    const number = (action: string) =>
      leaves.filter((name) => this.ends.get(name) === action).length;
    return { passed: number("pass"), failed: number("fail"), skipped: number("skip") };
  }
}
