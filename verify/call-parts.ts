import type { Caller } from "../policies/decide.ts";
import type { TokenSpec } from "./tokens.ts";
import type { GraphCall } from "./vocabulary.ts";

/** What two calls may differ in. */
const parts = ["caller", "address", "method", "path", "port", "token", "headers"] as const;
type Part = (typeof parts)[number];

/** In which parts two calls differ. */
export function differences(a: GraphCall, b: GraphCall): Part[] {
  // who comes from outside brings an address along, so that beside anybody else it is part of the caller
  const oneOutside = (a.from.kind === "outside") !== (b.from.kind === "outside");
  return parts.filter(
    (part) => !(part === "address" && oneOutside) && partText(a, part) !== partText(b, part),
  );
}

/** The one thing in which a call and its control differ. */
export function differingPart(a: GraphCall, b: GraphCall): Part | undefined {
  const apart = differences(a, b);
  return apart.length === 1 ? apart[0] : undefined;
}

/** A part of a call in words; empty where the call has none. */
export function partText(call: GraphCall, part: Part): string {
  switch (part) {
    case "caller":
      return callerText(call.from);
    case "address":
      return call.clientAddress === undefined ? "" : `at ${call.clientAddress}`;
    case "method":
      return call.method;
    case "path":
      return call.path;
    case "port":
      return call.port === undefined ? "" : `port ${call.port}`;
    case "token":
      return tokenText(call.token);
    case "headers":
      return Object.entries(call.headers ?? {})
        .map(([name, value]) => `${name}: ${value}`)
        .join(", ");
  }
}

/** A call in one line. */
export function textOf(call: GraphCall): string {
  const headers = partText(call, "headers");
  const port = partText(call, "port");
  const address = partText(call, "address");
  const words = [call.method, call.path, port, tokenText(call.token), headers, address].filter(
    Boolean,
  );
  return `${callerText(call.from)} to ${call.service}: ${words.join(", ")}`;
}

function callerText(from: Caller): string {
  if (from.kind === "service") return from.service;
  if (from.kind === "workload" && from.account.endsWith("-sa"))
    return `${from.account.slice(0, -"-sa".length)} of ${from.namespace}`;
  return { outside: "outside", workload: "a stranger of the mesh", plaintext: "plaintext" }[
    from.kind
  ];
}

function tokenText(token: TokenSpec | undefined): string {
  if (!token) return "no token";
  const claims = Object.keys(token.claims ?? {}).length > 0 ? JSON.stringify(token.claims) : "";
  return [`token of ${token.issuer}`, claims].filter(Boolean).join(" ");
}
