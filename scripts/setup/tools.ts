import * as fs from "node:fs";
import * as path from "node:path";
import { execa } from "execa";
import { kindVersion, kubernetesVersion, pulumiVersion } from "../../versions.ts";
import { root } from "../paths.ts";

/** Tools that both routes need, in the order in which they are shown. */
export const toolNames = ["pulumi", "kind", "kubectl"] as const;
export type ToolName = (typeof toolNames)[number];
/** Tools that single commands need beside them. */
export type ExtraTool = "istioctl" | "helm";

/** A tool as it was found on PATH. */
export interface FoundTool {
  /** Undefined when it is not on PATH, or does not say its version. */
  readonly version?: string;
  /** Whether that version will do. */
  readonly good: boolean;
  /** Which versions will do. */
  readonly wanted: string;
}

export interface Plugin {
  readonly name: string;
  readonly version: string;
}

/** What `<tool> version` has to be asked. */
const questions: Record<ToolName, readonly string[]> = {
  pulumi: ["version"],
  kind: ["version", "--quiet"],
  kubectl: ["version", "--client", "--output", "json"],
};

export const wanted: Record<ToolName, string> = {
  pulumi: `${pulumiVersion} or a later 3.x, with pulumi-language-nodejs`,
  kind: `${kindVersion} or later`,
  kubectl: `1.${minor(kubernetesVersion) - 1} to 1.${minor(kubernetesVersion) + 1}`,
};

/** Looks for the tools on PATH. */
export async function findTools(env: NodeJS.ProcessEnv): Promise<Record<ToolName, FoundTool>> {
  const found = await Promise.all(toolNames.map((name) => findTool(name, env)));
  return Object.fromEntries(toolNames.map((name, i) => [name, found[i]])) as Record<
    ToolName,
    FoundTool
  >;
}

async function findTool(name: ToolName, env: NodeJS.ProcessEnv): Promise<FoundTool> {
  if (!onPath(name, env)) return { good: false, wanted: wanted[name] };
  const asked = await execa(name, questions[name], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    extendEnv: false,
    reject: false,
    timeout: 15_000,
    stdin: "ignore",
  });
  const version = /\d+\.\d+\.\d+/.exec(asked.stdout)?.[0];
  const complete = name !== "pulumi" || onPath("pulumi-language-nodejs", env) !== undefined;
  return {
    version,
    good: version !== undefined && complete && isGood(name, version),
    wanted: wanted[name],
  };
}

/** Whether a version of a tool will do. */
export function isGood(tool: ToolName, version: string): boolean {
  if (tool === "kubectl")
    return Math.abs(minor(version) - minor(kubernetesVersion)) <= 1 && version.startsWith("1.");
  const least = tool === "pulumi" ? pulumiVersion : kindVersion;
  const sameMajor = version.split(".")[0] === least.split(".")[0];
  return (sameMajor || tool === "kind") && compareVersions(version, least) >= 0;
}

/** Negative when a is older than b. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((v) => v.split(".").map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Where a command is on PATH; undefined when it is not. */
export function onPath(command: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env.PATH ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, command))
    .find((file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/** Plugins of the program in the versions of its packages. */
export function wantedPlugins(): Plugin[] {
  return ["command", "kubernetes", "random", "tls"].map((name) => {
    const file = path.join(root, "node_modules", "@pulumi", name, "package.json");
    const { version } = JSON.parse(fs.readFileSync(file, "utf8")) as { version: string };
    return { name, version };
  });
}

/** Wanted plugins that Pulumi has not installed. */
export async function missingPlugins(env: NodeJS.ProcessEnv): Promise<Plugin[]> {
  const listed = await execa("pulumi", ["plugin", "ls", "--json"], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    extendEnv: false,
    reject: false,
    timeout: 15_000,
    stdin: "ignore",
  });
  const installed = listed.failed ? [] : (JSON.parse(listed.stdout) as Plugin[]);
  return wantedPlugins().filter(
    (w) => !installed.some((p) => p.name === w.name && p.version === w.version),
  );
}

function minor(version: string): number {
  return Number(version.split(".")[1]);
}
