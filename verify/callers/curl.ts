import type { Certificate } from "../certificates.ts";
import {
  type Evidence,
  alertIn,
  bodyEvidence,
  bodyLimit,
  leftOut,
  withoutTokens,
} from "../evidence.ts";
import type { PodRequest } from "../probe.ts";
import { certificates } from "./objects.ts";
import { messageHeaders, tokenPath } from "./message.ts";

const timeoutSeconds = 5;
/** Requests that one pod has under way at once; a dozen pods share the machine's cores. */
const atOnce = 8;

/** A request with what its pod has to know about it. */
export interface CurlRequest {
  readonly request: PodRequest;
  /** X-Request-ID that it gets. */
  readonly requestId: string;
  /** Its token, made. */
  readonly token?: string;
}

/** Certificates that a script brings to its pod, by the name that requests have for them. */
export type Brought = Readonly<Partial<Record<"self-signed" | "client", Certificate>>>;

/**
 * A shell script that sends requests with curl (7.75 or later), some at a time, and prints what came of each. Tokens go
 * from the script into files of the pod's memory, never into arguments.
 *
 * One curl sends them all, on a connection each as far as the pod's sidecar, if it has one: to start one for each request
 * takes longer than the request itself. gRPC has HTTP/2 connections, which it would share, so that each of these gets a
 * curl of its own.
 *
 * @param boundary text that no answer holds
 * @param limitSeconds ends what is under way then; what was answered before is printed. @default each request's own limit
 */
export function curlScript(
  requests: readonly CurlRequest[],
  boundary: string,
  brought: Brought = {},
  limitSeconds?: number,
): string {
  const lines = ["cd /tmp && umask 077 && d=$(mktemp -d) && cd $d || exit 1"];
  for (const [name, { certPem, keyPem }] of Object.entries(brought))
    if (requests.some((r) => r.request.clientCertificate === name))
      lines.push(`printf %s ${quote(certPem + keyPem)} >${name}.pem`);
  // an image may be without it; then each request's own limit is all that there is
  if (limitSeconds !== undefined)
    lines.push(`l=; command -v timeout >/dev/null && l="timeout ${limitSeconds}"`);
  // a gRPC message of no bytes: not compressed, length 0
  if (requests.some((r) => r.request.grpc)) lines.push(`printf '\\0\\0\\0\\0\\0' >message`);
  const parts = requests.flatMap((_, i) => [`h${i}`, `b${i}`]);
  lines.push(`touch ${parts.join(" ")}`);
  const all = requests.map((request, i) => ({ grpc: request.request.grpc === true, request, i }));
  const groups = [all.filter((r) => !r.grpc), ...all.filter((r) => r.grpc).map((r) => [r])];
  groups
    .filter((group) => group.length > 0)
    .forEach((group, g) => {
      const config = group.map(({ request, i }) => curlConfig(request, i, boundary)).join("next\n");
      const parallel = `--parallel --parallel-immediate --parallel-max ${atOnce}`;
      lines.push(
        `printf %s ${quote(config)} >c${g}`,
        // to stderr, which is written at once: what is in a buffer when curl is ended is lost
        `${limitSeconds === undefined ? "" : "$l "}curl --silent ${parallel} --config c${g} 2>w${g} >/dev/null &`,
      );
    });
  lines.push(
    "wait",
    `printf '\\n%s\\n' ${boundary} >mark`,
    // one process for all answers: one for each part of each took more time than curl itself
    `head -q -c ${bodyLimit} ${parts.map((part) => `${part} mark`).join(" ")}`,
    "cat w*",
    "cd /tmp && rm -rf $d",
  );
  return lines.join("\n");
}

const certificateOptions = {
  "self-signed": { cert: "self-signed.pem" },
  client: { cert: "client.pem" },
  mesh: { cert: `${certificates}/cert-chain.pem`, key: `${certificates}/key.pem` },
};

/** One request as curl's options: the i-th, whose headers go to a file and whose body to another. */
function curlConfig({ request, requestId, token }: CurlRequest, i: number, boundary: string) {
  const { method, grpc, clientCertificate, connectTo } = request;
  const tls = request.url.startsWith("https:");
  const url = tokenPath({ ...request, path: request.url }, token);
  // up to TLS 1.2 a certificate is judged within the handshake; later the reset may overtake the alert
  const judged = clientCertificate !== undefined || connectTo !== undefined;
  const format = `%{stderr}\\n${boundary} ${i} %{exitcode} %{http_code} %{time_total} %{local_port} %{errormsg}\\n`;
  const options: Readonly<Record<string, string | true | undefined>> = {
    url,
    // a fragment of the URL would stay here
    "request-target": url.includes("#") ? targetOf(url) : undefined,
    ...{ silent: true, "no-keepalive": true, "path-as-is": true },
    ...{ "max-time": String(timeoutSeconds), "dump-header": `h${i}`, output: `b${i}` },
    // curl would wait for the body of an answer to HEAD; told so, it writes the headers in its place
    ...(method === "HEAD" ? { head: true, output: "/dev/null" } : { request: method }),
    // proxies tell gRPC by its content type and answer in its own words
    ...(grpc && { "http2-prior-knowledge": true, "data-binary": "@message" }),
    ...(tls && { insecure: true }),
    ...(clientCertificate && certificateOptions[clientCertificate]),
    ...(judged && { "tls-max": "1.2" }),
    ...((judged || tls) && { "http1.1": true }),
    // whatever the URL's host and port
    ...(connectTo && { "connect-to": `::${connectTo}` }),
  };
  const headers = {
    "X-Request-ID": requestId,
    // a connection for each request
    ...(grpc ? { "Content-Type": "application/grpc", TE: "trailers" } : { Connection: "close" }),
    ...messageHeaders(request, token),
  };
  return [
    ...Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [value === true ? name : `${name} = ${inConfig(value)}`],
    ),
    `write-out = "${format}"`,
    ...Object.entries(headers).flatMap(([name, values]) =>
      [values].flat().map((value) => `header = ${inConfig(`${name}: ${value}`)}`),
    ),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** What of a URL stands in the request's first line, as it is written. */
function targetOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/]+/, "");
}

/** A text as curl's configuration has it. */
function inConfig(value: string): string {
  return `"${value.replace(/[\\"]/g, (c) => `\\${c}`)}"`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Prints the chain that a server shows to who brings no certificate, whatever comes of the handshake. */
export function handshakeScript(address: string): string {
  return `curl --silent --insecure --max-time 5 --output /dev/null --write-out '%{certs}' https://${address}/ || true`;
}

/**
 * Reads what curlScript printed.
 *
 * @param requests those of the script, in their order
 * @param at when the script was sent, RFC 3339
 */
export function readCurlOutput(
  output: string,
  boundary: string,
  requests: readonly CurlRequest[],
  at: string,
): Evidence[] {
  const parts = `${output}\n`.split(`\n${boundary}\n`);
  const ends = new Map(
    (parts.pop() ?? "").split("\n").flatMap((line) => {
      const [mark, i, exit, code, seconds, port, ...message] = line.split(" ");
      return mark === boundary
        ? [[Number(i), { exit, code, seconds, port, message }] as const]
        : [];
    }),
  );
  const starts = startsOf(requests, ends);
  return requests.map(({ requestId }, i) => {
    const [headers, body] = parts.slice(2 * i, 2 * i + 2);
    const end = ends.get(i);
    const begun = new Date(Date.parse(at) + (starts.get(i) ?? 0) * 1000).toISOString();
    if (!end || headers === undefined || body === undefined)
      return { at: begun, seconds: 0, body: "", message: "the caller did not answer", requestId };
    return { ...answerOf(end, headers, body), at: begun, requestId };
  });
}

/**
 * When requests of one curl began, in seconds after it did: as many as are under way at once begin with it, and each later
 * one when another ends. curl tells how long each took, in the order in which they ended, and not when.
 */
function startsOf(
  requests: readonly CurlRequest[],
  ends: ReadonlyMap<number, End>,
): Map<number, number> {
  // gRPC has a curl for each
  const together = requests.flatMap(({ request }, i) => (request.grpc ? [] : [i]));
  const ended = [...ends.keys()].filter((i) => !requests[i]?.request.grpc);
  const starts = new Map<number, number>();
  together.forEach((i, n) => {
    const before = n < atOnce ? undefined : ended[n - atOnce];
    const seconds = before === undefined ? 0 : Number(ends.get(before)!.seconds) || 0;
    starts.set(i, before === undefined ? 0 : (starts.get(before) ?? 0) + seconds);
  });
  return starts;
}

/** What curl wrote when a request ended. */
interface End {
  readonly exit: string | undefined;
  readonly code: string | undefined;
  readonly seconds: string | undefined;
  readonly port: string | undefined;
  readonly message: readonly string[];
}

function answerOf(end: End, headers: string, body: string): Omit<Evidence, "at" | "requestId"> {
  const status = Number(end.code);
  const message = end.message.join(" ").trim();
  const alert = alertIn(message);
  const grpc = grpcStatus(headers);
  const location = /^location:\s*(\S+)/im.exec(headers)?.[1];
  // Envoy says so of every answer that it did not make itself; behind no proxy nobody does
  const upstream = /^x-envoy-upstream-service-time:/im.test(headers);
  return {
    seconds: Number(end.seconds) || 0,
    ...bodyEvidence(body),
    ...leftOut(body, /^content-length:\s*(\d+)/im.exec(headers)?.[1]),
    exitCode: Number(end.exit),
    message,
    ...(status > 0 && { status }),
    ...(Number(end.port) > 0 && { clientPort: Number(end.port) }),
    ...(alert && { alert }),
    ...(location && { location: withoutTokens(location) }),
    ...(upstream && { upstream }),
    ...(grpc && { grpc }),
  };
}

/** What stands in the headers or the trailers of a gRPC answer; the message is percent-encoded. */
function grpcStatus(headers: string): Evidence["grpc"] {
  const status = /^grpc-status:\s*(\d+)/im.exec(headers)?.[1];
  if (status === undefined) return undefined;
  const message = /^grpc-message:[ \t]*([^\r\n]*)/im.exec(headers)?.[1] ?? "";
  return { status: Number(status), message: message.replace(/%([0-9A-Fa-f]{2})/g, fromHex) };
}

function fromHex(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}
