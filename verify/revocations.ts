import { X509Certificate, createPrivateKey, sign } from "node:crypto";
import type { Certificate } from "./certificates.ts";
import { bitString, integer, name, oid, der, pem, sequence, sha256WithRsa, time } from "./der.ts";

/** A list of revoked certificates is good for one hour, like those of probes. */
const lifetime = 3_600_000;

/**
 * A certificate revocation list of a CA, as PEM text.
 *
 * @param revoked certificates that it names
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-5
 */
export function revocationList(
  issuer: Certificate & { readonly commonName: string },
  revoked: readonly Certificate[],
): string {
  const now = Date.now();
  const entries = revoked.map(({ certPem }) => sequence(serialOf(certPem), time(now - lifetime)));
  const number = sequence(oid("2.5.29.20"), der(0x04, integer(Buffer.from([1]))));
  const body = sequence(
    integer(Buffer.from([1])), // version 2, which has extensions
    sha256WithRsa,
    name(issuer.commonName),
    time(now - lifetime),
    time(now + lifetime),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    der(0xa0, sequence(number)),
  );
  const signature = sign("sha256", body, createPrivateKey(issuer.keyPem));
  return pem("X509 CRL", sequence(body, sha256WithRsa, bitString(signature)));
}

function serialOf(certPem: string): Buffer {
  return integer(Buffer.from(new X509Certificate(certPem).serialNumber, "hex"));
}
