import { createPublicKey } from "node:crypto";

/** One public key that signs tokens. */
export interface SigningKey {
  /** Key id: the token's kid. */
  readonly kid: string;
  /** Public half, PEM. */
  readonly publicKeyPem: string;
}

/**
 * A JSON Web Key Set of public keys, in their order. Holds no secret, so previews show it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7517
 */
export function jwksOf(keys: readonly SigningKey[]): string {
  return JSON.stringify({
    keys: keys.map(({ kid, publicKeyPem }) => {
      const { kty, n, e } = createPublicKey(publicKeyPem).export({ format: "jwk" });
      return { kty, use: "sig", alg: "RS256", kid, n, e };
    }),
  });
}
