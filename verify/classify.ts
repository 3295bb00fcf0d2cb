import type { Evidence } from "./evidence.ts";

/** Why a request ended as it did. */
export const reasons = [
  /** 2xx. */
  "ok",
  /** 301, 302, 307 or 308. */
  "redirect",
  "not-found",
  /** 400: what was sent is no request. */
  "bad-request",
  /** 403 by rules about callers. */
  "rbac-denied",
  /** 401: the token's time is over. */
  "token-expired",
  /** 401: the token's time has not begun. */
  "token-not-yet-valid",
  /** 401: nobody knows the token's issuer. */
  "token-issuer",
  /** 401: no key of the issuer made the token's signature. */
  "token-signature",
  /** 401: the token's algorithm is not taken. */
  "token-algorithm",
  /** 401: it is no token. */
  "token-malformed",
  /** 401: a token is asked for, and there is none. */
  "token-missing",
  /** 403: the token is for another audience. */
  "token-audience",
  /** The server's certificate did not convince the client. */
  "server-cert-untrusted",
  /** Alert: the server wants a client certificate. */
  "cert-required",
  /** Alert: the client's certificate is of an unknown CA. */
  "unknown-ca",
  /** Alert: the client's certificate names a CA that did not sign it. */
  "bad-signature",
  /** Alert: the client's certificate stands in a list of revoked ones. */
  "cert-revoked",
  /** Alert: the client's certificate was not taken for another reason. */
  "cert-refused",
  /** Alert: the TLS version is not spoken. */
  "protocol-version",
  /** Alert: no common ground, such as no cipher. */
  "handshake-failure",
  /** Plaintext was sent and the connection ended before any HTTP answer. */
  "tls-required",
  /** The connection ended before any answer, where proxies hand bytes on: by rules about callers, for one. */
  "closed",
  /** A TLS handshake was begun and the connection ended without an alert. */
  "tls-refused",
  /** TLS was spoken to a server that answered in plaintext. */
  "plaintext-only",
  /** The proxy answered that it reaches no healthy service (503, 502, 504). */
  "no-upstream",
  /** Nothing listens there, or the name is not known. */
  "unreachable",
  "timeout",
  /** A tool found something that is not as it should be. */
  "findings",
  /** An HTTP answer of another kind. */
  "other-status",
  "unclear",
] as const;
export type Reason = (typeof reasons)[number];

const alerts: Readonly<Record<string, Reason>> = {
  "certificate required": "cert-required",
  "unknown ca": "unknown-ca",
  "decrypt error": "bad-signature",
  "bad certificate": "cert-refused",
  "certificate unknown": "cert-refused",
  "certificate expired": "cert-refused",
  "certificate revoked": "cert-revoked",
  "unsupported certificate": "cert-refused",
  "protocol version": "protocol-version",
  "handshake failure": "handshake-failure",
  "insufficient security": "handshake-failure",
};

/** Exit codes of curl that say all by themselves. */
const exits: Readonly<Record<number, Reason>> = {
  6: "unreachable",
  7: "unreachable",
  28: "timeout",
  51: "server-cert-untrusted",
  60: "server-cert-untrusted",
};

/** Codes of Node.js that say all by themselves. */
const codes: Readonly<Record<string, Reason>> = {
  ENOTFOUND: "unreachable",
  ECONNREFUSED: "unreachable",
  EHOSTUNREACH: "unreachable",
  ETIMEDOUT: "timeout",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "server-cert-untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "server-cert-untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "server-cert-untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "server-cert-untrusted",
  DEPTH_ZERO_SELF_SIGNED_CERT: "server-cert-untrusted",
  CERT_SIGNATURE_FAILURE: "server-cert-untrusted",
  CERT_HAS_EXPIRED: "server-cert-untrusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "server-cert-untrusted",
  ERR_SSL_WRONG_VERSION_NUMBER: "plaintext-only",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "plaintext-only",
};

/**
 * The reason class of what was seen.
 *
 * @param tls whether the client spoke TLS
 */
export function classify(evidence: Evidence, tls: boolean): Reason {
  if (evidence.findings) return evidence.findings.length === 0 ? "ok" : "findings";
  if (evidence.grpc !== undefined) return ofGrpc(evidence.grpc);
  if (evidence.status === 403 && evidence.bodyLeftOut === rbacText.length) return "rbac-denied";
  if (evidence.status !== undefined) return ofStatus(evidence.status, evidence.body);
  if (evidence.alert !== undefined) return alerts[evidence.alert] ?? "unclear";
  if (evidence.exitCode !== undefined) return ofExit(evidence.exitCode, evidence.message, tls);
  if (evidence.errorCode === undefined) return "unclear";
  const plain = codes[evidence.errorCode];
  if (plain) return plain;
  return isEnd(evidence.errorCode) ? ended(tls) : "unclear";
}

/** What Envoy's filter for rules writes; to HEAD it tells its length alone. */
const rbacText = "RBAC: access denied";

/** What Envoy's filters for tokens and rules write, by status; it is all that tells their refusals apart. */
const refusals: Readonly<Record<number, readonly (readonly [RegExp, Reason])[]>> = {
  401: [
    [/^Jwt is expired/, "token-expired"],
    [/^Jwt not yet valid/, "token-not-yet-valid"],
    [/^Jwt issuer is not configured/, "token-issuer"],
    [/^Jwt verification fails|^Jwks doesn't have key to match kid or alg/, "token-signature"],
    [
      /^Jwt header \[alg\]|^Jwt.*(algorithm|alg) (is )?not (supported|implemented)/i,
      "token-algorithm",
    ],
    [/^Jwt is missing/, "token-missing"],
    [/^Jwt (is not in the form|header|payload|signature)/, "token-malformed"],
  ],
  403: [
    [new RegExp(`^${rbacText}`), "rbac-denied"],
    [/^Audiences in Jwt are not allowed/, "token-audience"],
  ],
};

/** HTTP's code for the gRPC status that a proxy puts in its place. */
const httpCodes: Readonly<Record<number, number>> = { 7: 403, 14: 503, 16: 401 };

function ofGrpc({ status, message }: NonNullable<Evidence["grpc"]>): Reason {
  if (status === 0) return "ok";
  const code = httpCodes[status];
  return code === undefined ? "other-status" : ofStatus(code, message);
}

function ofStatus(status: number, body: string): Reason {
  const refusal = refusals[status]?.find(([text]) => text.test(body));
  if (refusal) return refusal[1];
  if (status >= 200 && status < 300) return "ok";
  if ([301, 302, 307, 308].includes(status)) return "redirect";
  if (status === 404) return "not-found";
  if (status === 400) return "bad-request";
  if ([502, 503, 504].includes(status)) return "no-upstream";
  return "other-status";
}

function ofExit(exitCode: number, message: string, tls: boolean): Reason {
  const plain = exits[exitCode];
  if (plain) return plain;
  if (/wrong version number|packet length too long/i.test(message)) return "plaintext-only";
  // 35 handshake, 52 empty reply, 55 and 56 sending and receiving
  const end = /reset by peer|empty reply|unexpected eof|SSL_ERROR_SYSCALL|connection closed/i;
  if (exitCode === 52 || ([35, 55, 56].includes(exitCode) && end.test(message))) return ended(tls);
  return "unclear";
}

function isEnd(code: string): boolean {
  return ["ECONNRESET", "EPIPE", "EOF", "ERR_SSL_UNEXPECTED_EOF_WHILE_READING"].includes(code);
}

function ended(tls: boolean): Reason {
  return tls ? "tls-refused" : "tls-required";
}
