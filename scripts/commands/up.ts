import { checkConfiguration, checkMachine } from "../checks/index.ts";
import { notProved } from "../../verify/gate/words.ts";
import { UserError } from "../errors.ts";
import { shown } from "../paths.ts";
import { tryRunLock } from "../stack/run-lock.ts";
import { prepareDocker, prepareTools } from "../setup/index.ts";
import { writeCertificates, writeKubeconfig } from "../stack/certificates.ts";
import { requireStack } from "../stack/files.ts";
import { guardrailFlags, guardrailsOption } from "../stack/guardrails.ts";
import { createStack, openStack, readOutputs, stackEnvironment } from "../stack/open.ts";
import { checkEnd, isUnchanged, run } from "../stack/pulumi.ts";
import { recover } from "../stack/recover.ts";
import { summary } from "../stack/summary.ts";
import { type Command, invocation, stackHelp } from "./command.ts";

export const up: Command = {
  spec: {
    name: "up",
    usage: "npm start",
    summary: "Brings up a stack: tools, cluster, mesh and bank. Run again, it changes nothing.",
    positional: "[stack]",
    options: [
      { name: "refresh", help: "look at the cluster first, and heal what others changed there" },
      guardrailsOption,
    ],
    details: `${stackHelp}

environment:
  BANKMESH_ROUTE=official|airgap   where tools and images come from; found out when not set
  BANKMESH_CACHE                   folder of downloads and builds (default ~/.cache/bankmesh)
  PULUMI_BACKEND_URL               where the state is kept (default .bankmesh/state, or your pulumi login)
  PULUMI_CONFIG_PASSPHRASE[_FILE]  encrypts secrets in the state; dev has an empty one by default`,
  },
  async run(args, report) {
    const name = requireStack(args.positional[0]);
    stackEnvironment(name, process.env);
    checkConfiguration(name, process.env);
    const release = tryRunLock(name, "npm start");
    try {
      return await bringUp(name, report, [
        ...(args.flags.refresh ? ["--refresh"] : []),
        ...(args.flags.guardrails ? guardrailFlags(name) : []),
      ]);
    } finally {
      release();
    }
  },
};

async function bringUp(
  name: string,
  report: Parameters<Command["run"]>[1],
  flags: readonly string[],
): Promise<number> {
  const bench = await prepareTools(report);
  const settings = checkConfiguration(name, bench.env); // again: now the route's sources are known
  if (settings.cluster === "kind") await prepareDocker(report);
  const { stack, state, backend } = await openStack(report, name, bench);
  await checkMachine(name, stack.env, settings, state?.deployment);
  if (!state) {
    await createStack(stack);
    report.note(`created stack ${name} in ${backend}`);
  } else await recover(report, stack, state);
  const again = invocation("npm start", name);
  const all = ["--yes", "--skip-preview", "--suppress-outputs", ...flags];
  const result = await run(stack, "up", all);
  checkEnd(result, `pulumi up of stack "${name}"`, again);
  let outputs = await readOutputs(stack, true);
  if (isNotProved(outputs)) {
    report.note("policies went after the check of enforcement, which is asked once more");
    checkEnd(await run(stack, "up", all), `pulumi up of stack "${name}"`, again);
    outputs = await readOutputs(stack, true);
    if (isNotProved(outputs))
      throw new UserError(
        `the mesh does not enforce what stack "${name}" says, because of policies that are not the stack's\n${String(outputs.enforcement)}fix: delete them, then ${again}`,
      );
  }
  if (typeof outputs.kubeconfig === "string") writeKubeconfig(name, outputs.kubeconfig);
  const certificates = settings.gatewayTls === "NONE" ? [] : writeCertificates(name, outputs);
  const changes = result.changes ?? {};
  const lines = [
    "",
    isUnchanged(changes)
      ? "no changes: everything is as its stack says"
      : `done: ${describeChanges(changes)}`,
    "",
    summary(name, outputs, backend),
    "",
    ...(certificates.length > 0 ? [`Certificates: ${certificates.map(shown).join(", ")}`] : []),
    `kubectl: ${name === "dev" ? "" : `BANKMESH_STACK=${name} `}npm run -s exec -- kubectl get pods --all-namespaces`,
    `with your own: eval "$(${invocation("npm run -s kubeconfig", name)})"`,
    `Take it down: ${invocation("npm run destroy", name)}   (log of this run: ${shown(result.log)})`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

const isNotProved = ({ enforcement }: Readonly<Record<string, unknown>>) =>
  typeof enforcement === "string" && enforcement.startsWith(notProved);

function describeChanges(changes: Readonly<Record<string, number>>): string {
  const words: Record<string, string> = {
    create: "created",
    update: "updated",
    delete: "deleted",
    replace: "replaced",
  };
  const parts = Object.entries(words).flatMap(([kind, word]) =>
    changes[kind] ? [`${changes[kind]} ${word}`] : [],
  );
  return [...parts, `${changes.same ?? 0} unchanged`].join(", ");
}
