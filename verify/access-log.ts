import type { Kubectl } from "./kubectl.ts";

/** One line of a proxy's access log, as JSON. */
export type AccessLogLine = Readonly<Record<string, unknown>>;

/** A field that is text; undefined where the proxy had nothing to say. */
export function textField(line: AccessLogLine, name: string): string | undefined {
  const value = line[name];
  return typeof value === "string" ? value : undefined;
}

/** User-Agent by which a request is known to the gateway, which gives each an X-Request-ID of its own. */
export const userAgent = (requestId: string) => `bankmesh-probe/${requestId}`;

/** What of a request can be found again in a log. */
export interface LogQuery {
  /** What the request was named, in X-Request-ID or User-Agent. It says all. */
  readonly requestId?: string;
  /** When it was sent, and how long it took. */
  readonly at: string;
  readonly seconds: number;
  /** Path without the query; undefined for a connection that ended before HTTP. */
  readonly path?: string;
  /** Port of the container that bytes were handed on to, for a connection in which nobody saw HTTP. @default any */
  readonly port?: number;
  readonly status?: number;
  /** Identity of the client, for such a connection; a line that names nobody fits too. @default any */
  readonly peer?: string;
  /** Address of the client. @default any */
  readonly clientAddress?: string;
  /** Port of the client, where nothing between it and the server's proxy has a connection of its own. @default any */
  readonly clientPort?: number;
  /** Server name of the TLS handshake, for a connection that ended before HTTP. @default any */
  readonly serverName?: string;
}

/** A pod's request begins some time after its batch was sent, and clocks differ; in ms. */
const tolerance = 2000;
/** The same where its port says which it is: a client does not use one again so soon. */
const toleranceOfPort = 20_000;

/**
 * The line about a request: by what it was named, or else, for a connection that ended before HTTP, by its client and the
 * nearest in time of those that fit; undefined when none does.
 */
export function findLine(
  lines: readonly AccessLogLine[],
  query: LogQuery,
): AccessLogLine | undefined {
  const { requestId, status } = query;
  if (requestId !== undefined) {
    const named = lines.find(
      (line) => line.request_id === requestId || line.user_agent === userAgent(requestId),
    );
    if (named || status !== undefined) return named;
  }
  const at = Date.parse(query.at);
  const time = (line: AccessLogLine) => Date.parse(String(line.start_time));
  const late = query.clientPort === undefined ? tolerance : toleranceOfPort;
  const end = at + query.seconds * 1000 + late;
  return lines
    .filter((line) => time(line) >= at - 5 && time(line) <= end && fits(line, query))
    .sort((a, b) => Math.abs(time(a) - at) - Math.abs(time(b) - at))[0];
}

function fits(line: AccessLogLine, query: LogQuery): boolean {
  const { clientAddress, clientPort, status } = query;
  const [, address, port] = /^(.*):(\d+)$/.exec(remoteOf(line)) ?? [];
  if (clientAddress !== undefined && address !== clientAddress) return false;
  if (status !== undefined) return line.response_code === status && line.path === query.path;
  // of two requests that are alike, that is all that differs
  if (clientPort !== undefined && port !== String(clientPort)) return false;
  const cluster = textField(line, "upstream_cluster") ?? "";
  if (query.port !== undefined && !cluster.startsWith(`inbound|${query.port}|`)) return false;
  const peer = textField(line, "downstream_peer_uri_san");
  if (query.peer !== undefined && peer !== undefined && peer !== query.peer) return false;
  const named = query.serverName === undefined || serverName(line) === query.serverName;
  return named && !line.response_code;
}

function remoteOf(line: AccessLogLine): string {
  return textField(line, "downstream_remote_address") ?? "";
}

function serverName(line: AccessLogLine): string {
  const name = line.requested_server_name;
  return typeof name === "string" && name !== "-" ? name : "";
}

/** Lines that the proxies of an app wrote since a point in time. */
export async function readAccessLog(
  kubectl: Kubectl,
  namespace: string,
  app: string,
  since: string,
): Promise<AccessLogLine[]> {
  const text = await kubectl.run([
    ...["logs", `--namespace=${namespace}`, `--selector=app=${app}`, "--container=istio-proxy"],
    ...[`--since-time=${since}`, "--tail=-1"],
  ]);
  return parseAccessLog(text);
}

export function parseAccessLog(text: string): AccessLogLine[] {
  return text.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    try {
      const parsed = JSON.parse(line) as AccessLogLine;
      return "start_time" in parsed ? [parsed] : [];
    } catch {
      return [];
    }
  });
}
