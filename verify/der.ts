// as much of ASN.1 in DER as certificates for probes need (ITU-T X.690)

/** A value of a tag: tag, length, content. */
export function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

/** SEQUENCE. */
export function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** INTEGER, big-endian. */
export function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

/** OBJECT IDENTIFIER, from its dotted form. */
export function oid(text: string): Buffer {
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

/** A distinguished name of a common name alone. */
export function name(commonName: string): Buffer {
  const value = der(0x0c, Buffer.from(commonName, "utf8"));
  return sequence(der(0x31, sequence(oid("2.5.4.3"), value)));
}

/** UTCTime, from milliseconds since 1970. */
export function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x17, Buffer.from(text.slice(2), "ascii"));
}

/** PEM text. */
export function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** BIT STRING of whole bytes. */
export function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

/** The algorithm of all that probes sign. */
export const sha256WithRsa = sequence(oid("1.2.840.113549.1.1.11"), der(0x05));
