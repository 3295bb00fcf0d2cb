import { answerEdge } from "./evaluate/edge.ts";
import { answerInside } from "./evaluate/inside.ts";
import type { Answer, Request } from "./evaluate/request.ts";
import type { Platform } from "./manifests/platform.ts";

/**
 * What a request gets on a platform, from its manifests alone.
 *
 * @returns whether it reaches a container, and what decides that; `unknown` where something decides that cannot be judged
 */
export function answer(platform: Platform, request: Request): Answer {
  return request.from.kind === "outside"
    ? answerEdge(platform, request as Extract<Request, { door: string }>)
    : answerInside(platform, request as Extract<Request, { to: string }>);
}
