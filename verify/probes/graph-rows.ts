import type { Settings } from "../../settings/index.ts";
import { type GraphCall, type GraphQuestion, differingPart } from "../calls.ts";

/** Claims that are words apart by spaces, whatever config says. */
const alwaysWords = ["scope", "permission"];

/** Rows of the catalogue that a question of the graph stands for. */
export function graphRows(s: Settings, { call, decision, control }: GraphQuestion): string[] {
  if (decision.allowed) return allowedRows(s, call);
  if (!control) return [];
  const part = differingPart(call, control.call);
  if (call.from.kind === "plaintext") return ["A13"];
  // a token that is in order, and somebody whom no rule names
  if (part === "caller") return call.token && call.from.kind !== "outside" ? ["A10"] : [];
  if (part === "method") return ["A17"];
  if (part !== "token") return [];
  if (!call.token) return call.from.kind === "outside" ? ["J3"] : ["A11"];
  const claim = claimOf(control.call);
  if (!claim || call.token.issuer !== control.call.token!.issuer) return [];
  const value = valueAt(call, claim);
  if (value === undefined) return claim.includes(".") ? ["A9"] : ["A6"];
  if (typeof value !== "string") return claim === "scope" ? ["A7"] : [];
  if (claim.includes(".")) return ["A9"];
  if (claim === "scope") return value === "" ? ["A6"] : ["A3"];
  return value.includes(" ") ? ["A8"] : [];
}

function allowedRows(s: Settings, call: GraphCall): string[] {
  const claim = claimOf(call);
  if (!claim) return [];
  const value = valueAt(call, claim);
  if (claim.includes(".")) return ["A9"];
  if (typeof value !== "string") return claim === "scope" ? ["A7"] : [];
  if (value.includes(" ")) return alwaysWords.includes(claim) ? ["A2"] : ["A8"];
  if (claim === "scope") return ["A1"];
  return besideScope(s, call) ? ["A4"] : [];
}

/** Whether another rule asks for a scope where this call does without: the "or" of two rules. */
function besideScope(s: Settings, { service, method }: GraphCall): boolean {
  const { allowFrom = [] } = s.services.find((x) => x.name === service)!;
  return allowFrom.some((r) => r.claims?.scope && (r.methods?.includes(method) ?? true));
}

/** The one claim that a token brings beside its subject, as rules name it; undefined where there are none or several. */
function claimOf({ token }: GraphCall): string | undefined {
  const claims = Object.entries(token?.claims ?? {});
  if (claims.length !== 1) return undefined;
  const [name, value] = claims[0]!;
  const nested = typeof value === "object" && value !== null && !Array.isArray(value);
  return nested ? `${name}.${Object.keys(value)[0]}` : name;
}

function valueAt({ token }: GraphCall, claim: string): unknown {
  const path = claim.includes("://") ? [claim] : claim.split(".");
  return path.reduce<unknown>(
    (value, part) => (value as Record<string, unknown> | undefined)?.[part],
    token?.claims,
  );
}
