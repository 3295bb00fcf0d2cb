import { checkConfiguration } from "../scripts/checks";
import { UserError } from "../scripts/errors";
import { createReporter } from "../scripts/progress";
import { prepareTools } from "../scripts/setup";
import { requireStack } from "../scripts/stack/files";
import { openStack, readOutputs } from "../scripts/stack/open";
import { Kubectl } from "./kubectl";
import { table } from "./report";
import { Verifier } from "./verifier";

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
  try {
    verifier = await Verifier.open({ kubectl, settings, curlImage: curl });
    const outcomes = await verifier.ask(
      {
        settings,
        caPem: text("caCertPem"),
        client: { certPem: text("clientCertPem"), keyPem: text("clientKeyPem") },
      },
      { onSettled: (o) => step.update(`${o.id} ${o.item}: ${o.verdict}`) },
    );
    step.done(`${outcomes.length} questions`);
    process.stdout.write(`${table(outcomes)}\n`);
    return outcomes.every((o) => o.verdict === "holds") ? 0 : 1;
  } finally {
    await verifier?.close();
    kubectl.close();
  }
}
