// npm run bench -- flip: what steady traffic notices while a running stack is changed.
import { setTimeout as sleep } from "node:timers/promises";
import { createReporter } from "../../scripts/progress.ts";
import { prepareDocker, prepareTools } from "../../scripts/setup/index.ts";
import { parseSettings } from "../../settings/index.ts";
import { Kubectl } from "../../verify/kubectl.ts";
import {
  type Env,
  type Stack,
  editOutputs,
  init,
  outputs,
  up,
  workplace,
  writeStack,
} from "../stack.ts";
import { EdgeLoad } from "./edge.ts";
import { type Answer, type Held, type Update, effectsOf } from "./judge.ts";
import { MeshLoad } from "./mesh.ts";
import { missed, report } from "./report.ts";
import { type State, type Step, first, residents, steps, streams } from "./steps.ts";

const stack: Stack = {
  name: "e2e-bench-flip",
  config: { clusterName: "bankmesh-bench-flip", httpPort: 17680, httpsPort: 17743 },
};
/** Requests a second, all streams together. */
const leastRate = 100;
/** Traffic before the first change, in ms. */
const warmUp = 3000;
/** Time after an update in which connections may still end, beside the drain, in ms. */
const afterwards = 3000;

/** The stack's values in a state. */
const valuesOf = ({ mtlsMode, gatewayTls, extra, gate }: State) => ({
  ...{ mtlsMode, gatewayTls, enforcementGate: { enabled: gate } },
  services: [...residents, ...extra].map((name) => ({ name })),
});

export async function run(): Promise<number> {
  const progress = createReporter();
  const { env: tools, route } = await prepareTools(progress);
  await prepareDocker(progress);
  const { env, clear } = workplace(tools, [stack]);
  try {
    writeStack(stack, valuesOf(first));
    await init(env, stack);
    await up(env, stack);
    console.log(`the stack is up (${route.sources} route)`);
    return await measure(env);
  } finally {
    clear();
  }
}

async function measure(env: Env): Promise<number> {
  const { settings, sources } = parseSettings(
    stack.name,
    { ...stack.config, ...valuesOf(first) },
    env,
  );
  const made = await outputs(env, stack);
  const answers: Answer[] = [];
  const onAnswer = (answer: Answer) => void answers.push(answer);
  const kubectl = new Kubectl(String(made.kubeconfig), env);
  const { namespace, host, httpsPort, istio } = settings!;
  const mesh = new MeshLoad({ kubectl, namespace, image: sources!.images.curl, onAnswer });
  const edge = new EdgeLoad({
    ...{ host, port: httpsPort, caPem: String(made.caCertPem), onAnswer },
    client: { certPem: String(made.clientCertPem), keyPem: String(made.clientKeyPem) },
  });
  const drain = Number.parseFloat(istio.drainDuration);
  try {
    await mesh.start();
    edge.start();
    const begun = performance.now();
    await sleep(warmUp);
    const { updates, held } = await change(env, { mesh, edge, answers, drain });
    const rate = answers.length / ((performance.now() - begun) / 1000);
    const effects = effectsOf(answers, updates, held);
    const outcome = { effects, rate, targets: { rate: leastRate, drain } };
    console.log(report(outcome));
    return missed(outcome).length === 0 ? 0 : 1;
  } finally {
    edge.stop();
    await mesh.stop();
    kubectl.close();
  }
}

interface Load {
  readonly mesh: MeshLoad;
  readonly edge: EdgeLoad;
  readonly answers: readonly Answer[];
  /** Drain duration in seconds. */
  readonly drain: number;
}

/** Makes all changes, one after the other. */
async function change(env: Env, load: Load): Promise<{ updates: Update[]; held: Held[] }> {
  const now = performance.now();
  const updates: Update[] = [{ name: "made", state: first, begun: now, ended: now }];
  const held: (() => Held)[] = [];
  for (const step of steps) {
    const before = updates.at(-1)!.state;
    held.push(...(await holdBefore(step, before, load)));
    const certificate = step.renews ? await load.edge.certificate() : undefined;
    if (step.renews) await makeDue(env);
    writeStack(stack, valuesOf(step.state));
    const begun = performance.now();
    await up(env, stack);
    const ended = performance.now();
    updates.push({ name: step.name, state: step.state, begun, ended });
    await sleep(load.drain * 1000 + afterwards);
    if (step.renews && certificate === (await load.edge.certificate()))
      throw new Error("the gateway still shows the certificate that was to be renewed");
    // one that has ended proves nothing about this step
    const silent = streams.find(
      (s) => !load.answers.some((a) => a.stream.name === s.name && a.ended > ended),
    );
    if (silent) throw new Error(`nobody got an answer of "${silent.name}" after "${step.name}"`);
    const seconds = ((ended - begun) / 1000).toFixed(1);
    console.log(`${step.name}: up ${seconds} s, ${load.answers.length} answers so far`);
  }
  return { updates, held: held.map((done) => done()) };
}

/** Connections that the step makes illegal, opened while they are legal. */
async function holdBefore(
  { name, state }: Step,
  before: State,
  { mesh, edge }: Load,
): Promise<(() => Held)[]> {
  const plaintext = state.mtlsMode === "STRICT" && before.mtlsMode !== "STRICT";
  const bare = state.gatewayTls === "MUTUAL" && before.gatewayTls !== "MUTUAL";
  return Promise.all([
    ...(plaintext ? [mesh.hold(name)] : []),
    ...(bare ? [edge.hold(name, "silent"), edge.hold(name, "busy")] : []),
  ]);
}

/** The server's certificate looks as if it ended in an hour, so that the next update renews it. */
function makeDue(env: Env): Promise<void> {
  return editOutputs(env, stack, (outputs) => {
    const { server } = outputs.certificates as { server: { validUntil: string } };
    server.validUntil = new Date(Date.now() + 3_600_000).toISOString();
  });
}
