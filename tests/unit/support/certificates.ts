import { type KeyObject, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate that a test made, with its key. */
export interface TestCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly commonName: string;
  readonly key: KeyObject;
}

export interface CertificateArgs {
  readonly commonName: string;
  /** Who signs. @default itself */
  readonly issuer?: TestCertificate;
  /** May it sign others? @default false */
  readonly ca?: boolean;
  /** Subject alternative names. @default none */
  readonly dnsNames?: readonly string[];
  /** End of validity. @default 2049 */
  readonly notAfter?: Date;
}

/** Makes an X.509 certificate (ECDSA P-256, SHA-256), byte by byte: Node.js reads certificates, but makes none. */
export function makeCertificate(args: CertificateArgs): TestCertificate {
  const { commonName, issuer, ca, dnsNames, notAfter = new Date("2049-01-01T00:00:00Z") } = args;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    ...(ca ? [extension("551d13", sequence(tlv(0x01, Buffer.from([0xff]))))] : []),
    ...(dnsNames ? [extension("551d11", sequence(...dnsNames.map((n) => text(0x82, n))))] : []),
  ];
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(issuer?.commonName ?? commonName),
    sequence(time(new Date("2020-01-01T00:00:00Z")), time(notAfter)),
    distinguishedName(commonName),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign("sha256", body, issuer?.key ?? privateKey);
  const der = sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.concat([zero, signature])));
  const lines = der
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n");
  return {
    certPem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    commonName,
    key: privateKey,
  };
}

const zero = Buffer.from([0]);

function tlv(tag: number, content: Buffer): Buffer {
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
const sequence = (...parts: Buffer[]) => tlv(0x30, Buffer.concat(parts));
const integer = (bytes: Buffer) => tlv(0x02, bytes);
const text = (tag: number, value: string) => tlv(tag, Buffer.from(value));
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, "hex"));
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, "").slice(2, 14);
  return text(0x17, `${digits}Z`);
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid("550403"), text(0x0c, commonName))));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), tlv(0x04, value));
}
