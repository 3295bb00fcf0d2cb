import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { makeCertificate } from "../../verify/certificates.ts";
import { classify } from "../../verify/classify.ts";
import { evidenceText } from "../../verify/reports/terminal.ts";
import { callerName } from "../../verify/callers/objects.ts";
import { PodCallers } from "../../verify/callers/pods.ts";
import type { Kubectl } from "../../verify/kubectl.ts";
import { holdScript, parseLine, streamScript } from "./curl.ts";
import type { Answer, Held } from "./judge.ts";
import { type Stream, meshStreams } from "./steps.ts";

export interface MeshArgs {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  /** Image with curl and a shell. */
  readonly image: string;
  readonly onAnswer: (answer: Answer) => void;
}

/** Questions about the clock, of which the fastest answer counts. */
const clockQuestions = 8;
/** Own ports of connections that are held; below those that the kernel hands out. */
const firstPort = 21_000;

/** Traffic inside the cluster, from pods that are brought along: one with a sidecar, one without. */
export class MeshLoad {
  private readonly args: MeshArgs;
  private readonly callers: PodCallers;
  private nextPort = firstPort;
  private readonly children = new Set<ChildProcess>();

  constructor(args: MeshArgs) {
    this.args = args;
    const { kubectl, image, namespace } = args;
    this.callers = new PodCallers({
      ...{ kubectl, image, settings: { namespace, clients: [], istio: {} } },
      selfSigned: makeCertificate({ commonName: "nobody" }),
    });
  }

  /** Brings the pods, and begins. */
  public async start(): Promise<void> {
    await this.callers.open();
    const [plain, meshed] = [meshStreams.filter(isPlain), meshStreams.filter((s) => !isPlain(s))];
    await Promise.all([this.run("mesh", meshed), this.run("plain", plain)]);
  }

  public async stop(): Promise<void> {
    for (const child of this.children) child.kill();
    await this.callers.close({ wait: false });
  }

  /** Opens a plaintext connection, has a request answered on it, and keeps it silent. */
  public async hold(update: string): Promise<() => Held> {
    let closed: number | undefined;
    const child = this.exec("plain", holdScript(this.url("users"), this.nextPort++));
    const { lines, toMs } = await this.synchronised(child);
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line: string) => {
        const [word, uptime] = line.split(" ");
        if (word === "answered") resolve();
        else if (word === "closed") closed = toMs(Number(uptime));
        else reject(new Error(`a connection to be held got ${line}`));
      });
      child.once("exit", () => reject(new Error("a connection to be held was not answered")));
    });
    return () => ({ name: "plaintext, silent", update, closed });
  }

  private url(service: string): string {
    return `http://${service}.${this.args.namespace}.svc.cluster.local`;
  }

  private async run(kind: "mesh" | "plain", streams: readonly Stream[]): Promise<void> {
    const asked = streams.map((stream, number) => ({
      ...{ number, rate: stream.rate, fresh: kind === "plain" },
      url: this.url(stream.name.split(" ").at(-1)!),
    }));
    const { lines, toMs } = await this.synchronised(this.exec(kind, streamScript(asked)));
    lines.on("line", (line: string) => {
      const { number, uptime, seconds, evidence } = parseLine(line);
      const ended = toMs(uptime);
      const sent = ended - seconds * 1000;
      this.args.onAnswer({
        ...{ stream: streams[number]!, opened: sent, sent, ended },
        ...{ got: classify(evidence, false), detail: evidenceText(evidence) },
      });
    });
  }

  private exec(kind: "mesh" | "plain", script: string): ChildProcess {
    const { kubectl } = this.args;
    const namespace = this.callers.namespaceOf(kind);
    const pod = callerName(this.callers.run, kind);
    const exec = ["exec", "--stdin", `--namespace=${namespace}`, pod, "--container=curl"];
    const child = spawn(
      "kubectl",
      ["--kubeconfig", kubectl.file, ...exec, "--", "sh", "-c", script],
      { env: kubectl.env, stdio: ["pipe", "pipe", "ignore"] },
    );
    this.children.add(child);
    return child;
  }

  /** The pod's clock, asked through the same pipe that the lines come by. */
  private async synchronised(child: ChildProcess) {
    const lines = createInterface({ input: child.stdout as Readable });
    let best = { trip: Infinity, offset: 0 };
    for (let i = 0; i < clockQuestions; i++) {
      const asked = performance.now();
      child.stdin!.write("\n");
      const uptime = await new Promise<number>((resolve, reject) => {
        lines.once("line", (line) => resolve(Number(line)));
        child.once("exit", () => reject(new Error("kubectl exec ended before anything was asked")));
      });
      const now = performance.now();
      const trip = now - asked;
      if (trip < best.trip) best = { trip, offset: (asked + now) / 2 - uptime * 1000 };
    }
    child.stdin!.write("go\n");
    return { lines, toMs: (uptime: number) => uptime * 1000 + best.offset };
  }
}

const isPlain = ({ name }: Stream) => name.startsWith("plaintext");
