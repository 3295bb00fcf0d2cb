import { randomBytes, randomUUID } from "node:crypto";
import type { Settings } from "../../settings/index.ts";
import type { Certificate } from "../certificates.ts";
import type { Deadline } from "../deadline.ts";
import type { Evidence } from "../evidence.ts";
import type { Kubectl } from "../kubectl.ts";
import type { PodRequest, Twin } from "../probe.ts";
import type { TokenSpec } from "../tokens.ts";
import { hostOf } from "../probes/services.ts";
import { curlScript, readCurlOutput } from "./curl.ts";
import { clientOf, isLent } from "./kinds.ts";
import {
  type CallerKind,
  type KubernetesObject,
  alwaysThere,
  callerName,
  callerNamespace,
  callerObjects,
  rulelessName,
  runLabel,
  twinObjects,
} from "./objects.ts";
import { takeAway } from "./namespaces.ts";
import { podAddresses } from "./pod-addresses.ts";

export interface PodCallersArgs {
  readonly kubectl: Kubectl;
  readonly settings: Pick<Settings, "namespace" | "clients"> & {
    readonly istio: Pick<Settings["istio"], "revision">;
    readonly meshDefaultDeny?: boolean;
  };
  /** Callers that are wanted from the start. @default one with a sidecar, one without */
  readonly kinds?: readonly CallerKind[];
  /** Image with curl and a shell. */
  readonly image: string;
  /** Service whose twin is made; none, no twin. */
  readonly twinOf?: string;
  /** Certificate for requests that bring a self-signed one. */
  readonly selfSigned: Certificate;
  /** Certificate of the external client. @default no request brings it */
  readonly client?: Certificate;
  /** Another run whose callers without a service's account ask for this one too. @default none */
  readonly lender?: PodCallers;
  /** A namespace of the run's own, made and taken away by somebody else, with callers in it. @default none */
  readonly guest?: { readonly run: string; readonly present: readonly CallerKind[] };
}

/** Requests that one `kubectl exec` sends: if none is answered in time, its script still ends before kubectl's limit. */
const batch = 96;
/** What a batch leaves of a run's time, to hand its answers over; in s. */
const reserve = 1;

/** Pods that send requests, and the twin that serves as their control. Made by `open`, taken away by `close`. */
export class PodCallers {
  /** Names this run. */
  public readonly run: string;
  private readonly namespace: string;
  private twinAddress: string | undefined;
  private readonly callers: Set<CallerKind>;
  /** Namespaces that it made, or was about to. */
  private readonly brought = new Set<string>();
  /** Addresses of the callers outside the mesh, by name. */
  private outside: Readonly<Record<string, string>> = {};

  private readonly args: PodCallersArgs;

  constructor(args: PodCallersArgs) {
    this.args = args;
    this.run = args.guest?.run ?? randomBytes(3).toString("hex");
    this.namespace = `verify-${this.run}`;
    this.callers = new Set(args.guest?.present);
  }

  /** SPIFFE identity of the caller with a sidecar. */
  public get identity(): string {
    if (this.args.lender) return this.args.lender.identity;
    const account = callerName(this.run, "mesh");
    return `spiffe://cluster.local/ns/${this.args.settings.namespace}/sa/${account}`;
  }

  /** Name by which the caller with a sidecar is called itself. Nothing listens there but its proxy. */
  public get host(): string {
    return hostOf(callerName(this.run, "mesh"), this.args.settings.namespace);
  }

  /** Addresses of the callers, among those of the namespace's pods. */
  public addressesIn(addresses: Readonly<Record<string, string>>): Record<string, string> {
    const known = { ...addresses, ...this.outside };
    return Object.fromEntries(
      [...this.callers].flatMap((kind) => {
        const address = known[callerName(this.run, kind)];
        return address === undefined ? [] : [[kind, address]];
      }),
    );
  }

  /** The twin; undefined when there is none. */
  public get twin(): Twin | undefined {
    const { twinOf } = this.args;
    if (twinOf === undefined || this.twinAddress === undefined) return undefined;
    const twin = { service: twinOf, namespace: this.namespace, podAddress: this.twinAddress };
    const { meshDefaultDeny } = this.args.settings;
    return { ...twin, ...(meshDefaultDeny && { ruleless: rulelessName(twinOf) }) };
  }

  /** Makes everything and waits until it is ready. */
  public async open(): Promise<void> {
    if (this.args.guest) return;
    // before the kubeconfig is taken away
    process.prependOnceListener("exit", this.closeAtExit);
    // both to their end: what is still being made cannot be taken away
    const made = await Promise.allSettled([
      this.makeTwin(),
      this.bring(this.args.kinds ?? alwaysThere),
    ]);
    const failed = made.find((m) => m.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Makes callers that are not there yet, and waits until they are ready. */
  public async bring(kinds: readonly CallerKind[]): Promise<void> {
    const { kubectl, settings, image, lender } = this.args;
    await lender?.bring(kinds.filter(isLent));
    const missing = kinds.filter(
      (kind) => !this.callers.has(kind) && !clientOf(kind) && !(lender && isLent(kind)),
    );
    if (missing.length === 0) return;
    const { namespace } = settings;
    if (missing.includes("plain")) this.brought.add(this.namespaceOf("plain"));
    await kubectl.apply(callerObjects({ run: this.run, namespace, image }, missing));
    const wait = ["wait", "--for=condition=Ready", "--timeout=90s"];
    const places = Map.groupBy(missing, (kind) => this.namespaceOf(kind));
    await Promise.all(
      [...places].map(([place, of]) => {
        const pods = of.map((kind) => `pod/${callerName(this.run, kind)}`);
        return kubectl.run([...wait, `--namespace=${place}`, ...pods]);
      }),
    );
    for (const kind of missing) this.callers.add(kind);
    if (missing.includes("plain"))
      this.outside = await podAddresses(kubectl, this.namespaceOf("plain"));
  }

  /** Namespace of a caller. */
  public namespaceOf(kind: CallerKind): string {
    const { namespace, clients } = this.args.settings;
    const client = clients.find((c) => c.name === clientOf(kind));
    return client?.namespace ?? callerNamespace(this.run, kind, namespace);
  }

  private async makeTwin(): Promise<void> {
    const { kubectl, settings, twinOf } = this.args;
    if (twinOf === undefined) return;
    const { revision } = settings.istio;
    const { run, namespace } = this;
    const originals = await this.originals(twinOf);
    const { meshDefaultDeny = false } = settings;
    const twin = { run, namespace, originals, meshDefaultDeny, ...(revision && { revision }) };
    this.brought.add(namespace);
    await kubectl.apply(twinObjects(twin));
    const names = [twinOf, ...(meshDefaultDeny ? [rulelessName(twinOf)] : [])];
    const ready = names.map((name) => {
      const rollout = ["rollout", "status", `deployment/${name}`, `--namespace=${namespace}`];
      return kubectl.run([...rollout, "--timeout=90s"]);
    });
    await Promise.all(ready);
    this.twinAddress = (await podAddresses(kubectl, namespace))[twinOf];
  }

  /** Sends requests of one caller, side by side, each on a connection of its own as far as the first proxy: its sidecar, if it has one. */
  public async send(
    kind: CallerKind,
    requests: readonly PodRequest[],
    makeToken: (spec: TokenSpec) => string,
  ): Promise<Evidence[]> {
    const { lender } = this.args;
    if (lender && isLent(kind)) return lender.send(kind, requests, makeToken);
    const found: Evidence[] = [];
    for (let i = 0; i < requests.length; i += batch) {
      found.push(...(await this.sendBatch(kind, requests.slice(i, i + batch), makeToken)));
    }
    return found;
  }

  /**
   * The same until time is up. A batch gets what is left of it; what has no answer by then is left out.
   *
   * @param answered is told each answer, batch by batch
   */
  public async sendUntil(
    deadline: Deadline,
    kind: CallerKind,
    requests: readonly PodRequest[],
    makeToken: (spec: TokenSpec) => string,
    answered: (request: PodRequest, evidence: Evidence) => void,
  ): Promise<void> {
    const { lender } = this.args;
    if (lender && isLent(kind))
      return lender.sendUntil(deadline, kind, requests, makeToken, answered);
    for (let i = 0; i < requests.length; i += batch) {
      const some = requests.slice(i, i + batch);
      const seconds = Math.floor(deadline.left - reserve);
      if (seconds < 1) return;
      const until = performance.now() + seconds * 1000;
      const limit = { seconds, signal: deadline.signal };
      const answers = await this.sendBatch(kind, some, makeToken, limit).catch((e: Error) => {
        if (!deadline.signal.aborted) throw e;
        return [];
      });
      const cut = performance.now() >= until;
      answers.forEach((evidence, n) => {
        if (!cut || evidence.exitCode !== undefined) answered(some[n]!, evidence);
      });
    }
  }

  private async sendBatch(
    kind: CallerKind,
    requests: readonly PodRequest[],
    makeToken: (spec: TokenSpec) => string,
    limit?: { readonly seconds: number; readonly signal: AbortSignal },
  ): Promise<Evidence[]> {
    const { selfSigned, client } = this.args;
    const brought = { "self-signed": selfSigned, ...(client && { client }) };
    const boundary = `--${randomBytes(12).toString("hex")}`;
    const at = new Date().toISOString();
    const asked = requests.map((request) => ({
      request,
      requestId: randomUUID(),
      ...(request.token && { token: makeToken(request.token) }),
    }));
    const script = curlScript(asked, boundary, brought, limit?.seconds);
    const output = await this.shell(kind, script, limit?.signal);
    return readCurlOutput(output, boundary, asked, at);
  }

  /**
   * Runs a shell script in a caller's pod, and returns what it printed.
   *
   * @param signal ends the wait for it
   */
  public shell(kind: CallerKind, script: string, signal?: AbortSignal): Promise<string> {
    const { kubectl, settings, lender } = this.args;
    if (lender && isLent(kind)) return lender.shell(kind, script, signal);
    const client = settings.clients.find((c) => c.name === clientOf(kind));
    const namespace = this.namespaceOf(kind);
    const pod = client ? `deployment/${client.name}` : callerName(this.run, kind);
    const exec = ["exec", "--stdin", `--namespace=${namespace}`, pod, "--container=curl"];
    return kubectl.run([...exec, "--", "sh", "-s"], script, signal);
  }

  /** Takes everything away, and waits until it is gone unless told otherwise. */
  public async close({ wait = true } = {}): Promise<void> {
    const { kubectl, guest } = this.args;
    if (guest) return;
    const gone = ["--ignore-not-found", `--wait=${wait}`, "--timeout=60s"];
    await Promise.all([
      takeAway(kubectl, [...this.brought], { wait }),
      kubectl.run([...this.ownDeletion, ...gone]),
    ]);
    process.off("exit", this.closeAtExit);
  }

  /** For a process that ends in another way: Ctrl-C, an error that nobody caught. */
  private readonly closeAtExit = () => {
    const namespaces = [...this.brought].map((name) => ["delete", "namespace", name]);
    for (const command of [...namespaces, this.ownDeletion]) {
      this.args.kubectl.runAtExit([...command, "--ignore-not-found", "--wait=false"]);
    }
  };

  /** Command that takes away what is in the bank's namespace. */
  private get ownDeletion(): string[] {
    const own = [
      `--namespace=${this.args.settings.namespace}`,
      `--selector=${runLabel}=${this.run}`,
    ];
    return ["delete", "pod,serviceaccount,service", ...own, "--grace-period=1"];
  }

  private originals(service: string): Promise<KubernetesObject[]> {
    const { kubectl, settings } = this.args;
    const names = [`serviceaccount/${service}-sa`, `deployment/${service}`, `service/${service}`];
    return kubectl
      .json<{ items: KubernetesObject[] }>(["get", ...names, `--namespace=${settings.namespace}`])
      .then((list) => list.items);
  }
}
