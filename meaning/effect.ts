import type { Answer } from "./evaluate/request.ts";
import { waysOf } from "./evaluate/ways.ts";

/** What a change does to one request. */
export type Effect =
  /** It reaches a container now that it did not reach. */
  | "opens"
  /** It reached a container, and is refused now. */
  | "closes"
  /** It reaches a container as before, but with less: without mTLS, or with a token that was kept from it. */
  | "weakens"
  /** The same the other way round. */
  | "strengthens"
  /** It reaches fewer containers than before, or is refused otherwise. */
  | "differs";

/** What becomes of a request; undefined where it gets the same as before. */
export function effectOf(before: Answer, after: Answer): Effect | "unknown" | undefined {
  if (before.verdict === "unknown" || after.verdict === "unknown") return "unknown";
  const effect = knownEffect(before, after);
  // what opens does so whatever else there may be
  if (effect === "opens" || effect === "weakens") return effect;
  return before.unsure !== undefined || after.unsure !== undefined ? "unknown" : effect;
}

function knownEffect(before: Answer, after: Answer): Effect | undefined {
  const [was, is] = [before.verdict === "open", after.verdict === "open"];
  if (was !== is) return is ? "opens" : "closes";
  return is ? ofOpen(before, after) : ofRefused(before, after);
}

function ofRefused(before: Answer, after: Answer): Effect | undefined {
  // somebody who was not there is refused as before, however
  if ([before, after].some((a) => a.at === "caller" && a.reason === "unreachable"))
    return undefined;
  const same = before.reason === after.reason && before.location === after.location;
  return same ? undefined : "differs";
}

/** A container that was not reached opens, whatever else is reached still. */
function ofOpen(before: Answer, after: Answer): Effect | undefined {
  const [old, now] = [before, after].map((a) => new Map(waysOf(a).map((w) => [w.reached, w])));
  const both = [...now!.values()].flatMap((is) => {
    const was = old!.get(is.reached);
    return was ? [[was, is] as const] : [];
  });
  if (both.length < now!.size) return "opens";
  if (both.some(([was, is]) => (was.mtls && !is.mtls) || (!was.tokenSeen && is.tokenSeen)))
    return "weakens";
  if (both.length < old!.size) return "differs";
  if (both.some(([was, is]) => was.mtls !== is.mtls || was.tokenSeen !== is.tokenSeen))
    return "strengthens";
  return undefined;
}
