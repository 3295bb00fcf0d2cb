import type { Certificate } from "../certificates.ts";
import { type Evidence, alertIn, bodyEvidence, bodyLimit } from "../evidence.ts";
import type { PodRequest } from "../probe.ts";
import { certificates } from "./objects.ts";
import { messageHeaders, tokenPath } from "./message.ts";

const timeoutSeconds = 5;

/** A request with what its pod has to know about it. */
export interface CurlRequest {
  readonly request: PodRequest;
  /** X-Request-ID that it gets. */
  readonly requestId: string;
  /** Its token, made. */
  readonly token?: string;
}

/**
 * A shell script that sends requests with curl, all at once, and prints what came of each, one block a request. Tokens
 * go from the script into files of the pod's memory, never into arguments.
 *
 * @param boundary text that no answer holds
 */
export function curlScript(
  requests: readonly CurlRequest[],
  boundary: string,
  selfSigned?: Certificate,
): string {
  const lines = ["cd /tmp && umask 077 && d=$(mktemp -d) && cd $d || exit 1"];
  if (requests.some((r) => r.request.clientCertificate === "self-signed") && selfSigned) {
    lines.push(`printf %s ${quote(selfSigned.certPem + selfSigned.keyPem)} >client.pem`);
  }
  // a gRPC message of no bytes: not compressed, length 0
  if (requests.some((r) => r.request.grpc)) lines.push(`printf '\\0\\0\\0\\0\\0' >message`);
  requests.forEach((request, i) =>
    lines.push(
      `printf %s ${quote(curlConfig(request))} >c${i}`,
      `(${curl(request, i)}; echo $? >x${i}) &`,
    ),
  );
  const parts = requests.flatMap((_, i) => ["x", "w", "e", "h", "b"].map((part) => `${part}${i}`));
  lines.push(
    "wait",
    `printf '\\n%s\\n' ${boundary} >mark`,
    // one process for all answers: one for each part of each took more time than curl itself
    `head -q -c ${bodyLimit} ${parts.map((part) => `${part} mark`).join(" ")}`,
    "cd /tmp && rm -rf $d",
  );
  return lines.join("\n");
}

const certificateOptions = {
  "self-signed": ["--cert", "client.pem"],
  mesh: ["--cert", `${certificates}/cert-chain.pem`, "--key", `${certificates}/key.pem`],
};

/** Parts that curlScript prints for one request: exit code, written values, messages, headers, body. */
const partsOfBlock = 5;

function curl({ request }: CurlRequest, i: number): string {
  const tls = request.url.startsWith("https:") ? ["--insecure"] : [];
  // up to TLS 1.2 a certificate is judged within the handshake; later the reset may overtake the alert
  const judged = request.clientCertificate !== undefined || request.connectTo !== undefined;
  const certificate = [
    ...(request.clientCertificate ? certificateOptions[request.clientCertificate] : []),
    ...(judged ? ["--tls-max", "1.2", "--http1.1"] : []),
  ];
  const { method } = request;
  // curl would wait for the body of an answer to HEAD
  const verb = method === "HEAD" ? ["--head"] : method ? ["--request", quote(method)] : [];
  // proxies tell gRPC by its content type and answer in its own words
  const grpc = request.grpc ? ["--http2-prior-knowledge", "--data-binary", "@message"] : [];
  const format = "%{http_code} %{time_total}";
  const words = [
    ...["curl", "--silent", "--show-error", "--no-keepalive", "--path-as-is"],
    ...["--max-time", String(timeoutSeconds), "--config", `c${i}`, ...verb],
    ...["--dump-header", `h${i}`, "--output", `b${i}`, "--write-out", quote(format)],
    ...grpc,
    ...tls,
    ...certificate,
    // whatever the URL's host and port
    ...(request.connectTo ? ["--connect-to", quote(`::${request.connectTo}`)] : []),
  ];
  return `: >h${i}; : >b${i}; ${words.join(" ")} >w${i} 2>e${i}`;
}

/** What may hold a token, as a file of curl's options. */
function curlConfig({ request, requestId, token }: CurlRequest): string {
  const grpc = request.grpc && { "Content-Type": "application/grpc", TE: "trailers" };
  const headers = { "X-Request-ID": requestId, ...grpc, ...messageHeaders(request, token) };
  const url = tokenPath({ ...request, path: request.url }, token);
  const option = (name: string, value: string) =>
    `${name} = "${value.replace(/[\\"]/g, (c) => `\\${c}`)}"\n`;
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => option("header", `${name}: ${value}`)),
  );
  return [...lines, option("url", url)].join("");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Reads what curlScript printed. */
export function readCurlOutput(
  output: string,
  boundary: string,
  requestIds: readonly string[],
  at: string,
): Evidence[] {
  const parts = `${output}\n`.split(`\n${boundary}\n`);
  return requestIds.map((requestId, i) => {
    const block = parts.slice(i * partsOfBlock, (i + 1) * partsOfBlock);
    return block.length === partsOfBlock
      ? { ...readBlock(block, at), requestId }
      : { at, seconds: 0, body: "", message: "the caller did not answer", requestId };
  });
}

function readBlock(block: readonly string[], at: string): Evidence {
  const [exit = "", written = "", messages = "", headers = "", body = ""] = block;
  const [code, seconds] = written.trim().split(" ");
  const status = Number(code);
  const message = messages.trim();
  const alert = alertIn(message);
  const grpc = grpcStatus(headers);
  const location = /^location:\s*(\S+)/im.exec(headers)?.[1];
  return {
    at,
    seconds: Number(seconds) || 0,
    ...bodyEvidence(body),
    exitCode: Number(exit),
    message,
    ...(status > 0 && { status }),
    ...(alert && { alert }),
    ...(location && { location }),
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
