import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { bitString, der, integer, name, oid, pem, sequence, sha256WithRsa, time } from "./der.ts";

/** A certificate and its key, both as PEM text. Kept in memory. */
export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CertificateArgs {
  readonly commonName: string;
  /** DNS names of a server's certificate. @default none */
  readonly dnsNames?: readonly string[];
  /** Who signs it. @default itself */
  readonly issuer?: Certificate & { readonly commonName: string };
  /** Whether it may sign others. @default false */
  readonly ca?: boolean;
  /** Hours until it ends, from -1 on; it begins an hour ago. @default 1 */
  readonly hoursLeft?: number;
}

const hour = 3_600_000;

/** Makes an RSA 2048 key and a certificate for it. For probes only: what they need, and no more. */
export function makeCertificate(args: CertificateArgs): Certificate {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keyPem = keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const signer = args.issuer ? createPrivateKey(args.issuer.keyPem) : keys.privateKey;
  const now = Date.now();
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(serialNumber()),
    sha256WithRsa,
    name(args.issuer?.commonName ?? args.commonName),
    sequence(time(now - hour), time(now + (args.hoursLeft ?? 1) * hour)),
    name(args.commonName),
    keys.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions(args))),
  );
  const signed = sequence(body, sha256WithRsa, bitString(sign("sha256", body, signer)));
  return { certPem: pem("CERTIFICATE", signed), keyPem };
}

function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // positive, and no zero in front
  return bytes;
}

function extensions(args: CertificateArgs): Buffer[] {
  const critical = der(0x01, Buffer.from([0xff]));
  const found: Buffer[] = [];
  if (args.ca) {
    const constraints = sequence(der(0x01, Buffer.from([0xff])));
    found.push(sequence(oid("2.5.29.19"), critical, der(0x04, constraints)));
  }
  if (args.dnsNames) {
    const names = args.dnsNames.map((n) => der(0x82, Buffer.from(n, "ascii")));
    found.push(sequence(oid("2.5.29.17"), der(0x04, sequence(...names))));
  }
  if (!args.ca) {
    const usage = args.dnsNames ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2"; // serverAuth, clientAuth
    found.push(sequence(oid("2.5.29.37"), der(0x04, sequence(oid(usage)))));
  }
  return found;
}
