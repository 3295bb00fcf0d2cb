import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyRotation } from "../../scripts/checks/keys.ts";
import { settings } from "./support/settings.ts";

const issuers = (...keyIds: string[]) =>
  settings({
    authentication: {
      issuers: [{ name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds }],
    },
  }).authentication.issuers;
const urn = (type: string, name: string) => `urn:pulumi:dev::bankmesh::${type}::${name}`;
const keyType = "tls:index/privateKey:PrivateKey";
const checkType = "kubernetes:security.istio.io/v1:RequestAuthentication";

/** A state whose keys were made at these hours, published in this order, and last handed out at another hour. */
const state = (keys: Readonly<Record<string, number>>, moved = 12) => {
  const at = (hour: number) => `2026-11-22T${String(hour).padStart(2, "0")}:00:00.123Z`;
  const published = Object.keys(keys).map((id) => ({ kid: `${id}-0123abcd` }));
  return {
    resources: [
      {
        ...{ urn: urn("pulumi:pulumi:Stack", "bankmesh-dev"), type: "pulumi:pulumi:Stack" },
        outputs: { publicKeys: { bank: JSON.stringify({ keys: published }) } },
      },
      // as the engine leaves it: an update of its inputs does not move its date
      {
        ...{ urn: urn("x", "tokens"), type: "bankmesh:access:SigningKeys" },
        modified: at(0),
      },
      { urn: urn(checkType, "edge"), type: checkType, modified: at(moved) },
      ...Object.entries(keys).map(([id, hour]) => ({
        ...{ urn: urn(keyType, `tokens-bank.${id}-key`), type: keyType, created: at(hour) },
      })),
    ],
  };
};

describe("the rotation of signing keys", () => {
  test("says nothing of one key, or before there is any", () => {
    assert.deepEqual(keyRotation(issuers("k1"), state({ k1: 1 })), []);
    assert.deepEqual(keyRotation(issuers("k1", "k2"), undefined), []);
  });

  test("a new key: made, then handed out, then in front", () => {
    assert.deepEqual(keyRotation(issuers("k1", "k2"), state({ k1: 1 })), [
      "issuer bank: key k1 signs",
      "issuer bank: key k2 is made by the next npm start; until then it signs nothing",
    ]);
    assert.deepEqual(keyRotation(issuers("k1", "k2"), state({ k1: 1, k2: 3 }, 3)), [
      "issuer bank: key k1 signs",
      "issuer bank: key k2 is handed to all proxies; in front of k1 it signs; if it was in front before, it may be dropped from 2026-11-22T03:10:00Z on; later if it signed tokens for more than 10 minutes",
    ]);
  });

  test("an old key may go ten minutes after the new one was handed out in front, not after the stack was made", () => {
    const [, old] = keyRotation(issuers("k2", "k1"), state({ k2: 10, k1: 1 }, 11));
    assert.match(old!, /^issuer bank: key k1 may be dropped from 2026-11-22T11:10:00Z on/);
  });

  test("any key but the first may go while nothing asks for tokens", () => {
    const unasked = {
      resources: state({ k2: 2, k1: 1 }).resources.filter((r) => r.type !== checkType),
    };
    const [, old] = keyRotation(issuers("k2", "k1"), unasked);
    assert.equal(old, "issuer bank: key k1 may be dropped: nothing asks for tokens now");
  });

  test("an issuer that is taken out, or gets its keys elsewhere: its keys go", () => {
    const goes = ["issuer bank: key k1 goes with the next npm start, and its tokens"];
    assert.deepEqual(keyRotation([], state({ k1: 1 })), goes);
    const [{ keyIds, ...external }] = issuers("k1") as [ReturnType<typeof issuers>[number]];
    assert.deepEqual(keyIds, ["k1"]);
    assert.deepEqual(keyRotation([external], state({ k1: 1 })), goes);
  });

  test("an old key: when it may be dropped, and that it goes", () => {
    assert.deepEqual(keyRotation(issuers("k2", "k1"), state({ k2: 2, k1: 1 })), [
      "issuer bank: key k2 signs",
      "issuer bank: key k1 may be dropped from 2026-11-22T12:10:00Z on; later if it signed tokens for more than 10 minutes",
    ]);
    assert.deepEqual(keyRotation(issuers("k2"), state({ k2: 2, k1: 1 })), [
      "issuer bank: key k2 signs",
      "issuer bank: key k1 goes with the next npm start, and its tokens",
    ]);
  });
});
