import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import type { TokenKey } from "../../components/signing-keys.ts";
import { UserError } from "../errors.ts";

/** What goes into a token. */
export interface TokenRequest {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly subject: string;
  readonly lifetimeSeconds: number;
  /** Further claims, such as scope and role. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * A signed JSON Web Token, RS256.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7519
 */
export function signToken(request: TokenRequest, key: TokenKey, now = new Date()): Promise<string> {
  const issued = Math.floor(now.getTime() / 1000);
  const { issuer, audiences, subject, lifetimeSeconds, claims } = request;
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: key.kid })
    .setIssuer(issuer)
    .setAudience(audiences.length === 1 ? audiences[0]! : [...audiences])
    .setSubject(subject)
    .setIssuedAt(issued)
    .setExpirationTime(issued + lifetimeSeconds)
    .sign(createPrivateKey(key.privateKeyPem));
}

const units = { s: 1, m: 60, h: 3600 } as const;

/**
 * Seconds of a duration such as 90s, 10m or 1h.
 *
 * @throws UserError when it is none, or longer than a day
 */
export function lifetime(text: string): number {
  const [, count, unit] = /^([1-9]\d*)([smh])$/.exec(text) ?? [];
  const seconds = Number(count) * units[unit as keyof typeof units];
  if (!(seconds <= 24 * units.h))
    throw new UserError(
      `--ttl ${text}: a duration of at most a day in s, m or h, such as 90s, 10m or 24h`,
    );
  return seconds;
}

/**
 * Claims of a JSON object.
 *
 * @param flags claims that flags of their own name beside it
 * @throws UserError when it is none, or names a claim that comes from elsewhere
 */
export function claimsOf(text: string, flags: readonly string[] = []): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const taken = Object.keys(value).filter((c) => c in claimsByFlag || flags.includes(c));
      if (taken.length === 0) return value as Record<string, unknown>;
      const instead = taken.map((c) => `${c} (${claimsByFlag[c] ?? `--${c} is there`})`).join(", ");
      throw new UserError(`--claims: without what comes from elsewhere: ${instead}`);
    }
  } catch (e) {
    if (e instanceof UserError) throw e;
  }
  throw new UserError(`--claims ${text}: a JSON object, such as '{"realm":{"roles":["clerk"]}}'`);
}

/** Claims that the token has anyway, each with what sets it. */
const claimsByFlag: Readonly<Record<string, string>> = {
  iss: "--issuer names the issuer",
  aud: "--aud",
  sub: "--sub",
  exp: "--ttl says how long from now",
  iat: "always now",
};
