import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from "node:crypto";
import type { TokenKey } from "../components/signing-keys.ts";
import type { IssuerSettings } from "../settings/index.ts";

/** What is wrong with a token, its claims apart. */
export const flaws = [
  /** Its issuer is nobody that the stack knows. */
  "unknown-issuer",
  /** Signed by another key, under the id of the right one. */
  "other-key",
  /** Signed by another key, under an id of its own. */
  "other-key-id",
  /** `alg` says that there is no signature, in four spellings. */
  "alg-none",
  "alg-None",
  "alg-NONE",
  "alg-nOnE",
  /** The same with the old signature left in its place. */
  "alg-none-signed",
  /** HMAC, with the public key as the secret. */
  "hmac-of-public-key",
  /** Another subject under the old signature. */
  "edited-payload",
  /** The signature is empty. */
  "no-signature",
  /** The end of the signature is missing. */
  "cut",
  /** Two of three parts. */
  "two-parts",
] as const;
export type Flaw = (typeof flaws)[number];

/** A token of one of the stack's own issuers, in order but for what is said here. */
export interface TokenSpec {
  /** Issuer, by its name in the settings. */
  readonly issuer: string;
  /** Key that signs, by its name among those of the run. @default the issuer's */
  readonly key?: string;
  /** @default the issuer's first */
  readonly audiences?: readonly string[];
  /** @default tester */
  readonly subject?: string;
  /** Further claims, such as scope and role. @default none */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds from now, or before; null for a token that never expires. @default 600 */
  readonly expiresIn?: number | null;
  /** The moment itself, in seconds since 1970, so that the same token can be asked again. @default expiresIn */
  readonly expiresAt?: number;
  /** Seconds from now at which it becomes valid. @default no such claim */
  readonly notBeforeIn?: number;
  readonly flaw?: Flaw;
}

/** Subject of tokens that say nothing about it. */
export const defaultSubject = "tester";

type Json = Readonly<Record<string, unknown>>;

/**
 * Makes a token, whatever is wrong with it: by hand, for no library signs what this has to.
 *
 * @param key key that the issuer signs with
 * @throws Error when the issuer is not one of these
 */
export function makeToken(
  spec: TokenSpec,
  issuers: readonly IssuerSettings[],
  key: TokenKey,
  now = new Date(),
): string {
  const issuer = issuers.find((i) => i.name === spec.issuer);
  if (!issuer) throw new Error(`there is no issuer ${spec.issuer}`);
  const header = { alg: "RS256", typ: "JWT", kid: key.kid };
  const payload = claimsOf(spec, issuer, Math.floor(now.getTime() / 1000));
  return spec.flaw ? flawed(spec.flaw, header, payload, key) : rs256(header, payload, key);
}

function claimsOf(spec: TokenSpec, issuer: IssuerSettings, now: number): Json {
  const audiences = spec.audiences ?? issuer.audiences.slice(0, 1);
  const { expiresIn = 600, notBeforeIn, subject = defaultSubject } = spec;
  const { expiresAt = expiresIn === null ? null : now + expiresIn } = spec;
  return {
    sub: subject,
    ...spec.claims,
    iss: issuer.issuer,
    aud: audiences.length === 1 ? audiences[0] : audiences,
    iat: now,
    ...(expiresAt !== null && { exp: expiresAt }),
    ...(notBeforeIn !== undefined && { nbf: now + notBeforeIn }),
  };
}

function flawed(flaw: Flaw, header: Json, payload: Json, key: TokenKey): string {
  const good = rs256(header, payload, key);
  const [head, body, signature] = good.split(".") as [string, string, string];
  switch (flaw) {
    case "unknown-issuer":
      return rs256(header, { ...payload, iss: "https://nobody.example" }, key);
    case "other-key":
      return rs256(header, payload, stranger());
    case "other-key-id":
      return rs256({ ...header, kid: "stranger" }, payload, stranger());
    case "alg-none":
    case "alg-None":
    case "alg-NONE":
    case "alg-nOnE":
      return `${part({ ...header, alg: flaw.slice(4) })}.${body}.`;
    case "alg-none-signed":
      return `${part({ ...header, alg: "none" })}.${body}.${signature}`;
    case "hmac-of-public-key": {
      const text = `${part({ ...header, alg: "HS256" })}.${body}`;
      const secret = createPublicKey(key.privateKeyPem).export({ type: "spki", format: "pem" });
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    }
    case "edited-payload":
      return `${head}.${part({ ...payload, sub: "somebody-else" })}.${signature}`;
    case "no-signature":
      return `${head}.${body}.`;
    case "cut":
      return good.slice(0, -8);
    case "two-parts":
      return `${head}.${body}`;
  }
}

function rs256(header: Json, payload: Json, { privateKeyPem }: Pick<TokenKey, "privateKeyPem">) {
  const text = `${part(header)}.${part(payload)}`;
  const signature = sign("sha256", Buffer.from(text), createPrivateKey(privateKeyPem));
  return `${text}.${signature.toString("base64url")}`;
}

function part(value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

let strangersKey: string | undefined;
function stranger(): { privateKeyPem: string } {
  strangersKey ??= generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  return { privateKeyPem: strangersKey };
}
