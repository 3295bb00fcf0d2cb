import type { Evidence } from "./evidence.ts";

/** Why a request ended as it did. */
export const reasons = [
  /** 2xx. */
  "ok",
  /** 301, 302, 307 or 308. */
  "redirect",
  "not-found",
  /** The server's certificate did not convince the client. */
  "server-cert-untrusted",
  /** Alert: the server wants a client certificate. */
  "cert-required",
  /** Alert: the client's certificate is of an unknown CA. */
  "unknown-ca",
  /** Alert: the client's certificate names a CA that did not sign it. */
  "bad-signature",
  /** Alert: the client's certificate was not taken for another reason. */
  "cert-refused",
  /** Alert: the TLS version is not spoken. */
  "protocol-version",
  /** Alert: no common ground, such as no cipher. */
  "handshake-failure",
  /** Plaintext was sent and the connection ended before any HTTP answer. */
  "tls-required",
  /** A TLS handshake was begun and the connection ended without an alert. */
  "tls-refused",
  /** TLS was spoken to a server that answered in plaintext. */
  "plaintext-only",
  /** The proxy answered that it reaches no healthy service (503, 502, 504). */
  "no-upstream",
  /** Nothing listens there, or the name is not known. */
  "unreachable",
  "timeout",
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
  "certificate revoked": "cert-refused",
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
  if (evidence.status !== undefined) return ofStatus(evidence.status);
  if (evidence.alert !== undefined) return alerts[evidence.alert] ?? "unclear";
  if (evidence.exitCode !== undefined) return ofExit(evidence.exitCode, evidence.message, tls);
  if (evidence.errorCode === undefined) return "unclear";
  const plain = codes[evidence.errorCode];
  if (plain) return plain;
  return isEnd(evidence.errorCode) ? ended(tls) : "unclear";
}

function ofStatus(status: number): Reason {
  if (status >= 200 && status < 300) return "ok";
  if ([301, 302, 307, 308].includes(status)) return "redirect";
  if (status === 404) return "not-found";
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
