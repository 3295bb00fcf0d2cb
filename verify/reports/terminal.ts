import { columns } from "../../scripts/columns.ts";
import { type Line, areaHead, areaRows, linesOf } from "./report.ts";
import { textField } from "../access-log.ts";
import type { Expectation } from "../probe.ts";
import type { Outcome } from "../runner.ts";
import type { Evidence } from "../evidence.ts";

/** An expectation in words. */
export function expectedText(e: Expectation): string {
  const parts = [
    `[${e.reason}]`,
    e.location && `to ${e.location}`,
    e.peer && (e.peer === "nobody" ? "without identity" : `with the ${e.peer}'s identity`),
    e.clientSubject && `and client subject ${e.clientSubject}`,
    e.refusedBy && `by the ${e.refusedBy}`,
    e.tokenSeen !== undefined &&
      `and the service ${e.tokenSeen ? "sees" : "does not see"} the token`,
    ...Object.entries(e.seen ?? {}).map(([name, value]) => `and sees ${name}: ${value ?? "none"}`),
    e.wouldBe && `would be ${e.wouldBe}`,
  ];
  return parts.filter(Boolean).join(" ");
}

/** Text without what a terminal would obey: part of it comes from whoever answers. */
export function plainText(text: string): string {
  return text.replaceAll(/[\r\n\t]+/g, " ").replaceAll(/\p{Cc}/gu, "\ufffd");
}

/** What was seen, in one line. */
export function evidenceText(e: Evidence): string {
  return plainText(seenIn(e));
}

function seenIn(e: Evidence): string {
  const log = e.accessLog;
  if (e.findings) return e.findings.length > 0 ? e.findings.join("; ") : "nothing was found";
  const parts = [
    e.status !== undefined ? `HTTP ${e.status}` : "no HTTP answer",
    e.grpc && `gRPC ${e.grpc.status} ${e.grpc.message}`.trimEnd(),
    e.exitCode !== undefined && `curl exit ${e.exitCode}`,
    e.errorCode,
    e.alert && `alert "${e.alert}"`,
    e.tlsVersion,
    e.location && `to ${e.location}`,
    e.xfcc && `XFCC ${e.xfcc}`,
    e.message,
    log && `flags ${String(log.response_flags)}`,
    log &&
      textField(log, "response_code_details") &&
      `(${textField(log, "response_code_details")})`,
    log && `peer ${textField(log, "downstream_peer_uri_san") ?? "none"}`,
  ];
  return parts.filter(Boolean).join(", ");
}

const marks = { holds: "holds", fails: "FAILS", inconclusive: "UNCLEAR" } as const;

/** One line an outcome, or a group of them that holds; what was seen below those that do not. */
export function table(outcomes: readonly Outcome[]): string {
  const found = linesOf(outcomes);
  const entries = found.map((l) => l.outcomes);
  const head = ["id", "about", "verdict", "question", "expected", "answered in"];
  const [first, ...rows] = columns([head, ...found.map(rowOf)]);
  const lines = entries.map((of, n) => {
    const [o, row] = [of[0]!, rows[n]!];
    if (o.verdict === "holds") return row;
    const control = o.control ? [`    control: ${evidenceText(o.control.evidence)}`] : [];
    return [
      row,
      `    ${plainText(o.text)}`,
      `    got:     ${evidenceText(o.evidence)}`,
      ...control,
    ].join("\n");
  });
  return `${[first, ...lines].join("\n")}\n${summary(outcomes)}`;
}

/** What came of each area, in a table. */
export function areaTable(outcomes: readonly Outcome[]): string {
  return columns([areaHead, ...areaRows(outcomes)]).join("\n");
}

function rowOf({ id, about, outcomes: group }: Line): string[] {
  const o = group[0]!;
  const { verdict, probe } = o;
  const seconds = `${Math.max(...group.map((x) => x.evidence.seconds)).toFixed(2)} s`;
  if (group.length === 1)
    return [id, about, marks[verdict], probe.question, expectedText(o.expected), seconds];
  const counts = [...Map.groupBy(group, (x) => wordOf(x))].map(
    ([word, of]) => `${of.length} ${word}`,
  );
  return [id, about, marks[verdict], probe.question, counts.join(", "), seconds];
}

/** What came of one of many calls, in short. */
function wordOf({ got, expected }: Outcome): string {
  if (expected.wouldBe !== undefined) return `would be ${expected.wouldBe}`;
  return got === "ok" ? "let in" : `[${got}]`;
}

export function summary(outcomes: readonly Outcome[]): string {
  const count = (verdict: Outcome["verdict"]) =>
    outcomes.filter((o) => o.verdict === verdict).length;
  return `${count("holds")} hold, ${count("fails")} fail, ${count("inconclusive")} inconclusive`;
}
