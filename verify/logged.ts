import { textField } from "./access-log.ts";
import { type Identities, identityOf } from "./judge.ts";
import type { Outcome } from "./runner.ts";

/** The outcome with what its line of the log says, where that was asked: status, flags, and who was at the other end. */
export function judgeLogged(outcome: Outcome, identities: Identities): Outcome {
  const { expected, evidence, request, verdict } = outcome;
  if (!expected.logged || verdict !== "holds") return outcome;
  const line = evidence.accessLog;
  if (!line) return { ...outcome, verdict: "fails", text: "the server's proxy logged no line" };
  const peer = request.from === "mesh" ? identityOf("caller", request, identities) : undefined;
  const wrong = [
    line.response_code !== (evidence.status ?? 0) &&
      `its line has code ${String(line.response_code)}`,
    line.response_flags === undefined && "its line has no flags",
    peer !== undefined &&
      textField(line, "downstream_peer_uri_san") !== peer &&
      `its line names ${textField(line, "downstream_peer_uri_san") ?? "nobody"} as the peer`,
  ].filter((text) => text !== false);
  return wrong.length > 0
    ? { ...outcome, verdict: "fails", text: wrong.join("; ") }
    : { ...outcome, text: `${outcome.text}, and logged with code, flags and peer` };
}
