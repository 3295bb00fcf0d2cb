import {
  type Answer,
  type Caller,
  type Headers,
  type Message,
  type Token,
} from "../evaluate/request.ts";
import type { Platform } from "../manifests/platform.ts";

/** Something that both sides of a comparison are asked. */
export interface Question {
  /** Whom it is about: a workload with its port, or a gateway's. */
  readonly about: string;
  readonly who: string;
  /** What is asked for, in words. */
  readonly what: string;
  /** What its words leave out. */
  readonly apart?: string | undefined;
  readonly ask: (platform: Platform) => Answer;
  /** A question that mostly has the same answers; where it has, this one is not worth a word. */
  readonly like?: Question;
}

/** Questions, and how many there would be beside them. */
export interface Questions {
  readonly asked: readonly Question[];
  readonly leftOut: number;
}

/** Account of somebody whom no rule names. */
export const strangersAccount = "nobody-in-particular";

/** A caller in words. */
export function callerText(caller: Caller): string {
  switch (caller.kind) {
    case "workload":
      return caller.workload;
    case "mesh":
      return caller.account === strangersAccount
        ? `a workload of ${caller.namespace}${caller.trustDomain ? ` in ${caller.trustDomain}` : ""} that no rule names`
        : `${caller.trustDomain ? `${caller.trustDomain}, ` : ""}account ${caller.namespace}/${caller.account}`;
    case "certificate":
      return `account ${caller.namespace}/${caller.account}, past its proxy`;
    case "tls":
      return "somebody with a certificate that is not the mesh's";
    case "plaintext":
      return "plaintext";
  }
}

/** A request in words: method, host where it matters, path, token, headers. */
export function messageText(
  { method, host = "", path, token, headers }: Message,
  address?: string,
): string {
  return [
    `${method} ${host}${path}`,
    ...(token ? [tokenText(token)] : []),
    ...headerTexts(headers),
    ...(address === undefined ? [] : [`from ${address}`]),
  ].join(", ");
}

function tokenText(token: Token): string {
  const { issuer, audiences, claims, lasting, further } = token;
  const { sub, ...rest } = claims;
  const known = ["any", "somebody"].includes(String(sub));
  const more = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : "";
  const audience =
    audiences[0] === "somebody-else"
      ? " for somebody else"
      : further
        ? ` for ${audiences.join(", ")}`
        : "";
  const subject = known ? "" : ` about ${String(sub)}`;
  return `token of ${issuer}${subject}${audience}${lasting ? " without expiry" : ""}${placeText(token)}${more}`;
}

/** Where a token stands, unless it is where everybody looks. */
function placeText({ place }: Token): string {
  if ("parameter" in place) return ` as parameter ${place.parameter}`;
  if ("cookie" in place) return ` as cookie ${place.cookie}`;
  if (place.header !== "authorization") return ` in header ${place.header}`;
  return place.prefix === "Bearer " ? "" : ` behind ${JSON.stringify(place.prefix)}`;
}

function headerTexts(headers: Headers = {}): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
}

/**
 * Questions without those that were there already, and no more than a number of them.
 *
 * @param more asked as well as far as there is room, and not counted as left out
 */
export function bounded(
  questions: readonly Question[],
  most: number,
  more: readonly Question[] = [],
): Questions {
  const seen = new Set<string>();
  const once = ({ about, who, what, apart }: Question) => {
    const key = `${about}\n${who}\n${what}\n${apart ?? ""}`;
    return seen.has(key) ? false : seen.add(key);
  };
  const asked = questions.filter(once);
  return {
    asked: [...asked, ...more.filter(once)].slice(0, most),
    leftOut: Math.max(0, asked.length - most),
  };
}
