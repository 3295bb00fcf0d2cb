import { execa } from "execa";
import { root } from "../paths.ts";
import type { Command } from "./command.ts";

/** ESLint and prettier from node_modules, in the checkout. */
export async function tool(
  name: "eslint" | "prettier" | "tsc",
  args: readonly string[],
): Promise<number> {
  const result = await execa(name, args, {
    cwd: root,
    preferLocal: true,
    localDir: root,
    stdio: "inherit",
    reject: false,
  });
  return result.exitCode ?? 1;
}

export const lintArguments = [".", "--max-warnings", "0"];
export const formatCheckArguments = ["--check", "--log-level", "warn", "."];
export const typeArguments = ["-p", "tsconfig.check.json"];

export const lint: Command = {
  spec: {
    name: "lint",
    usage: "npm run lint",
    summary: "Checks the code: ESLint, types, format. npm test does it too.",
    maxPositional: 0,
    options: [{ name: "fix", help: "repair what ESLint and prettier can" }],
  },
  async run(args) {
    const fix = args.flags.fix === true;
    const codes = [
      await tool("eslint", [...lintArguments, ...(fix ? ["--fix"] : [])]),
      await tool("tsc", typeArguments),
      await tool("prettier", fix ? ["--write", "--log-level", "warn", "."] : formatCheckArguments),
    ];
    return codes.some((code) => code !== 0) ? 1 : 0;
  },
};

export const format: Command = {
  spec: {
    name: "format",
    usage: "npm run format",
    summary: "Formats the code with prettier.",
    maxPositional: 0,
    options: [
      { name: "check", help: "change nothing; end with an error when something would change" },
    ],
  },
  async run(args) {
    return tool(
      "prettier",
      args.flags.check ? formatCheckArguments : ["--write", "--log-level", "warn", "."],
    );
  },
};
