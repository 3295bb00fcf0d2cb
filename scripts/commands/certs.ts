import { UserError } from "../errors.ts";
import { shown } from "../paths.ts";
import { writeCertificates, writeKubeconfig } from "../stack/certificates.ts";
import { type Command, invocation, stackHelp } from "./command.ts";
import { outputsOf } from "./outputs-of.ts";

export const certs: Command = {
  spec: {
    name: "certs",
    usage: "npm run certs",
    summary:
      "Writes the CA and the client's certificate of a stack as files of mode 0600, and prints their paths.",
    positional: "[stack]",
    options: [],
    details: stackHelp,
  },
  async run(args, report) {
    const { name, outputs } = await outputsOf(args, report);
    const files = writeCertificates(name, outputs);
    if (files.length === 0) throw missing(name, "certificates");
    process.stdout.write(`${files.map(shown).join("\n")}\n`);
    return 0;
  },
};

export const kubeconfig: Command = {
  spec: {
    name: "kubeconfig",
    usage: "npm run -s kubeconfig",
    summary:
      "Writes the kubeconfig of a stack as a file of mode 0600, and prints the line that makes kubectl use it.",
    positional: "[stack]",
    options: [],
    details: stackHelp,
  },
  async run(args, report) {
    const { name, outputs } = await outputsOf(args, report);
    if (typeof outputs.kubeconfig !== "string" || outputs.kubeconfig === "")
      throw missing(name, "kubeconfig");
    const file = writeKubeconfig(name, outputs.kubeconfig);
    process.stdout.write(`export KUBECONFIG='${file.replaceAll("'", "'\\''")}'\n`);
    return 0;
  },
};

function missing(stack: string, what: string): UserError {
  return new UserError(
    `stack "${stack}" has no ${what} in its outputs: bring it up first (${invocation("npm start", stack)})`,
  );
}
