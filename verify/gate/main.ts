/**
 * Waits until every replica of each proxy answers as the stack says. Standard input: GateInput as JSON. Prints one line
 * on how long it took; ends with 1 and what was seen when the time is over.
 */
import { text } from "node:stream/consumers";
import { type EnforcementQuestion, callerItself } from "../../policies/enforcement.ts";
import { callerName } from "../callers/objects.ts";
import { PodCallers } from "../callers/pods.ts";
import { type Certificate, makeCertificate } from "../certificates.ts";
import { Kubectl } from "../kubectl.ts";
import type { PodRequest } from "../probe.ts";
import { NotEnforced, type Replicas, type Wrong, askUntilEnforced } from "./enforced.ts";
import {
  type PolicyName,
  goingText,
  isInTheirWay,
  leftovers,
  leftoversText,
  patienceBeforeDeletion,
} from "./leftovers.ts";

/** What the program hands over. */
export interface GateInput {
  readonly kubeconfig: string;
  /** Namespace of the caller. */
  readonly namespace: string;
  /** Image with curl and a shell. */
  readonly image: string;
  readonly questions: readonly EnforcementQuestion[];
  readonly timeoutSeconds: number;
  /** Certificate of the external client. @default no question shows it */
  readonly client?: Certificate;
  /** The stack's policies. */
  readonly policies: readonly PolicyName[];
}

async function main(): Promise<void> {
  const input = JSON.parse(await text(process.stdin)) as GateInput;
  const kubectl = new Kubectl(input.kubeconfig);
  const { namespace, image, client } = input;
  const callers = new PodCallers({
    ...{ kubectl, image, settings: { namespace, clients: [], istio: {} } },
    selfSigned: makeCertificate({ commonName: "nobody" }),
    ...(client && { client }),
    kinds: ["certificate"],
  });
  try {
    await callers.open();
    console.log(await ask(input, kubectl, callers));
  } finally {
    await callers.close({ wait: false });
    kubectl.close();
  }
}

/**
 * @returns what came of it, in words
 * @throws Error when the mesh does not enforce what the stack says, and not because of what the update still deletes
 */
async function ask(input: GateInput, kubectl: Kubectl, callers: PodCallers): Promise<string> {
  const before = await leftovers(kubectl, input.policies);
  const timeoutSeconds = (wrong: readonly Wrong[]) =>
    isInTheirWay(before, wrong)
      ? Math.min(patienceBeforeDeletion, input.timeoutSeconds)
      : input.timeoutSeconds;
  const gate = {
    replicas: (app: string, space: string) =>
      readyPods(
        kubectl,
        app === callerItself ? callerName(callers.run, "certificate") : app,
        space,
      ),
    send: (requests: readonly PodRequest[]) =>
      callers.send("certificate", requests, () => {
        throw new Error("no question brings a token");
      }),
  };
  try {
    const seconds = await askUntilEnforced({ ...input, timeoutSeconds }, gate);
    const apps = input.questions.map(({ app }) => app).filter((app) => app !== callerItself);
    const proxies = new Set(apps).size;
    return `enforced: each replica of ${proxies} proxies answered ${input.questions.length} questions as the stack says, ${seconds.toFixed(1)} s after they were first asked`;
  } catch (error) {
    if (!(error instanceof NotEnforced)) throw error;
    const others = await leftovers(kubectl, input.policies);
    if (isInTheirWay(others, error.wrong)) return goingText(others, error.wrong);
    throw new Error(`${error.message}${leftoversText(others)}`);
  }
}

/** Addresses of the replicas that take traffic. */
async function readyPods(kubectl: Kubectl, app: string, namespace: string): Promise<Replicas> {
  const { items } = await kubectl.json<{
    items: {
      metadata: { name: string; deletionTimestamp?: string };
      status: { podIP?: string; conditions?: { type: string; status: string }[] };
    }[];
  }>(["get", "pod", `--namespace=${namespace}`, `--selector=app=${app}`]);
  return items.flatMap(({ metadata: { name, deletionTimestamp }, status }) => {
    const ready = status.conditions?.some((c) => c.type === "Ready" && c.status === "True");
    return ready && !deletionTimestamp && status.podIP ? [{ name, address: status.podIP }] : [];
  });
}

// what ends the update ends this, and the caller goes at the process's exit
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => process.exit(1));

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
