import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import * as path from "node:path";
import { describe, test } from "node:test";
import {
  type OwnCertificates,
  type SecretKey,
  formatProblems,
  parseSettings,
} from "../../settings/index.ts";
import { makeCertificate } from "./support/certificates.ts";
import { root } from "./support/settings.ts";

const now = new Date("2026-11-22T12:00:00Z");
const past = new Date("2026-11-22T11:59:59Z");
const env = { BANKMESH_SOURCES: path.join(root, "sources/official.json") };

const ca = makeCertificate({ commonName: "own-root", ca: true });
const namesake = makeCertificate({ commonName: "own-root", ca: true });
const endedCa = makeCertificate({ commonName: "own-root", ca: true, notAfter: past });
const leafCa = makeCertificate({ commonName: "own-root" });
const names = { commonName: "app.local", dnsNames: ["app.local"] };
const server = makeCertificate({ ...names, issuer: ca });
const endedServer = makeCertificate({ ...names, issuer: ca, notAfter: past });
const otherHost = makeCertificate({ commonName: "x", dnsNames: ["web.local"], issuer: ca });
const noName = makeCertificate({ commonName: "x", issuer: ca });
const stranger = makeCertificate({ ...names, issuer: namesake });

const intermediate = makeCertificate({ commonName: "middle", ca: true, issuer: ca });
const chained = makeCertificate({ ...names, issuer: intermediate });
const withMiddle = { ...chained, certPem: chained.certPem + intermediate.certPem };

const both = { caCertPem: ca.certPem, caKeyPem: ca.keyPem };
const of = (c: typeof server) => ({ serverCertPem: c.certPem, serverKeyPem: c.keyPem });
const signed = { caCertPem: ca.certPem, ...of(server) };

const problemsOf = (own: OwnCertificates, host = "app.local") =>
  parseSettings("prod", { ...own, host }, env, now).problems;

describe("own certificates that fit are taken", () => {
  const rows: [string, OwnCertificates][] = [
    ["none", {}],
    ["a CA with its key", both],
    ["a server certificate with its key and the CA that signed it", signed],
    ["both", { ...both, ...of(server) }],
    ["a server certificate with an intermediate one behind it", { ...both, ...of(withMiddle) }],
    [
      "the same with the root behind it",
      { ...both, ...of({ ...chained, certPem: withMiddle.certPem + ca.certPem }) },
    ],
  ];
  for (const [what, own] of rows) {
    test(what, () => {
      const parsed = parseSettings("prod", own, env, now);
      assert.deepEqual(parsed.problems, []);
      assert.deepEqual(parsed.own, own);
    });
  }

  test("a wildcard certificate covers the host", () => {
    const wildcard = makeCertificate({ commonName: "x", dnsNames: ["*.bank.local"], issuer: ca });
    assert.deepEqual(problemsOf({ ...both, ...of(wildcard) }, "app.bank.local"), []);
  });
});

describe("own certificates that do not fit are refused", () => {
  const { certPem, keyPem } = ca;
  const rows: [string, OwnCertificates, SecretKey, RegExp][] = [
    ["a CA's key alone", { caKeyPem: keyPem }, "caCertPem", /the certificate of caKeyPem/],
    ["a CA alone", { caCertPem: certPem }, "caKeyPem", /the key of caCertPem, or a serverCertPem/],
    [
      "a server certificate without its key",
      { caCertPem: certPem, serverCertPem: server.certPem },
      "serverKeyPem",
      /the key of serverCertPem/,
    ],
    [
      "a server's key without its certificate",
      { ...both, serverKeyPem: server.keyPem },
      "serverCertPem",
      /the certificate of serverKeyPem/,
    ],
    ["a server certificate without its CA", of(server), "caCertPem", /the CA that signed/],
    ["a CA that is no PEM", { ...both, caCertPem: "junk" }, "caCertPem", /certificate as PEM/],
    [
      "a server certificate that is no PEM",
      { ...signed, serverCertPem: "junk" },
      "serverCertPem",
      /certificate as PEM text/,
    ],
    [
      "another CA's key",
      { caCertPem: certPem, caKeyPem: namesake.keyPem },
      "caKeyPem",
      /the private key of caCertPem; this one is another's/,
    ],
    ["a CA's key that is no PEM", { ...both, caKeyPem: "junk" }, "caKeyPem", /private key/],
    [
      "another server's key",
      { ...signed, serverKeyPem: stranger.keyPem },
      "serverKeyPem",
      /the private key of serverCertPem; this one is another's/,
    ],
    [
      "a leaf as CA",
      { caCertPem: leafCa.certPem, caKeyPem: leafCa.keyPem },
      "caCertPem",
      /CA:TRUE.*this one is a leaf/,
    ],
    [
      "a CA that has ended",
      { caCertPem: endedCa.certPem, caKeyPem: endedCa.keyPem },
      "caCertPem",
      /in date; this one ended Nov 22 11:59:59 2026 GMT/,
    ],
    [
      "a server certificate that has ended",
      { ...both, ...of(endedServer) },
      "serverCertPem",
      /in date; this one ended/,
    ],
    [
      "a server certificate for another host",
      { ...both, ...of(otherHost) },
      "serverCertPem",
      /for app\.local; this one is for DNS:web\.local/,
    ],
    ["a server certificate for no host", { ...both, ...of(noName) }, "serverCertPem", /no name/],
    [
      "a server certificate whose intermediate one is missing",
      { ...both, ...of(chained) },
      "serverCertPem",
      /signed by caCertPem; this one is signed by another CA/,
    ],
    [
      "a server certificate of another CA of the same name",
      { ...both, ...of(stranger) },
      "serverCertPem",
      /signed by caCertPem; this one is signed by another CA/,
    ],
  ];
  for (const [what, own, key, allowed] of rows) {
    test(what, () => {
      const problems = problemsOf(own);
      assert.deepEqual(
        problems.map((p) => p.key),
        [key],
      );
      const [problem] = problems;
      assert.match(problem!.allowed, allowed);
      assert.equal(problem!.value, "a secret");
      const file = `${key.replace("Pem", "")}.pem`;
      assert.equal(problem!.fix, `pulumi config set --stack prod --secret ${key} < ${file}`);
    });
  }
});

describe("secret values are never shown", () => {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  const words = key.split("\n").filter((line) => line.length > 20 && !line.includes("KEY"));

  const rows: [string, Record<string, unknown>][] = [
    ["under their own key", { caKeyPem: key, serverKeyPem: key }],
    ["under a misspelt key", { caKeyPm: key }],
    ["under a key that nobody knows", { tls: key }],
    ["in place of a certificate", { caCertPem: key, caKeyPem: key }],
  ];
  for (const [where, raw] of rows) {
    test(where, () => {
      const { problems } = parseSettings("dev", raw, env, now);
      const message = formatProblems("dev", problems);
      assert.ok(problems.length > 0);
      for (const word of [...words, "BEGIN PRIVATE"]) assert.ok(!message.includes(word), message);
    });
  }
});
