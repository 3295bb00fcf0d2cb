import { randomUUID } from "node:crypto";
import * as http from "node:http";
import type { Socket } from "node:net";
import * as net from "node:net";
import * as tls from "node:tls";
import { userAgent } from "../access-log.ts";
import {
  type Evidence,
  alertIn,
  bodyEvidence,
  bodyLimit,
  leftOut,
  withoutTokens,
} from "../evidence.ts";
import type { Certificate } from "../certificates.ts";
import type { HostRequest } from "../probe.ts";
import type { TokenSpec } from "../tokens.ts";
import { askAfter } from "./http2.ts";
import { messageHeaders, tokenPath } from "./message.ts";

/** Where the gateway is, and what a request's words for certificates mean. */
export interface HostCallerArgs {
  /** Address of the gateway for this machine. */
  readonly address: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** A second port for TLS. @default there is none */
  readonly secondHttpsPort?: number;
  readonly controlPort: number;
  /** Whether the gateway asks clients for certificates on any port. @default nobody knows */
  readonly asksForCertificate?: boolean;
  /** CA of the stack. */
  readonly caPem: string;
  readonly namesakeCaPem: string;
  /** What to trust of a server behind the gateway that ends TLS itself. @default there is none */
  readonly backendCaPem?: string;
  readonly controlCaPem: string;
  /** Makes the tokens that requests bring. */
  readonly makeToken: (spec: TokenSpec) => string;
  readonly clients: Readonly<
    Partial<Record<NonNullable<HostRequest["clientCertificate"]>, Certificate>>
  >;
}

const timeout = 5000;
/** How long a client waits for an alert after its own side of the handshake is done (TLS 1.3). */
const alertGrace = 1500;

/** Sends requests from this machine; each on a connection of its own to the gateway, which has a pool of them to services. */
export class HostCaller {
  private readonly args: HostCallerArgs;
  /** What hundreds of connections bring alike is read once; each of them has a whole handshake of its own. */
  private readonly contexts = new Map<string, tls.SecureContext>();

  constructor(args: HostCallerArgs) {
    this.args = args;
  }

  public async send(request: HostRequest): Promise<Evidence> {
    const { token, ...bare } = request;
    // what follows a redirect brings its token to where that leads, not over plaintext before it
    const hop = request.follow && token ? bare : request;
    const first = await this.once(hop, this.portOf(request));
    if (!request.follow || first.location === undefined) return shown(first);
    const target = new URL(first.location, `http://${request.host}`);
    const secure = target.protocol === "https:";
    const port = Number(target.port) || (secure ? 443 : 80);
    const next: HostRequest = {
      ...request,
      follow: false,
      to: secure ? "https" : "http",
      host: target.hostname,
      path: `${target.pathname}${target.search}`,
    };
    const second = await this.once(next, port);
    return shown({
      ...second,
      message: `${second.message} (redirected to ${first.location})`.trim(),
    });
  }

  private tokenOf(request: HostRequest): string | undefined {
    return request.token && this.args.makeToken(request.token);
  }

  private portOf(request: HostRequest): number {
    const { httpPort, httpsPort, secondHttpsPort = httpsPort, controlPort } = this.args;
    const ports = { http: httpPort, https: httpsPort, "second-https": secondHttpsPort };
    return { ...ports, "control-server": controlPort }[request.to];
  }

  private async once(request: HostRequest, port: number): Promise<Evidence> {
    const started = performance.now();
    const at = new Date().toISOString();
    const requestId = randomUUID();
    const done = (seen: Partial<Evidence>): Evidence => ({
      at,
      requestId,
      seconds: (performance.now() - started) / 1000,
      body: "",
      message: "",
      ...seen,
    });
    let socket: Socket | undefined;
    try {
      const connected = await this.connect(request, port, (s) => (socket = s));
      const token = this.tokenOf(request);
      const answer =
        request.after === undefined
          ? await ask(connected, request, requestId, token)
          : await askAfter(connected as tls.TLSSocket, request, timeout, requestId);
      const tlsVersion =
        connected instanceof tls.TLSSocket ? (connected.getProtocol() ?? undefined) : undefined;
      return done({ ...answer, ...(tlsVersion && { tlsVersion }) });
    } catch (e) {
      return done(failure(e as NodeJS.ErrnoException));
    } finally {
      socket?.destroy();
    }
  }

  private connect(
    request: HostRequest,
    port: number,
    opened: (socket: Socket) => void,
  ): Promise<Socket> {
    const address = request.to === "control-server" ? "127.0.0.1" : this.args.address;
    return new Promise((resolve, reject) => {
      const plain = net.connect({ host: address, port });
      opened(plain);
      plain.setTimeout(timeout, () => plain.destroy(timedOut()));
      if (request.to === "http") {
        plain.once("connect", () => resolve(plain)).once("error", reject);
        return;
      }
      const secure = tls.connect({ socket: plain, ...this.tlsOptions(request) });
      secure.once("error", reject);
      secure.once("close", () => reject(ended()));
      secure.once("secureConnect", () => {
        // In TLS 1.3 the client is done before the server has looked at its certificate: give an alert time to come,
        // and send nothing before, or the reset of the connection may overtake it.
        // (and not from inside the callback, where the socket is still busy reading)
        const go = () => setImmediate(() => resolve(secure));
        if (secure.getProtocol() !== "TLSv1.3" || !this.isJudged(request)) return go();
        const timer = setTimeout(go, alertGrace);
        secure.once("session", () => {
          clearTimeout(timer);
          go();
        });
      });
    });
  }

  /** Whether the gateway may refuse a client by its certificate, or for want of one. */
  private isJudged({ clientCertificate }: HostRequest): boolean {
    return clientCertificate !== undefined || this.args.asksForCertificate !== false;
  }

  private tlsOptions(request: HostRequest): tls.ConnectionOptions {
    const { caPem, namesakeCaPem, backendCaPem, controlCaPem, clients } = this.args;
    const old = request.tlsVersion === "TLSv1" || request.tlsVersion === "TLSv1.1";
    const own = request.to === "control-server" ? controlCaPem : caPem;
    const ca = { "namesake-ca": namesakeCaPem, backend: backendCaPem, system: undefined };
    const client = request.clientCertificate && clients[request.clientCertificate];
    if (request.clientCertificate && !client)
      throw new Error(`nobody here has the client certificate ${request.clientCertificate}`);
    return {
      servername: request.serverName ?? request.after ?? request.host,
      ...(request.after !== undefined && { ALPNProtocols: ["h2"] }),
      checkServerIdentity: (_name, certificate) =>
        tls.checkServerIdentity(request.serverName || (request.after ?? request.host), certificate),
      secureContext: this.contextOf({
        ...(request.trust !== "system" && { ca: request.trust ? ca[request.trust] : own }),
        ...(client && { cert: client.certPem, key: client.keyPem }),
        ...(request.tlsVersion && {
          minVersion: request.tlsVersion,
          maxVersion: request.tlsVersion,
        }),
        // OpenSSL offers old versions at its lowest level of security only
        ...(old && { ciphers: "DEFAULT@SECLEVEL=0" }),
        ...(request.ciphers && { ciphers: request.ciphers }),
      }),
    };
  }

  private contextOf(options: tls.SecureContextOptions): tls.SecureContext {
    const key = JSON.stringify(options);
    const context = this.contexts.get(key) ?? tls.createSecureContext(options);
    this.contexts.set(key, context);
    return context;
  }
}

/** Without tokens, which may stand in a path. */
function shown(evidence: Evidence): Evidence {
  const { location, message } = evidence;
  return {
    ...{ ...evidence, message: withoutTokens(message) },
    ...(location !== undefined && { location: withoutTokens(location) }),
  };
}

function ask(
  socket: Socket,
  request: HostRequest,
  requestId: string,
  token: string | undefined,
): Promise<Partial<Evidence>> {
  if (request.preface !== undefined) socket.write(request.preface);
  return new Promise((resolve, reject) => {
    const asked = http.request({
      createConnection: () => socket,
      method: request.method ?? "GET",
      path: tokenPath(request, token),
      headers: {
        Host: request.host,
        Connection: "close",
        "User-Agent": userAgent(requestId),
        ...messageHeaders(request, token),
      },
      timeout,
    });
    asked.once("timeout", () => asked.destroy(timedOut()));
    asked.once("error", reject);
    asked.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body = (body + chunk).slice(0, bodyLimit)));
      response.once("error", reject);
      response.once("end", () => {
        const { statusCode, headers } = response;
        resolve({
          ...(statusCode !== undefined && { status: statusCode }),
          ...(headers.location !== undefined && { location: headers.location }),
          // the gateway says so of every answer that it did not make itself
          upstream: headers["x-envoy-upstream-service-time"] !== undefined,
          ...bodyEvidence(body),
          ...leftOut(body, headers["content-length"]),
        });
      });
    });
    asked.end();
  });
}

function failure(error: NodeJS.ErrnoException): Partial<Evidence> {
  const errorCode = error.code ?? "UNKNOWN";
  const alert = alertIn(error.message, errorCode);
  return { errorCode, message: error.message, ...(alert && { alert }) };
}

function timedOut(): NodeJS.ErrnoException {
  return Object.assign(new Error(`no answer within ${timeout} ms`), { code: "ETIMEDOUT" });
}

function ended(): NodeJS.ErrnoException {
  return Object.assign(new Error("the connection ended in the handshake"), { code: "EOF" });
}
