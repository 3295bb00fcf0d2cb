/** What a caller saw of one request. Everything that a verdict is based on. */
export interface Evidence {
  /** When it was sent, RFC 3339; of a pod's request, as its batch and those before it tell. */
  readonly at: string;
  readonly seconds: number;
  /** HTTP status; undefined when no HTTP answer came. */
  readonly status?: number;
  /** Status and message of a gRPC answer, whose HTTP status is always 200. */
  readonly grpc?: { readonly status: number; readonly message: string };
  /** Where a redirect leads. */
  readonly location?: string;
  /** Begin of the body. */
  readonly body: string;
  /** Bytes of the body that would have come, had the method not been HEAD. */
  readonly bodyLeftOut?: number;
  /** Value of X-Request-ID: as it was sent from a pod, for a sidecar keeps it; as the service saw it behind the gateway. */
  readonly requestId?: string;
  /** The client's port of its connection, of a pod's request; undefined where none came about. */
  readonly clientPort?: number;
  /** Exit code of curl; undefined for a request of this machine. */
  readonly exitCode?: number;
  /** Error code of Node.js; undefined for a request of a pod. */
  readonly errorCode?: string;
  /** What the client said about its failure. */
  readonly message: string;
  /** TLS alert that the server sent, in words, such as "certificate required". */
  readonly alert?: string;
  /** TLS version of the connection. */
  readonly tlsVersion?: string;
  /** Value of X-Forwarded-Client-Cert as the service saw it; null when it saw none, undefined when nobody knows. */
  readonly xfcc?: string | null;
  /** Headers as the service saw them, without what lets somebody in; undefined when nobody knows. */
  readonly seen?: Readonly<Record<string, string>>;
  /**
   * Whether a service behind a proxy answered, rather than the proxy itself. Of a pod's requests it is true or not known:
   * there may be no proxy.
   */
  readonly upstream?: boolean;
  /** What a tool found wrong, one by one; empty when all is well. Undefined for traffic. */
  readonly findings?: readonly string[];
  /** The line that the server's proxy wrote about it, if it was found. */
  readonly accessLog?: Readonly<Record<string, unknown>>;
}

/** Longest part of a body that is kept. */
export const bodyLimit = 8192;

/**
 * The alert in a client's message; undefined when there is none.
 *
 * curl with OpenSSL writes `…SSL routines::tlsv13 alert certificate required, errno 0`; Node.js has the code
 * `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED`.
 */
export function alertIn(message: string, errorCode?: string): string | undefined {
  const code = /^ERR_SSL_[\w/]*?ALERT_(\w+)$/.exec(errorCode ?? "")?.[1];
  if (code) return code.toLowerCase().replaceAll("_", " ");
  return /\balert ([a-z][a-z ]*[a-z])/i.exec(message)?.[1]?.toLowerCase();
}

/** Stands for a token wherever one would be shown. */
export const tokenMark = "(token)";

/** The same text without tokens. */
export function withoutTokens(text: string): string {
  return text.replace(/eyJ[\w-]+\.[\w-]*(\.[\w-]*)?/g, tokenMark);
}

/** Headers as an echo server shows them, tokens left out; undefined when the body is no echo of the request. */
export function seenIn(body: string): Record<string, string> | undefined {
  try {
    const headers = (JSON.parse(body) as { request?: { headers?: Record<string, unknown> } })
      .request?.headers;
    if (typeof headers !== "object" || headers === null) return undefined;
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, withoutTokens(String(value))]),
    );
  } catch {
    return undefined;
  }
}

/** What an answer's body tells; tokens are left out. */
export function bodyEvidence(body: string): Pick<Evidence, "body" | "seen" | "xfcc"> {
  const seen = seenIn(body);
  return {
    body: withoutTokens(body),
    ...(seen && { seen }),
    xfcc: seen && (seen["x-forwarded-client-cert"] ?? null),
  };
}

/** What an answer without a body says of the one that it leaves out. */
export function leftOut(
  body: string,
  contentLength: string | undefined,
): Pick<Evidence, "bodyLeftOut"> {
  const bytes = Number(contentLength ?? 0);
  return body === "" && bytes > 0 ? { bodyLeftOut: bytes } : {};
}

/** One hop in X-Forwarded-Client-Cert. */
export interface ClientCertificate {
  /** Identity of the proxy that wrote it. */
  readonly by?: string;
  /** SPIFFE identity of the peer. */
  readonly uri?: string;
  readonly subject?: string;
  readonly hash?: string;
}

/**
 * Reads X-Forwarded-Client-Cert: elements apart by commas, pairs by semicolons, values may be quoted.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function parseXfcc(header: string): ClientCertificate[] {
  return splitOutsideQuotes(header, ",").map((element) => {
    const pairs = splitOutsideQuotes(element, ";").map((pair) => {
      const at = pair.indexOf("=");
      const value = pair.slice(at + 1).trim();
      return [pair.slice(0, at).trim().toLowerCase(), unquote(value)] as const;
    });
    const found = new Map(pairs);
    const pick = (key: string) => (found.get(key) ? { [key]: found.get(key) } : {});
    return { ...pick("by"), ...pick("uri"), ...pick("subject"), ...pick("hash") };
  });
}

/** The identity behind the connection that the service's own proxy took; undefined for plaintext. */
export function peerOf(xfcc: string): string | undefined {
  return parseXfcc(xfcc).findLast((hop) => hop.by !== undefined)?.uri;
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll('\\"', '"') : value;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [""];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"' && text[i - 1] !== "\\") quoted = !quoted;
    if (c === separator && !quoted) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return parts;
}
