import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";

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
  const algorithm = sequence(oid("1.2.840.113549.1.1.11"), der(0x05)); // sha256WithRSAEncryption
  const now = Date.now();
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(serialNumber()),
    algorithm,
    name(args.issuer?.commonName ?? args.commonName),
    sequence(time(now - hour), time(now + (args.hoursLeft ?? 1) * hour)),
    name(args.commonName),
    keys.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions(args))),
  );
  const signature = sign("sha256", body, signer);
  const bits = der(0x03, Buffer.concat([Buffer.from([0]), signature]));
  return { certPem: pem(sequence(body, algorithm, bits)), keyPem };
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

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function oid(text: string): Buffer {
  const [a, b, ...rest] = text.split(".").map(Number);
  const bytes = [a! * 40 + b!];
  for (const value of rest) {
    const groups = [value & 0x7f];
    for (let v = Math.floor(value / 128); v > 0; v = Math.floor(v / 128))
      groups.unshift((v & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

function name(commonName: string): Buffer {
  const value = der(0x0c, Buffer.from(commonName, "utf8"));
  return sequence(der(0x31, sequence(oid("2.5.4.3"), value)));
}

function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x17, Buffer.from(text.slice(2), "ascii"));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
