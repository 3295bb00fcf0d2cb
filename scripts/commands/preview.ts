import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { checkConfiguration } from "../checks/index.ts";
import { checkPlugins } from "../checks/plugins.ts";
import { prepareDocker, prepareTools } from "../setup/index.ts";
import { requireStack } from "../stack/files.ts";
import { guardrailFlags, guardrailsOption } from "../stack/guardrails.ts";
import { createStack, openStack, stackEnvironment } from "../stack/open.ts";
import { checkEnd, run, type Stack } from "../stack/pulumi.ts";
import { type Command, invocation, stackHelp } from "./command.ts";

export const preview: Command = {
  spec: {
    name: "preview",
    usage: "npm run preview",
    summary: "Shows what npm start would change. Changes nothing.",
    positional: "[stack]",
    options: [
      { name: "diff", help: "show each property that changes" },
      { name: "refresh", help: "look at the cluster first, and show what others changed there" },
      { name: "expect-no-changes", help: "end with an error when anything would change" },
      guardrailsOption,
    ],
    details: stackHelp,
  },
  async run(args, report) {
    const name = requireStack(args.positional[0]);
    stackEnvironment(name, process.env);
    checkConfiguration(name, process.env);
    const bench = await prepareTools(report);
    const settings = checkConfiguration(name, bench.env);
    if (settings.cluster === "kind") await prepareDocker(report);
    const { stack, state } = await openStack(report, name, bench);
    checkPlugins(name, stack.env, state?.deployment);
    const { guardrails, ...own } = args.flags;
    const flags = [
      ...Object.keys(own).map((flag) => `--${flag}`),
      ...(guardrails ? guardrailFlags(name) : []),
    ];
    const result = state
      ? await run(stack, "preview", flags)
      : await inThrowAwayBackend(stack, (throwAway) => run(throwAway, "preview", flags));
    checkEnd(result, `the preview of stack "${name}"`, invocation("npm run preview", name));
    return 0;
  },
};

/** A stack that does not exist yet is not made for a look at it: its salt and state are gone with the folder. */
async function inThrowAwayBackend<T>(
  stack: Stack,
  work: (throwAway: Stack) => Promise<T>,
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-preview-"));
  try {
    const env = {
      PULUMI_CONFIG_PASSPHRASE: "",
      ...stack.env,
      PULUMI_BACKEND_URL: `file://${folder}`,
    };
    const configFile = path.join(folder, path.basename(stack.configFile));
    fs.cpSync(path.dirname(stack.configFile), folder, { recursive: true });
    const throwAway: Stack = { ...stack, env, configFile };
    await createStack(throwAway);
    return await work(throwAway);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
