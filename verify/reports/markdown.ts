import {
  type Report,
  areaHead,
  areaRows,
  inWorld,
  linesOf,
  nameOf,
  verdictOfReport,
} from "./report.ts";
import { agreementLines } from "../agreement.ts";
import { controlText, evidenceText, expectedText, requestText } from "./words.ts";

const verdicts = {
  holds: "holds: the platform enforces what the stack says",
  fails: "FAILS",
  inconclusive: "INCONCLUSIVE, which is not a pass",
} as const;

/** The report as Markdown, for a pull request or a ticket: verdict, areas, then what does not hold with its evidence. */
export function markdown(report: Report): string {
  const { outcomes, platform: p } = report;
  const modes = `mtlsMode ${p.mtlsMode}, gatewayTls ${p.gatewayTls}, authorization ${p.authorization}`;
  const wrong = outcomes.filter((o) => o.verdict !== "holds");
  return [
    `# Stack ${code(report.stack)}: ${verdicts[verdictOfReport(report)]}`,
    `${report.at}, ${report.seconds.toFixed(0)} s. ${modes}. Istio ${p.istio} (${p.route} route), Envoy ${p.envoy}, Kubernetes ${p.kubernetes}, cluster ${p.cluster}, namespace ${p.namespace}.`,
    table(areaHead, areaRows(outcomes)),
    ...(wrong.length > 0 ? ["## What does not hold", wrong.map(detail).join("\n")] : []),
    ...(report.notAsked.length > 0
      ? ["## Not asked", report.notAsked.map((line) => `- ${text(line)}`).join("\n")]
      : []),
    ...(report.agreement
      ? [
          "## Manifests",
          agreementLines(report.agreement)
            .map((l) => `- ${text(l.trim())}`)
            .join("\n"),
        ]
      : []),
    "## Certificates",
    table(
      ["certificate", "subject", "good until", "days left"],
      report.certificates.map((c) => [c.name, c.subject, c.notAfter, String(c.daysLeft)]),
    ),
    "## Every probe",
    table(
      ["id", "about", "verdict", "question", "expected"],
      linesOf(outcomes).map(({ id, about, outcomes: of }) => [
        id,
        of.length > 1 ? `${about} (${of.length})` : about,
        of[0]!.verdict,
        of[0]!.probe.question,
        of.length > 1 ? "as the rules say" : expectedText(of[0]!.expected),
      ]),
    ),
    "",
  ].join("\n\n");
}

function detail(o: Report["outcomes"][number]): string {
  const lines = [
    `- **${nameOf(o)}** ${text([inWorld(o, o.item), o.probe.question].filter(Boolean).join(": "))} ${o.verdict}: ${text(o.text)}`,
    `  - expected ${text(expectedText(o.expected))}, because ${text(o.probe.why)}`,
    `  - asked ${text(requestText(o.request))}`,
    `  - got ${text(evidenceText(o.evidence))}`,
    ...(o.control ? [`  - control: ${text(controlText(o.control))}`] : []),
  ];
  return lines.join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(text).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text that Markdown and HTML leave alone. */
function text(value: string): string {
  return value
    .replaceAll(/[\\`*_{}[\]<>|~]/g, (c) => (c === "<" ? "&lt;" : `\\${c}`))
    .replaceAll(/\s+/g, " ");
}

function code(value: string): string {
  return `\`${value.replaceAll("`", "")}\``;
}
