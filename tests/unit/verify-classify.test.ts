import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Reason, classify } from "../../verify/classify.ts";
import { type Evidence, alertIn } from "../../verify/evidence.ts";

const seen = (evidence: Partial<Evidence>): Evidence => ({
  at: "2026-11-22T00:00:00.000Z",
  seconds: 0.1,
  body: "",
  message: "",
  ...evidence,
});

const ssl = (text: string) =>
  `407DF03AAB7F0000:error:0A00042E:SSL routines:ssl3_read_bytes:${text}`;

/** Taken from real runs. */
const cases: [name: string, tls: boolean, evidence: Partial<Evidence>, expected: Reason][] = [
  ["an answer", false, { exitCode: 0, status: 200 }, "ok"],
  ["a redirect", false, { status: 301, location: "https://app.local:8443/users" }, "redirect"],
  ["a path that nothing serves", true, { status: 404 }, "not-found"],
  ["no healthy service", false, { exitCode: 0, status: 503 }, "no-upstream"],
  ["RBAC", false, { exitCode: 0, status: 403 }, "other-status"],
  ["RBAC, to HEAD", false, { exitCode: 0, status: 403, bodyLeftOut: 19 }, "rbac-denied"],
  [
    "a service's own refusal, to HEAD",
    false,
    { exitCode: 0, status: 403, bodyLeftOut: 9 },
    "other-status",
  ],
  ["a gRPC answer", false, { status: 200, grpc: { status: 0, message: "" } }, "ok"],
  [
    "RBAC, to gRPC",
    false,
    { status: 200, grpc: { status: 7, message: "RBAC: access denied" } },
    "rbac-denied",
  ],
  [
    "a gRPC server's own refusal",
    false,
    { status: 200, grpc: { status: 7, message: "not yours" } },
    "other-status",
  ],
  [
    "a gRPC method that the server does not have",
    false,
    { status: 200, grpc: { status: 12, message: "unknown method Other" } },
    "other-status",
  ],
  [
    "no healthy service, to gRPC",
    false,
    { status: 200, grpc: { status: 14, message: "no healthy upstream" } },
    "no-upstream",
  ],
  [
    "a token's end, to gRPC",
    false,
    { status: 200, grpc: { status: 16, message: "Jwt is expired" } },
    "token-expired",
  ],
  [
    "plaintext to a STRICT service",
    false,
    { exitCode: 56, message: "curl: (56) Recv failure: Connection reset by peer" },
    "tls-required",
  ],
  [
    "plaintext to a STRICT service, ended without a reset",
    false,
    { exitCode: 52, message: "curl: (52) Empty reply from server" },
    "tls-required",
  ],
  [
    "a handshake ended without an alert",
    true,
    { exitCode: 35, message: "curl: (35) Recv failure: Connection reset by peer" },
    "tls-refused",
  ],
  [
    "a handshake ended without an alert, Node.js",
    true,
    {
      errorCode: "ECONNRESET",
      message: "Client network socket disconnected before secure TLS connection was established",
    },
    "tls-refused",
  ],
  [
    "TLS to a plaintext server",
    true,
    {
      exitCode: 35,
      message: "curl: (35) error:0A00010B:SSL routines::wrong version number",
    },
    "plaintext-only",
  ],
  [
    "a name that nobody knows",
    false,
    { exitCode: 6, message: "curl: (6) Could not resolve host" },
    "unreachable",
  ],
  [
    "a port that nobody has",
    false,
    { errorCode: "ECONNREFUSED", message: "connect ECONNREFUSED" },
    "unreachable",
  ],
  ["silence", false, { exitCode: 28, message: "curl: (28) Operation timed out" }, "timeout"],
  [
    "a server certificate of another CA of the same name",
    true,
    { errorCode: "CERT_SIGNATURE_FAILURE", message: "certificate signature failure" },
    "server-cert-untrusted",
  ],
  [
    "a server certificate of an unknown CA",
    true,
    {
      errorCode: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      message: "unable to verify the first certificate",
    },
    "server-cert-untrusted",
  ],
  [
    "a server certificate of an unknown CA, curl",
    true,
    {
      exitCode: 60,
      message: "curl: (60) SSL certificate problem: unable to get local issuer certificate",
    },
    "server-cert-untrusted",
  ],
];

/** Code and text of Node.js, or text of curl, and the alert in them. */
const alerts: [code: string | undefined, message: string, alert: string, reason: Reason][] = [
  [
    "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    ssl(
      "tlsv1 alert protocol version:../deps/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 70\n",
    ),
    "protocol version",
    "protocol-version",
  ],
  [
    "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
    ssl(
      "ssl/tls alert handshake failure:../deps/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 40\n",
    ),
    "handshake failure",
    "handshake-failure",
  ],
  [
    "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    ssl(
      "tlsv13 alert certificate required:../deps/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 116\n",
    ),
    "certificate required",
    "cert-required",
  ],
  [
    "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
    ssl(
      "tlsv1 alert unknown ca:../deps/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 48\n",
    ),
    "unknown ca",
    "unknown-ca",
  ],
  [
    "ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR",
    ssl(
      "tlsv1 alert decrypt error:../deps/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 51\n",
    ),
    "decrypt error",
    "bad-signature",
  ],
  [
    undefined,
    "curl: (56) OpenSSL SSL_read: OpenSSL/3.0.19: error:0A000418:SSL routines::tlsv1 alert unknown ca, errno 0",
    "unknown ca",
    "unknown-ca",
  ],
  [
    undefined,
    "curl: (56) OpenSSL SSL_read: OpenSSL/3.0.19: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0",
    "certificate required",
    "cert-required",
  ],
];

describe("the reason of an answer", () => {
  for (const [name, tls, evidence, expected] of cases) {
    it(`${name}: ${expected}`, () => assert.equal(classify(seen(evidence), tls), expected));
  }

  for (const [code, message, alert, reason] of alerts) {
    it(`alert "${alert}"${code ? ", Node.js" : ", curl"}: ${reason}`, () => {
      assert.equal(alertIn(message, code), alert);
      const client = code ? { errorCode: code } : { exitCode: 56 };
      assert.equal(classify(seen({ ...client, message, alert }), true), reason);
    });
  }

  it("what nobody knows is unclear, never a refusal", () => {
    assert.equal(
      classify(seen({ exitCode: 127, message: "sh: curl: not found" }), false),
      "unclear",
    );
    assert.equal(classify(seen({ message: "the caller did not answer" }), false), "unclear");
    assert.equal(classify(seen({ alert: "no renegotiation", exitCode: 35 }), true), "unclear");
  });
});
