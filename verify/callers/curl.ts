import type { Certificate } from "../certificates.ts";
import { type Evidence, alertIn, bodyLimit, xfccIn } from "../evidence.ts";
import type { PodRequest } from "../probe.ts";

const timeoutSeconds = 5;

/**
 * A shell script that sends requests with curl, all at once, and prints what came of each, one block a request.
 *
 * @param boundary text that no answer holds
 */
export function curlScript(
  requests: readonly PodRequest[],
  requestIds: readonly string[],
  boundary: string,
  selfSigned?: Certificate,
): string {
  const lines = ["cd /tmp && umask 077 && d=$(mktemp -d) && cd $d || exit 1"];
  if (requests.some((r) => r.clientCertificate) && selfSigned) {
    lines.push(`printf %s ${quote(selfSigned.certPem + selfSigned.keyPem)} >client.pem`);
  }
  requests.forEach((request, i) =>
    lines.push(`(${curl(request, requestIds[i]!, i)}; echo $? >x${i}) &`),
  );
  lines.push("wait");
  requests.forEach((_, i) => {
    const parts = [`x${i}`, `w${i}`, `e${i}`, `h${i}`].map((f) => `cat ${f}; ${mark(boundary)}`);
    lines.push(`${parts.join("; ")}; head -c ${bodyLimit} b${i}; ${mark(boundary)}`);
  });
  lines.push("cd /tmp && rm -rf $d");
  return lines.join("\n");
}

/** Parts that curlScript prints for one request: exit code, written values, messages, headers, body. */
const partsOfBlock = 5;

function mark(boundary: string): string {
  return `echo; echo ${boundary}`;
}

function curl(request: PodRequest, requestId: string, i: number): string {
  const tls = request.url.startsWith("https:") ? ["--insecure"] : [];
  // up to TLS 1.2 a certificate is judged within the handshake; later the reset may overtake the alert
  const certificate = request.clientCertificate
    ? ["--cert", "client.pem", "--tls-max", "1.2", "--http1.1"]
    : [];
  const format = "%{http_code} %{time_total}";
  const words = [
    ...["curl", "--silent", "--show-error", "--no-keepalive", "--max-time", String(timeoutSeconds)],
    ...["--dump-header", `h${i}`, "--output", `b${i}`, "--write-out", quote(format)],
    ...["--header", quote(`X-Request-ID: ${requestId}`)],
    ...tls,
    ...certificate,
    quote(request.url),
  ];
  return `: >h${i}; : >b${i}; ${words.join(" ")} >w${i} 2>e${i}`;
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
  const location = /^location:\s*(\S+)/im.exec(headers)?.[1];
  return {
    at,
    seconds: Number(seconds) || 0,
    body,
    exitCode: Number(exit),
    message,
    xfcc: xfccIn(body),
    ...(status > 0 && { status }),
    ...(alert && { alert }),
    ...(location && { location }),
  };
}
