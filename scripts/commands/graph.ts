import * as fs from "node:fs";
import * as path from "node:path";
import { mermaid } from "../../graph/mermaid.ts";
import { accessGraph } from "../../graph/model.ts";
import { svg } from "../../graph/svg.ts";
import { checkConfiguration } from "../checks/index.ts";
import { UserError } from "../errors.ts";
import { shown } from "../paths.ts";
import { requireStack } from "../stack/files.ts";
import { type Command, stackHelp } from "./command.ts";

export const graph: Command = {
  spec: {
    name: "graph",
    usage: "npm run -s graph",
    summary: "Prints who may call what, as a Mermaid flowchart. Reads the stack's file alone.",
    positional: "[stack]",
    options: [
      { name: "svg", value: "FILE", help: "write it as an SVG image instead, and print the path" },
    ],
    details: stackHelp,
  },
  async run(args) {
    const name = requireStack(args.positional[0]);
    const model = accessGraph(name, checkConfiguration(name, process.env));
    const { svg: wanted } = args.flags;
    if (typeof wanted !== "string") {
      process.stdout.write(mermaid(model));
      return 0;
    }
    // npm runs its scripts in the project's folder, wherever it was called
    const file = path.resolve(process.env.INIT_CWD ?? "", wanted);
    write(file, await svg(model));
    process.stdout.write(`${shown(file)}\n`);
    return 0;
  },
};

function write(file: string, text: string): void {
  try {
    fs.writeFileSync(file, text);
  } catch (e) {
    const { code, message } = e as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such folder" : message;
    throw new UserError(`--svg: ${file} cannot be written: ${why}`);
  }
}
