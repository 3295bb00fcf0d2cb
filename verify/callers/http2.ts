import * as http2 from "node:http2";
import type * as tls from "node:tls";
import { userAgent } from "../access-log.ts";
import { type Evidence, bodyEvidence, bodyLimit } from "../evidence.ts";
import type { HostRequest } from "../probe.ts";

/**
 * Asks one host, and then another on the same connection, as a browser does whose certificate is for both.
 *
 * @param timeout how long each may take, in ms
 * @param requestId what the second is known by in the server's log
 * @returns what came of the second request
 * @throws Error when the first was not answered, so that nothing is known of the second
 */
export async function askAfter(
  socket: tls.TLSSocket,
  { after, host, path }: HostRequest,
  timeout: number,
  requestId: string,
): Promise<Partial<Evidence>> {
  const session = http2.connect(`https://${after}`, { createConnection: () => socket });
  const failed = new Promise<never>((_, reject) => session.once("error", reject));
  try {
    const first = await Promise.race([one(session, after!, path, timeout), failed]);
    if (first.status !== 200) throw new Error(`${after} itself answered ${first.status}`);
    return await Promise.race([one(session, host, path, timeout, requestId), failed]);
  } finally {
    session.destroy();
  }
}

function one(
  session: http2.ClientHttp2Session,
  authority: string,
  path: string,
  timeout: number,
  requestId?: string,
): Promise<Partial<Evidence>> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ...{ ":authority": authority, ":path": path },
      ...(requestId !== undefined && { "user-agent": userAgent(requestId) }),
    });
    let status: number | undefined;
    let upstream = false;
    let body = "";
    stream.setTimeout(timeout, () => stream.close(http2.constants.NGHTTP2_CANCEL));
    stream.setEncoding("utf8");
    stream.once("response", (headers) => {
      status = headers[":status"];
      upstream = headers["x-envoy-upstream-service-time"] !== undefined;
    });
    stream.on("data", (chunk: string) => (body = (body + chunk).slice(0, bodyLimit)));
    stream.once("error", reject);
    stream.once("close", () => {
      const code = "ETIMEDOUT";
      if (status === undefined) reject(Object.assign(new Error("no answer"), { code }));
      else resolve({ status, upstream, ...bodyEvidence(body) });
    });
    stream.end();
  });
}
