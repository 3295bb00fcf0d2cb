import { createPublicKey } from "node:crypto";

type Key = Readonly<Record<string, unknown>>;

/** What a key set that is written down may be, for messages. */
export const keySetText =
  'a JSON Web Key Set as text, such as {"keys":[…]}, of public keys alone (no d, no k) that proxies can use: RSA of 2048 bits or more (alg RS… or PS…), EC on P-256, P-384 or P-521 (alg ES256, ES384 or ES512, in this order), Ed25519 (alg EdDSA); alg may be left out; n, e, x and y in base64url';

/** Algorithms of signatures by curve. */
const algorithmsOf: Readonly<Record<string, string>> = {
  "P-256": "ES256",
  "P-384": "ES384",
  "P-521": "ES512",
  Ed25519: "EdDSA",
};

const curvesOf: Readonly<Record<string, readonly string[]>> = {
  EC: ["P-256", "P-384", "P-521"],
  OKP: ["Ed25519"],
};

/**
 * Whether proxies can use each key of a set, and one of them is for signatures. A set without a key that Envoy can use
 * makes it reject all that istiod sends beside it; and where one stands beside others, tokens that it signed are refused.
 */
export function isKeySet(text: string): boolean {
  try {
    const { keys } = JSON.parse(text) as { keys?: Key[] };
    return Array.isArray(keys) && keys.every(isUsable) && keys.some((key) => key.use !== "enc");
  } catch {
    return false;
  }
}

function isUsable(key: Key): boolean {
  // private halves and shared secrets would be plain text in the state
  if ("d" in key || "k" in key) return false;
  if (!hasKnownKind(key) || !["n", "e", "x", "y"].every((part) => isBase64url(key[part])))
    return false;
  // what is no key is refused here
  const { asymmetricKeyDetails } = createPublicKey({ key, format: "jwk" });
  return (asymmetricKeyDetails?.modulusLength ?? Infinity) >= 2048;
}

function hasKnownKind({ kty, crv, alg, use }: Key): boolean {
  // a key for encryption may stand beside others as long as Envoy can read it
  if (kty === "RSA") {
    const known = use === "enc" ? /^RSA/ : /^[RP]S(256|384|512)$/;
    return alg === undefined || (typeof alg === "string" && known.test(alg));
  }
  const curve = String(crv);
  if (!curvesOf[String(kty)]?.includes(curve)) return false;
  return alg === undefined || alg === algorithmsOf[curve];
}

/** Node reads + and / as well, Envoy does not. */
function isBase64url(part: unknown): boolean {
  return part === undefined || (typeof part === "string" && /^[\w-]+={0,2}$/.test(part));
}
