import type { PodRequest } from "../probe.ts";
import type { CallerKind } from "./objects.ts";

/** Which caller sends a request. */
export function kindOf({
  from,
  as,
  client,
}: Pick<PodRequest, "from" | "as" | "client">): CallerKind {
  if (client !== undefined) return `client ${client}`;
  if (from === "plain" || as === undefined) return from;
  return from === "mesh" ? `as ${as}` : `certificate as ${as}`;
}

/** The stack's client that a kind stands for. */
export function clientOf(kind: CallerKind): string | undefined {
  return /^client (.+)$/.exec(kind)?.[1];
}

/** Whether callers of a kind have no account that rules of a stack could name, so that one run's do for another. */
export function isLent(kind: CallerKind): boolean {
  return ["mesh", "plain", "certificate"].includes(kind);
}
