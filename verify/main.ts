import type { TokenKey } from "../components/signing-keys.ts";
import { checkConfiguration } from "../scripts/checks/index.ts";
import { UserError } from "../scripts/errors.ts";
import { createReporter } from "../scripts/progress.ts";
import { prepareTools } from "../scripts/setup/index.ts";
import type { Settings } from "../settings/index.ts";
import { requireStack } from "../scripts/stack/files.ts";
import { openStack, readOutputs } from "../scripts/stack/open.ts";
import { closedFromHere, unasked } from "./calls.ts";
import { Kubectl } from "./kubectl.ts";
import { table } from "./report.ts";
import { Verifier } from "./verifier.ts";

/** Asks a running stack everything that its settings promise, and prints the answers. Returns 0 if all hold. */
export async function main(args: readonly string[]): Promise<number> {
  const report = createReporter();
  const name = requireStack(args[0]);
  const bench = await prepareTools(report);
  const settings = checkConfiguration(name, bench.env);
  const { stack, state } = await openStack(report, name, bench);
  if (!state) throw new UserError(`stack "${name}" is not up: npm start -- ${name}`);
  const outputs = await readOutputs(stack, true);
  const text = (key: string) => String(outputs[key]);
  const { curl } = outputs.images as { curl: string };
  const kubectl = new Kubectl(text("kubeconfig"), stack.env);
  const step = report.step(`asking stack ${name}`);
  let verifier: Verifier | undefined;
  const leftOut: string[] = [];
  try {
    verifier = await Verifier.open({ kubectl, settings, curlImage: curl });
    const outcomes = await verifier.ask(
      {
        settings,
        caPem: text("caCertPem"),
        client: { certPem: text("clientCertPem"), keyPem: text("clientKeyPem") },
        signingKeys: outputs.signingKeys as Record<string, TokenKey>,
      },
      {
        onLeftOut: (id, questions) => leftOut.push(`${id} (${questions})`),
        onSettled: (o, settled, all) => {
          const last = `${[o.id, o.item].filter(Boolean).join(" ")}: ${o.verdict}`;
          // where each update is a line of its own, hundreds would hide the answers
          if (settled % 25 === 0) step.update(`${settled} of ${all}, last ${last}`);
        },
      },
    );
    step.done(`${outcomes.length} questions`);
    process.stdout.write(`${table(outcomes)}\n`);
    for (const line of gaps(settings)) process.stdout.write(`${line}\n`);
    if (leftOut.length > 0)
      process.stdout.write(`not asked, for nobody here can: ${leftOut.join(", ")}\n`);
    return outcomes.every((o) => o.verdict === "holds") ? 0 : 1;
  } finally {
    await verifier?.close();
    kubectl.close();
  }
}

/** Services that the probes say less about than the table looks like. */
function gaps(settings: Settings): string[] {
  const closed = closedFromHere(settings);
  const silent = unasked(settings);
  const lines = [
    closed.length > 0 &&
      `not asked through the gateway: ${closed.join(", ")} (rules there take only tokens of issuers whose keys the stack does not have, or addresses that cannot be chosen here)`,
    silent.length > 0 &&
      `rules that no probe asks about: those of ${silent.join(", ")} (the callers they name are neither services nor clients of this stack, or the first port speaks something else than HTTP/1.1, gRPC or TCP)`,
  ];
  return lines.filter((line) => line !== false);
}
