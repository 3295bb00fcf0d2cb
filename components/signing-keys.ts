import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { jwksOf } from "../policies/jwks.ts";
import type { IssuerSettings } from "../settings/index.ts";
import type { TestKey } from "../sources/rendered.ts";

export interface SigningKeysArgs {
  /** Issuers of the stack; those with key ids get keys. */
  readonly issuers: readonly IssuerSettings[];
  /** In place of each key, so that key sets are the same in each run; nothing can be signed then. @default keys are made */
  readonly testKey?: TestKey | undefined;
}

/** A key that tokens are signed with. */
export interface TokenKey {
  readonly kid: string;
  readonly privateKeyPem: string;
}

interface Key {
  readonly kid: pulumi.Output<string>;
  readonly publicKeyPem: pulumi.Output<string>;
  /** Undefined where nothing is to be signed. */
  readonly privateKeyPem?: pulumi.Output<string>;
}

/**
 * Keys that the stack's own issuers sign tokens with.
 *
 * A key's id is its name in config and a random end, so that a name that is used again later is another key id.
 * Rotation: add a name at the end, wait until every proxy has the new set, move it to the front, wait until the old
 * tokens have expired, drop the old name.
 */
export class SigningKeys extends pulumi.ComponentResource {
  /** Public keys by issuer, as JSON Web Key Sets. */
  public readonly keySets: Readonly<Record<string, pulumi.Output<string>>>;
  /** Key that signs, by issuer; a secret. */
  public readonly signing: pulumi.Output<Record<string, TokenKey>>;

  /**
   * @param name logical name
   * @param args issuers
   * @param opts resource options
   */
  constructor(name: string, args: SigningKeysArgs, opts?: pulumi.ComponentResourceOptions) {
    // the state then says when another key came to sign, which doctor goes by
    const keyIds = Object.fromEntries(
      args.issuers.flatMap(({ name: issuer, keyIds: ids }) =>
        ids ? [[issuer, ids] as const] : [],
      ),
    );
    super("bankmesh:access:SigningKeys", name, { keyIds }, opts);
    const child = { parent: this };
    const keys = args.issuers.flatMap((issuer) =>
      issuer.keyIds ? [[issuer.name, keysOf(name, issuer, args.testKey, child)] as const] : [],
    );

    this.keySets = Object.fromEntries(keys.map(([issuer, own]) => [issuer, keySet(own)]));
    this.signing = pulumi.secret(
      pulumi.output(
        Object.fromEntries(keys.flatMap(([issuer, [first]]) => tokenKey(issuer, first!))),
      ),
    );
    this.registerOutputs({ keySets: this.keySets });
  }
}

function keysOf(
  name: string,
  issuer: IssuerSettings,
  testKey: TestKey | undefined,
  opts: pulumi.CustomResourceOptions,
): Key[] {
  if (testKey) {
    const publicKeyPem = pulumi.output(testKey.publicKeyPem);
    return issuer.keyIds!.map((id) => ({
      kid: pulumi.output(`${id}-${testKey.idEnd}`),
      publicKeyPem,
    }));
  }
  return issuer.keyIds!.map((id) => {
    const role = `${name}-${issuer.name}.${id}`;
    const end = new random.RandomId(`${role}-id`, { byteLength: 4 }, opts);
    const key = new tls.PrivateKey(`${role}-key`, { algorithm: "RSA", rsaBits: 2048 }, opts);
    const { publicKeyPem, privateKeyPem } = key;
    return { kid: pulumi.interpolate`${id}-${end.hex}`, publicKeyPem, privateKeyPem };
  });
}

function keySet(keys: readonly Key[]): pulumi.Output<string> {
  // the provider marks what comes of a key as secret; the public half is none
  const known = keys.map(({ kid, publicKeyPem }) =>
    pulumi.unsecret(pulumi.all([kid, publicKeyPem])).apply(([id, pem]) => ({
      kid: id,
      publicKeyPem: pem,
    })),
  );
  return pulumi.all(known).apply(jwksOf);
}

function tokenKey(issuer: string, key: Key): [string, pulumi.Output<TokenKey>][] {
  if (!key.privateKeyPem) return [];
  const made = pulumi
    .all([key.kid, key.privateKeyPem])
    .apply(([kid, privateKeyPem]) => ({ kid, privateKeyPem }));
  return [[issuer, made]];
}
