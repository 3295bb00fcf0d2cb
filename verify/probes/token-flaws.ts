import type { Reason } from "../classify.ts";
import type { Probe } from "../probe.ts";
import type { Flaw } from "../tokens.ts";
import {
  type Place,
  ask,
  asked,
  beyondSkew,
  gatewayPlace,
  insidePlace,
  rightToken,
} from "./token-places.ts";

/** Why each flaw is refused. */
export const refusals: Readonly<Record<Flaw, Reason>> = {
  "unknown-issuer": "token-issuer",
  "other-key": "token-signature",
  "other-key-id": "token-signature",
  // an empty part is refused before the algorithm is looked at
  "alg-none": "token-malformed",
  "alg-None": "token-malformed",
  "alg-NONE": "token-malformed",
  "alg-nOnE": "token-malformed",
  "alg-none-signed": "token-algorithm",
  "hmac-of-public-key": "token-signature",
  "edited-payload": "token-signature",
  "no-signature": "token-malformed",
  cut: "token-signature",
  "two-parts": "token-malformed",
};

/** Catalogue ids of the flaws. */
const flawIds: Readonly<Record<string, readonly Flaw[]>> = {
  J9: ["unknown-issuer"],
  J10: ["other-key", "other-key-id"],
  J11: ["alg-none", "alg-None", "alg-NONE", "alg-nOnE", "alg-none-signed"],
  J12: ["hmac-of-public-key"],
  J15: ["edited-payload", "no-signature", "cut", "two-parts"],
};

const flawQuestions: Readonly<Record<string, readonly [string, string]>> = {
  J9: ["Is a token of an unknown issuer refused?", "its iss is none of the stack's issuers"],
  J10: ["Is a token refused that another key signed?", "no key of the issuer made its signature"],
  J11: ["Is a token refused that says it needs no signature?", "no issuer's key is for `none`"],
  J12: [
    "Is a token refused whose HMAC was made with the public key?",
    "the public key is an RSA key, and never a shared secret",
  ],
  J15: ["Is a token refused that was changed on its way?", "its signature is for another text"],
};

function flawProbes(place: Place): Probe[] {
  return Object.entries(flawIds).map(([id, kinds]) => ({
    ...common(place, id, flawQuestions[id]![0], flawQuestions[id]![1]),
    each: () => kinds,
    expect: (_, item) => refused(place, refusals[item as Flaw]),
    send: (target, item) => ask(target, place, (t) => ({ ...t, flaw: item as Flaw })),
    control: rightToken(place, "the token as its issuer made it"),
  }));
}

function common(place: Place, id: string, question: string, why: string) {
  return {
    id: `${id}${place.suffix}`,
    question: question.replace(/ refused(\b.*)\?$/, ` refused ${place.words}$1?`),
    why,
    applies: (s: Parameters<Place["entrance"]>[0]) => place.entrance(s) !== undefined,
  };
}

function refused({ refusedBy }: Place, reason: Reason) {
  return { reason, ...(refusedBy && { refusedBy }) };
}

/** Tokens that are out of their time, or for somebody else. */
function claimProbes(place: Place): Probe[] {
  const base = (id: string, question: string, why: string) => common(place, id, question, why);
  return [
    {
      ...base(
        "J4",
        "Is an expired token refused?",
        "its exp lies further back than the 60 s by which clocks may differ",
      ),
      expect: () => refused(place, "token-expired"),
      send: asked(place, (t) => ({ ...t, expiresIn: -beyondSkew })),
      control: rightToken(place, "the same token with an exp to come"),
    },
    {
      ...base("J5", "Is a token refused whose time has not begun?", "its nbf is to come"),
      expect: () => refused(place, "token-not-yet-valid"),
      send: asked(place, (t) => ({ ...t, notBeforeIn: beyondSkew, expiresIn: 3600 })),
      control: {
        differs: "an nbf that is over",
        send: asked(place, (t) => ({ ...t, notBeforeIn: -beyondSkew, expiresIn: 3600 })),
      },
    },
    {
      ...base(
        "J6",
        "Is a token refused that never expires?",
        "requireExpiry sets Envoy's require_expiration; Envoy says `Jwt verification fails`, as of a wrong signature, but the control has the same key",
      ),
      applies: (s) => place.entrance(s) !== undefined && s.authentication.requireExpiry,
      expect: () => refused(place, "token-signature"),
      send: asked(place, (t) => ({ ...t, expiresIn: null })),
      control: rightToken(place, "the same token with an exp to come"),
    },
    {
      ...base(
        "J7",
        "Is a token for another audience refused?",
        "its aud names none of the stack's audiences",
      ),
      each: () => ["somebody-else", "somebody-else, another"],
      expect: () => refused(place, "token-audience"),
      send: (target, item) => ask(target, place, (t) => ({ ...t, audiences: item.split(", ") })),
      control: rightToken(place, "the stack's audience"),
    },
  ];
}

/** Bad tokens, wherever tokens are looked at. */
export const badTokenProbes: readonly Probe[] = [gatewayPlace, insidePlace].flatMap((place) => [
  ...claimProbes(place),
  ...flawProbes(place),
]);
