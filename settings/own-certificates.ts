import { X509Certificate, createPrivateKey } from "node:crypto";
import { type Problem } from "./problems.ts";
import type { SecretKey } from "./schema.ts";

/** The user's own certificates and keys as PEM text; every one is optional. */
export type OwnCertificates = Partial<Record<SecretKey, string>>;

/**
 * Checks the user's own CA and server certificate: both halves there, readable, matching, in date,
 * a CA that may sign, a server certificate for the host. Values are never shown.
 *
 * @param now point in time that validity is judged at
 */
export function certificateChecks(
  stack: string,
  own: OwnCertificates,
  host: string,
  now: Date,
): Problem[] {
  const problems: Problem[] = [];
  const report = (key: SecretKey, allowed: string) => problems.push(problem(stack, key, allowed));
  if (own.caKeyPem && !own.caCertPem) report("caCertPem", "the certificate of caKeyPem");
  if (own.serverCertPem && !own.serverKeyPem) report("serverKeyPem", "the key of serverCertPem");
  if (own.serverKeyPem && !own.serverCertPem)
    report("serverCertPem", "the certificate of serverKeyPem");
  if (own.caCertPem && !own.caKeyPem && !own.serverCertPem) {
    report("caKeyPem", "the key of caCertPem, or a serverCertPem that this CA has signed");
  }
  if (own.serverCertPem && !own.caCertPem) {
    report(
      "caCertPem",
      "the certificate of the CA that signed serverCertPem, for callers to trust",
    );
  }
  const [ca] = read(own.caCertPem, () => report("caCertPem", "one certificate as PEM text"));
  const chain = read(own.serverCertPem, () =>
    report("serverCertPem", "a certificate as PEM text, and the intermediate ones behind it"),
  );
  const [server] = chain;
  checkKey(ca, own.caKeyPem, () =>
    report("caKeyPem", "the private key of caCertPem; this one is another's"),
  );
  checkKey(server, own.serverKeyPem, () =>
    report("serverKeyPem", "the private key of serverCertPem; this one is another's"),
  );
  if (ca && !ca.ca)
    report("caCertPem", "a CA certificate (basic constraints CA:TRUE); this one is a leaf");
  if (ca && expired(ca, now))
    report("caCertPem", `a certificate in date; this one ended ${ca.validTo}`);
  if (server && expired(server, now)) {
    report("serverCertPem", `a certificate in date; this one ended ${server.validTo}`);
  }
  if (server && !server.checkHost(host)) {
    report(
      "serverCertPem",
      `a certificate for ${host}; this one is for ${server.subjectAltName ?? "no name"}`,
    );
  }
  if (server && ca && !leadsTo(chain, ca)) {
    report("serverCertPem", "a certificate signed by caCertPem; this one is signed by another CA");
  }
  return problems;
}

function problem(stack: string, key: SecretKey, allowed: string): Problem {
  return {
    key,
    value: "a secret",
    allowed,
    fix: `pulumi config set --stack ${stack} --secret ${key} < ${key.replace("Pem", "")}.pem`,
  };
}

/** The certificates of a PEM text, in its order. */
function read(pem: string | undefined, fail: () => void): X509Certificate[] {
  if (pem === undefined) return [];
  try {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [pem];
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    fail();
    return [];
  }
}

/** Whether each is signed by the next, and the last by the CA. */
function leadsTo(chain: readonly X509Certificate[], ca: X509Certificate): boolean {
  return chain.every((cert, i) => {
    const signer = chain[i + 1] ?? ca;
    const isCa = cert.fingerprint256 === ca.fingerprint256;
    return isCa || (cert.checkIssued(signer) && cert.verify(signer.publicKey));
  });
}

function checkKey(
  cert: X509Certificate | undefined,
  key: string | undefined,
  fail: () => void,
): void {
  if (!cert || key === undefined) return;
  try {
    if (!cert.checkPrivateKey(createPrivateKey(key))) fail();
  } catch {
    fail();
  }
}

function expired(cert: X509Certificate, now: Date): boolean {
  return Date.parse(cert.validTo) <= now.getTime();
}
