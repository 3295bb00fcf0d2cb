import { prepareDocker, prepareTools } from "../setup/index.ts";
import { chooseBackend, forgetStack } from "../stack/backend.ts";
import { removeStackFiles } from "../stack/certificates.ts";
import { removeStackFile, requireStack } from "../stack/files.ts";
import { openStack, project, stackEnvironment } from "../stack/open.ts";
import { capture, checkEnd, run } from "../stack/pulumi.ts";
import { recover } from "../stack/recover.ts";
import { tryRunLock } from "../stack/run-lock.ts";
import { knownCluster } from "../checks/cluster.ts";
import { type Command, invocation, stackHelp } from "./command.ts";
import { confirmed } from "./confirm.ts";

export const destroy: Command = {
  spec: {
    name: "destroy",
    usage: "npm run destroy",
    summary: "Takes a stack down: cluster, state, certificates. Configuration files stay.",
    positional: "[stack]",
    options: [{ name: "yes", help: "do not ask before prod goes" }],
    details: stackHelp,
  },
  async run(args, report) {
    const name = requireStack(args.positional[0]);
    stackEnvironment(name, process.env);
    if (name === "prod" && !args.flags.yes)
      await confirmed(name, {
        does: `This destroys stack "${name}" with everything in it.`,
        refusal: `stack "${name}" is destroyed only when asked for twice: npm run destroy -- ${name} --yes`,
      });
    const release = tryRunLock(name, "npm run destroy");
    try {
      return await takeDown(name, report);
    } finally {
      release();
    }
  },
};

async function takeDown(name: string, report: Parameters<Command["run"]>[1]): Promise<number> {
  const bench = await prepareTools(report);
  const { stack, state, backend } = await openStack(report, name, bench);
  const forget = () => {
    forgetStack(chooseBackend(bench.env), project, name);
    removeStackFiles(name);
    removeStackFile(name);
  };
  if (!state) {
    // what a run that was killed after the stack was gone has left
    forget();
    process.stdout.write(`nothing to do: ${backend} has no stack ${name}\n`);
    return 0;
  }
  if (knownCluster(state.deployment)) await prepareDocker(report);
  await recover(report, stack, state);
  const result = await run(stack, "destroy", ["--yes", "--skip-preview", "--suppress-outputs"]);
  checkEnd(result, `pulumi destroy of stack "${name}"`, invocation("npm run destroy", name));
  // keeps the tracked Pulumi.<stack>.yaml, which `destroy --remove` would delete
  await capture(stack, ["stack", "rm", "--yes", "--preserve-config"]);
  forget();
  process.stdout.write(
    `stack ${name} is gone; Pulumi.${name}.yaml is kept, and ${invocation("npm start", name)} brings it back\n`,
  );
  return 0;
}
