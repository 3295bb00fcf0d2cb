import { generateKeyPairSync } from "node:crypto";
import { describe } from "node:test";
import { issuers, payments } from "./support/access-words.ts";
import { type Refused, testRefused } from "./support/refused.ts";

type Raw = Record<string, unknown>;
type Key = Readonly<Record<string, unknown>>;

const jwk = { format: "jwk" } as const;
const onCurve = (namedCurve: string): Key =>
  generateKeyPairSync("ec", { namedCurve }).publicKey.export(jwk);
const rsa: Key = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export(jwk);
const [p256, p384, p521] = [onCurve("P-256"), onCurve("P-384"), onCurve("P-521")];
const ed25519: Key = generateKeyPairSync("ed25519").publicKey.export(jwk);
const x25519: Key = generateKeyPairSync("x25519").publicKey.export(jwk);
const ed448: Key = generateKeyPairSync("ed448").publicKey.export(jwk);

const fetched = { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"] };
const keys = (...set: readonly Key[]): Raw => ({
  authentication: { issuers: [{ ...fetched, jwks: JSON.stringify({ keys: set }) }] },
});
const standard = (part: unknown) => `${String(part).slice(0, -2)}+/`;

describe("keys that are written down are ones that proxies can use", () => {
  const unusable = (what: string, wrong: Key, right: Key): Refused => ({
    what,
    raw: keys(wrong),
    ...{ key: "authentication.issuers[0].jwks", allowed: "that proxies can use" },
    control: keys(right),
  });
  testRefused([
    unusable("X25519", x25519, ed25519),
    unusable("Ed448", ed448, ed25519),
    unusable("secp256k1", onCurve("secp256k1"), p256),
    unusable("ES384 on P-256", { ...p256, alg: "ES384" }, { ...p384, alg: "ES384" }),
    unusable("ES256 on P-521", { ...p521, alg: "ES256" }, { ...p521, alg: "ES512" }),
    unusable("ECDH-ES", { ...p256, alg: "ECDH-ES", use: "enc" }, { ...p256, alg: "ES256" }),
    unusable("HS256 with RSA", { ...rsa, alg: "HS256" }, { ...rsa, alg: "RS256" }),
    unusable("RSA-OAEP for signatures", { ...rsa, alg: "RSA-OAEP" }, { ...rsa, alg: "PS512" }),
    unusable("an algorithm that is no text", { ...rsa, alg: 256 }, rsa),
    unusable("RS256 with Ed25519", { ...ed25519, alg: "RS256" }, { ...ed25519, alg: "EdDSA" }),
    unusable("n in plain base64", { ...rsa, n: standard(rsa.n) }, rsa),
    unusable("x in plain base64", { ...ed25519, x: standard(ed25519.x) }, ed25519),
    unusable("a key for encryption alone", { ...rsa, use: "enc" }, { ...rsa, use: "sig" }),
  ]);
  testRefused([
    {
      what: "one beside a good one",
      raw: keys(p256, x25519),
      ...{ key: "authentication.issuers[0].jwks", allowed: "that proxies can use" },
      // proxies can read the key for encryption, and take no token by it
      control: keys(p256, { ...rsa, use: "enc", alg: "RSA-OAEP" }),
    },
  ]);
});

const standing = (header: object): Raw =>
  payments(
    { allowFrom: [{ gateway: true, token: true }] },
    { authentication: { issuers: [{ ...issuers[0], headers: [header] }] } },
  );

describe("what stands before a token can stand in a header", () => {
  testRefused(
    ["Jwt\n", "Jwt\r\n ", "Jwt\t", "\u00fc", ""].map((prefix) => ({
      what: JSON.stringify(prefix),
      raw: standing({ name: "X-Token", prefix }),
      ...{ key: "authentication.issuers[0].headers[0].prefix", allowed: "in printable ASCII" },
      control: standing({ name: "X-Token", prefix: "Jwt " }),
    })),
  );
});

describe("a token stands in a header that proxies leave alone", () => {
  testRefused(
    ["Host", "x-forwarded-for", "X-Envoy-External-Address", "Connection"].map((name) => ({
      what: name,
      raw: standing({ name }),
      ...{ key: "authentication.issuers[0].headers[0].name", allowed: "proxies write this one" },
      // written by who authenticates in front of the gateway
      control: standing({ name: "X-Forwarded-Access-Token" }),
    })),
  );
});

describe("routes leave headers alone that tokens or claims stand in", () => {
  const setting = (name: string, more: object = {}, authorization = "enforce"): Raw => {
    const allowFrom = [{ gateway: true, token: true }];
    const requestHeaders = { [name]: "admin" };
    return {
      authorization,
      authentication: { issuers: [{ ...issuers[0], ...more }] },
      services: [{ name: "payments", allowFrom, requestHeaders }],
    };
  };
  const claimHeaders = { "X-Jwt-Sub": "sub" };
  const headers = [{ name: "X-Token" }];
  const overwritten = (name: string, allowed: string, control: Raw, more?: object): Refused => ({
    what: `${name} beside ${JSON.stringify(more ?? "the usual place")}`,
    raw: setting(name, more),
    ...{ key: `services[0].requestHeaders.${name}`, allowed },
    fix: `in Pulumi.dev.yaml, write another name for ${name} in services[0].requestHeaders`,
    control,
  });
  const open = {
    ...setting("Authorization"),
    services: [
      {
        name: "payments",
        allowFrom: [{ gateway: true }],
        requestHeaders: { Authorization: "Basic eA==" },
      },
    ],
  };
  const ofToken = "tokens stand in this one";
  const ofClaim = "claims are copied into this one";
  testRefused([
    overwritten("authorization", ofToken, setting("x-authorization")),
    overwritten("Authorization", ofToken, setting("Authorization", { headers })),
    overwritten("Authorization", ofToken, setting("Authorization", {}, "off")),
    // a service whose rules ask for none, and whose backend wants credentials of its own
    overwritten("Authorization", ofToken, open),
    overwritten("x-token", ofToken, setting("x-token"), { headers }),
    overwritten("x-jwt-sub", ofClaim, setting("x-jwt-sub"), { claimHeaders }),
    overwritten("X-Jwt-Sub", ofClaim, setting("X-Jwt-Name", { claimHeaders }), { claimHeaders }),
  ]);
});
