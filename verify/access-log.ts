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
  readonly status?: number;
  /** Address of the client. @default any */
  readonly clientAddress?: string;
  /** Server name of the TLS handshake, for a connection that ended before HTTP. @default any */
  readonly serverName?: string;
}

/** A pod's request begins some time after its batch was sent. */
const tolerance = 2000;

/** The line about a request: nearest in time of those that fit; undefined when none does. */
export function findLine(
  lines: readonly AccessLogLine[],
  query: LogQuery,
): AccessLogLine | undefined {
  if (query.requestId !== undefined && query.status !== undefined) {
    const { requestId } = query;
    return lines.find(
      (line) => line.request_id === requestId || line.user_agent === userAgent(requestId),
    );
  }
  const begin = Date.parse(query.at) - 5;
  const end = Date.parse(query.at) + query.seconds * 1000 + tolerance;
  const fits = (line: AccessLogLine) => {
    const time = Date.parse(String(line.start_time));
    if (!(time >= begin && time <= end)) return false;
    const client = (textField(line, "downstream_remote_address") ?? "").replace(/:\d+$/, "");
    if (query.clientAddress !== undefined && client !== query.clientAddress) return false;
    if (query.status === undefined) {
      const named = query.serverName === undefined || serverName(line) === query.serverName;
      return named && !line.response_code;
    }
    return line.response_code === query.status && line.path === query.path;
  };
  const distance = (line: AccessLogLine) =>
    Math.abs(Date.parse(String(line.start_time)) - Date.parse(query.at));
  return lines.filter(fits).sort((a, b) => distance(a) - distance(b))[0];
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
