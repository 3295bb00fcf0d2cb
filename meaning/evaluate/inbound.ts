import type { Platform } from "../manifests/platform.ts";
import { type Workload, targetPort } from "../manifests/workloads.ts";
import { selects } from "../manifests/objects.ts";
import { concerns } from "../manifests/unjudged.ts";
import { rulingOf } from "./authorization.ts";
import { normalizePath } from "./path-normalization.ts";
import { type Answer, type Message, type Seen, unnamedAddress } from "./request.ts";
import { checkToken, claimsOf, tokenCheckOf } from "./tokens.ts";

/** A connection to a proxy, and what comes on it. */
export interface Arrival {
  readonly pod: Seen["pod"];
  readonly port: number;
  readonly principal: string | undefined;
  readonly serverName: string;
  readonly peerAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly message: Message & { readonly host: string };
  readonly http: boolean;
}

/** What a proxy's own checks make of a request: its refusal, or the request as the next hop sees it. */
export type Passed = { readonly refused: Answer } | { readonly message: Arrival["message"] };

/** Tokens, then rules: the same at a gateway and at a sidecar. */
export function pass(platform: Platform, at: "gateway" | "service", arrival: Arrival): Passed {
  const { message, pod, http } = arrival;
  const closed = (reason: Answer["reason"], by: string): Passed => ({
    refused: { verdict: "closed", reason, at, by },
  });
  const path = normalizePath(message.path, platform.mesh.normalization);
  if (path === undefined) return closed("other-status", "a path that no proxy takes");
  const checked = http
    ? checkToken(tokenCheckOf(platform, pod), message)
    : { token: message.token, headers: message.headers ?? {} };
  if ("refused" in checked) return closed(checked.refused, checked.by);
  const issuer = "issuer" in checked ? checked.issuer : undefined;
  const ruling = rulingOf(platform, {
    ...arrival,
    ...{ path, method: message.method, host: message.host, headers: checked.headers },
    claims: issuer && message.token ? claimsOf(message.token) : undefined,
    words: issuer?.words ?? [],
    peerAddress: arrival.peerAddress ?? unnamedAddress,
    remoteAddress: arrival.remoteAddress ?? arrival.peerAddress ?? unnamedAddress,
  });
  if (ruling.allowed === false) return closed(http ? "rbac-denied" : "closed", ruling.by);
  if (ruling.allowed === undefined)
    return { refused: { verdict: "unknown", reason: "unclear", at, by: ruling.by } };
  const { token: _token, ...rest } = message;
  void _token;
  const query = /[?].*$/.exec(message.path.split("#")[0]!)?.[0] ?? "";
  const { token, headers } = checked;
  return { message: { ...rest, path: `${path}${query}`, headers, ...(token && { token }) } };
}

/** What cannot be judged about the pods that a connection is for: nobody knows then who gets through to them. */
export function blindTo(platform: Platform, workload: Workload, port: number): Answer | undefined {
  if (platform.unjudged.length === 0) return undefined;
  const bare = workload.proxy === "none" || workload.bypassed(port);
  const blind = platform.unjudged.find(
    ({ scope }) => !scope.edge && (scope.bare || !bare) && concerns(scope, workload),
  );
  return blind && unknown(`${blind.object}: ${blind.text}`);
}

/** What becomes of a request that a container's sidecar, or the container itself, has taken. */
export function arrive(
  platform: Platform,
  workload: Workload,
  arrival: Omit<Arrival, "pod" | "http"> & { readonly http?: boolean },
): Answer {
  const { principal, port, message } = arrival;
  const reached = { reached: workload.id, mtls: principal !== undefined };
  const open = (tokenSeen: boolean): Answer => ({
    ...{ verdict: "open", reason: "ok", at: "service", tokenSeen },
    ...reached,
  });
  if (workload.proxy === "none" || workload.bypassed(port)) return open(!!message.token);
  const http = speaksHttp(platform, workload, port) ?? arrival.http ?? true;
  const passed = pass(platform, "service", { ...arrival, pod: workload, http });
  return "refused" in passed ? passed.refused : open(!!passed.message.token);
}

export function unknown(by: string): Answer {
  return { verdict: "unknown", reason: "unclear", by };
}

const spoken = new WeakMap<object, WeakMap<object, Map<number, boolean | undefined>>>();

/** Whether a sidecar takes a port's bytes for HTTP; undefined where it looks at the first of them. */
export function speaksHttp(
  platform: Platform,
  workload: Workload,
  port: number,
): boolean | undefined {
  const mine = spoken.get(platform) ?? new WeakMap<object, Map<number, boolean | undefined>>();
  spoken.set(platform, mine);
  const ports = mine.get(workload) ?? new Map<number, boolean | undefined>();
  mine.set(workload, ports);
  if (!ports.has(port)) {
    const words = platform.services
      .filter((s) => s.namespace === workload.namespace && selects(s.selector, workload.labels))
      .flatMap((s) => s.ports.filter((p) => targetPort(workload, p) === port).map((p) => p.spoken));
    const known = words.find((w) => w !== "detected");
    ports.set(port, known === undefined ? undefined : known === "http");
  }
  return ports.get(port);
}
