import * as https from "node:https";
import * as tls from "node:tls";
import type { Socket } from "node:net";
import type { Certificate } from "../../verify/certificates.ts";
import { HostCaller } from "../../verify/callers/host.ts";
import { classify } from "../../verify/classify.ts";
import { type Evidence, alertIn } from "../../verify/evidence.ts";
import { evidenceText } from "../../verify/reports/terminal.ts";
import type { Answer, Held } from "./judge.ts";
import { type Stream, edgeStreams, guest, residents } from "./steps.ts";

export interface EdgeArgs {
  readonly host: string;
  readonly port: number;
  readonly caPem: string;
  readonly client: Certificate;
  readonly onAnswer: (answer: Answer) => void;
}

const timeout = 5000;
/** Requests that a stream may have under way: what is not answered is no reason to send ever more. */
const mostAtOnce = 40;
/** Time between the requests of a busy connection, in ms. */
const busyEvery = 125;

/** Traffic from this machine to the gateway. */
export class EdgeLoad {
  private readonly args: EdgeArgs;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly agents: https.Agent[] = [];
  private readonly held = new Set<tls.TLSSocket>();
  private readonly caller: HostCaller;

  constructor(args: EdgeArgs) {
    this.args = args;
    const { caPem, port, client: own } = args;
    this.caller = new HostCaller({
      ...{ address: "127.0.0.1", httpPort: 0, httpsPort: port, controlPort: 0 },
      ...{ caPem, namesakeCaPem: caPem, controlCaPem: caPem, clients: { own } },
      makeToken: () => {
        throw new Error("no request brings a token");
      },
    });
  }

  public start(): void {
    const { fresh, kept, bare, guest: toGuest } = edgeStreams;
    const agent = this.agent();
    this.every(fresh, (n) => this.once(fresh, pathOf(n), true));
    this.every(bare, (n) => this.once(bare, pathOf(n), false));
    this.every(toGuest, () => this.once(toGuest, `/${guest}`, true));
    this.every(kept, (n) => this.onKept(kept, pathOf(n), agent));
  }

  public stop(): void {
    for (const timer of this.timers) clearInterval(timer);
    for (const agent of this.agents) agent.destroy();
    for (const socket of this.held) socket.destroy();
  }

  /**
   * Opens a connection without a client certificate, and has a request answered on it.
   *
   * @param kind whether more requests follow on it, or nothing
   */
  public async hold(update: string, kind: "silent" | "busy"): Promise<() => Held> {
    const { host, port, caPem } = this.args;
    const socket = tls.connect({ host: "127.0.0.1", port, servername: host, ca: caPem });
    this.held.add(socket);
    let closed: number | undefined;
    socket.once("close", () => (closed = performance.now()));
    const ask = () => socket.write(`GET ${pathOf(0)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("data", (answer: Buffer) => {
        const start = answer.toString("latin1").slice(0, 40);
        if (start.startsWith("HTTP/1.1 200")) resolve();
        else reject(new Error(`a connection to be held got ${start}`));
      });
      ask();
    });
    socket.on("error", () => undefined);
    if (kind === "busy") {
      let answered = true;
      socket.on("data", () => (answered = true));
      const timer = setInterval(() => {
        if (!socket.writable) return clearInterval(timer);
        if (answered) ask();
        answered = false;
      }, busyEvery);
      this.timers.push(timer);
    }
    return () => ({ name: `edge, ${kind}`, update, closed });
  }

  /** Fingerprint of the certificate that the gateway shows now. */
  public async certificate(): Promise<string> {
    const { host, port, caPem } = this.args;
    const socket = tls.connect({ host: "127.0.0.1", port, servername: host, ca: caPem });
    await new Promise((resolve, reject) =>
      socket.once("secureConnect", resolve).once("error", reject),
    );
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }

  private every(stream: Stream, send: (n: number) => Promise<void>): void {
    let [n, atOnce] = [0, 0];
    const timer = setInterval(() => {
      if (atOnce >= mostAtOnce) return;
      atOnce++;
      void send(n++).finally(() => atOnce--);
    }, 1000 / stream.rate);
    this.timers.push(timer);
  }

  private async once(stream: Stream, path: string, certificate: boolean): Promise<void> {
    const sent = performance.now();
    const evidence = await this.caller.send({
      ...{ from: "host", to: "https", host: this.args.host, path },
      ...(certificate && { clientCertificate: "own" as const }),
    });
    this.note(stream, { opened: sent, sent }, evidence);
  }

  private agent(): https.Agent {
    const { host, caPem, client } = this.args;
    const agent = new https.Agent({
      ...{ keepAlive: true, maxSockets: 4, servername: host, ca: caPem },
      ...{ cert: client.certPem, key: client.keyPem },
    });
    this.agents.push(agent);
    return agent;
  }

  private readonly opened = new WeakMap<Socket, number>();

  private onKept(stream: Stream, path: string, agent: https.Agent): Promise<void> {
    const { host, port } = this.args;
    const sent = performance.now();
    let opened = sent;
    return new Promise((resolve) => {
      const done = (seen: Partial<Evidence>) => {
        this.note(stream, { opened, sent }, { at: "", seconds: 0, body: "", message: "", ...seen });
        resolve();
      };
      const request = https.get({
        ...{ host: "127.0.0.1", port, path, agent, timeout, headers: { Host: host } },
      });
      request.once("socket", (socket) => {
        if (!this.opened.has(socket)) this.opened.set(socket, performance.now());
        opened = this.opened.get(socket)!;
      });
      request.once("timeout", () =>
        request.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })),
      );
      request.once("error", (error: NodeJS.ErrnoException) => {
        const errorCode = error.code ?? "UNKNOWN";
        const alert = alertIn(error.message, errorCode);
        const reused = request.reusedSocket ? " on a kept connection" : "";
        done({ errorCode, message: `${error.message}${reused}`, ...(alert && { alert }) });
      });
      request.once("response", (response) => {
        response.resume();
        response.once("end", () => done({ status: response.statusCode! }));
        response.once("error", (error) =>
          done({ errorCode: "ECONNRESET", message: error.message }),
        );
      });
    });
  }

  private note(stream: Stream, times: Pick<Answer, "opened" | "sent">, evidence: Evidence): void {
    const { xfcc, ...seen } = evidence;
    void xfcc;
    this.args.onAnswer({
      ...{ stream, ...times, ended: performance.now() },
      ...{ got: classify(evidence, true), detail: evidenceText(seen) },
    });
  }
}

/** To all services in turn. */
function pathOf(n: number): string {
  return `/${residents[n % residents.length]}`;
}
