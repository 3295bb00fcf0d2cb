import { createPublicKey, generateKeyPairSync } from "node:crypto";
import type { TokenKey } from "../../components/signing-keys.ts";
import { jwksOf } from "../../policies/jwks.ts";
import { type Certificate, makeCertificate } from "../certificates.ts";
import { type Authority, caName, clientName, makeAuthority } from "../strangers.ts";

/** Certificates and keys of worlds, made on the spot and kept in memory. */
export interface WorldKeys {
  readonly ca: Authority;
  /** A CA that has nothing to do with the other. */
  readonly foreignCa: Authority;
  /** The gateways' certificate, for all their hosts. */
  readonly server: Certificate;
  readonly client: Certificate;
  /** A second client, whose certificate is revoked. */
  readonly revoked: Certificate;
  /** Certificate of a server that ends TLS behind a gateway; it vouches for itself. */
  readonly backend: Certificate;
  /** Keys that tokens are signed with. */
  readonly tokens: Readonly<Record<"first" | "second", TokenKey>>;
}

/** Makes all of them. */
export function worldKeys(hosts: readonly string[], backendHosts: readonly string[]): WorldKeys {
  const ca = makeAuthority(caName);
  return {
    ca,
    foreignCa: makeAuthority("foreign-root"),
    server: makeCertificate({ commonName: hosts[0]!, dnsNames: hosts, issuer: ca }),
    client: makeCertificate({ commonName: clientName, issuer: ca }),
    revoked: makeCertificate({ commonName: "revoked-client", issuer: ca }),
    backend: makeCertificate({ commonName: backendHosts[0]!, dnsNames: backendHosts }),
    tokens: { first: tokenKey("w1"), second: tokenKey("w2") },
  };
}

/** Key set of one key, as an issuer publishes it. */
export function keySetOf({ kid, privateKeyPem }: TokenKey): string {
  const publicKeyPem = createPublicKey(privateKeyPem)
    .export({ type: "spki", format: "pem" })
    .toString();
  return jwksOf([{ kid, publicKeyPem }]);
}

function tokenKey(kid: string): TokenKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { kid, privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}
