import { controlText, evidenceText, expectedText, requestText } from "./words.ts";
import { type Report, areaOf, countsOf, verdictOfReport } from "./report.ts";

/** The report as JSON, for programs. Fields are only ever added. */
export function json(report: Report): string {
  const { outcomes, ...head } = report;
  const probes = outcomes.map((o) => ({
    ...{ id: o.id, rows: o.rows, ...(o.world !== undefined && { world: o.world }) },
    ...{ area: areaOf(o.id), item: o.item, question: o.probe.question, why: o.probe.why },
    ...{ verdict: o.verdict, text: o.text, request: requestText(o.request) },
    expected: { reason: o.expected.reason, text: expectedText(o.expected) },
    got: { reason: o.got, text: evidenceText(o.evidence), ...o.evidence },
    ...(o.control && {
      control: { differs: o.control.differs, text: controlText(o.control), ...o.control.evidence },
    }),
    ...{ samples: o.samples, seconds: o.seconds },
  }));
  const whole = { ...head, verdict: verdictOfReport(report), counts: countsOf(outcomes), probes };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}
