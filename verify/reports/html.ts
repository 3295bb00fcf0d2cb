import { type Cell, matrixOf } from "./matrix.ts";
import {
  type Report,
  areaHead,
  areaOf,
  areaRows,
  countsOf,
  inWorld,
  linesOf,
  nameOf,
  verdictOfReport,
} from "./report.ts";
import { style } from "./style.ts";
import { rowsThatHold } from "../rows.ts";
import { controlText, evidenceText, expectedText, requestText } from "./words.ts";
import { agreementLines } from "../agreement.ts";

type Outcome = Report["outcomes"][number];

const headlines = {
  holds: "Holds: the platform enforces what the stack says",
  fails: "Fails: the platform does not enforce what the stack says",
  inconclusive: "Inconclusive, which is not a pass",
} as const;

/** The report as one page that needs nothing else: no script, no font, no image from anywhere. */
export function html(report: Report): string {
  const { stack, outcomes } = report;
  const verdict = verdictOfReport(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(`${stack}: ${headlines[verdict]}`)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header class="${verdict}">
<p class="stack">stack ${escape(stack)}</p>
<h1>${escape(headlines[verdict])}</h1>
${summary(report)}
</header>
${wrong(outcomes)}
${matrix(report)}
${areas(outcomes)}
${probes(outcomes)}
${certificates(report)}
${manifests(report)}
${notAsked(report)}
${platform(report)}
</main>
</body>
</html>
`;
}

function summary({ outcomes, at, seconds }: Report): string {
  const { holds, fails, inconclusive } = countsOf(outcomes);
  const ids = new Set(outcomes.map((o) => o.id)).size;
  const rows = rowsThatHold(outcomes).length;
  const asked = `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
  return `<p>Questions: ${holds} of ${outcomes.length} hold, ${fails} fail, ${inconclusive} inconclusive.</p>
<p>Rows of the catalogue that hold: ${rows}.</p>
<p>Asked ${escape(asked)} by ${ids} probes, in ${seconds.toFixed(0)} s.</p>`;
}

/** What does not hold, before everything else. */
function wrong(outcomes: readonly Outcome[]): string {
  const of = outcomes.filter((o) => o.verdict !== "holds");
  if (of.length === 0) return "";
  return section("What does not hold", of.map((o) => details(o, true)).join("\n"));
}

function matrix(report: Report): string {
  const { callers, services, cell } = matrixOf(report.outcomes, report.platform);
  if (callers.length === 0) return "";
  const head = services.map((s) => `<th scope="col">${escape(s)}</th>`).join("");
  const rows = callers.map(
    (caller) =>
      `<tr><th scope="row">${escape(caller)}</th>${services.map((s) => cellHtml(cell(caller, s))).join("")}</tr>`,
  );
  return section(
    "Who got what",
    `<p>Every question that was sent to a service, good tokens and bad ones, allowed paths and others: how many were
answered, how many refused.</p>
<div class="wide"><table class="matrix"><thead><tr><td></td>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`,
  );
}

function cellHtml(cell: Cell | undefined): string {
  if (!cell) return `<td class="none">not asked</td>`;
  const refused = Object.entries(cell.refused);
  const kind =
    cell.wrong > 0 ? "wrong" : refused.length === 0 ? "open" : cell.answered ? "some" : "closed";
  const lines = [
    cell.answered > 0 && `<b>${cell.answered}</b> answered`,
    ...refused.map(([reason, n]) => `<b>${n}</b> ${escape(reason)}`),
    cell.wrong > 0 && `<strong>${cell.wrong} wrong</strong>`,
  ];
  return `<td class="${kind}">${lines.filter(Boolean).join("<br>")}</td>`;
}

function areas(outcomes: readonly Outcome[]): string {
  const rows = areaRows(outcomes).map(([area, ...counts]) => {
    const cells = counts.map((n) => `<td>${n}</td>`).join("");
    return `<tr><th scope="row">${escape(area!)}</th>${cells}</tr>`;
  });
  return section(
    "By area",
    `<div class="wide"><table><thead><tr>${areaHead.map((h) => `<th scope="col">${h}</th>`).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`,
  );
}

function probes(outcomes: readonly Outcome[]): string {
  const byArea = [...Map.groupBy(linesOf(outcomes), ({ id }) => areaOf(id))];
  const parts = byArea.map(([area, lines]) => {
    const entries = lines.map(({ id, about, outcomes: of }) =>
      of.length === 1 ? details(of[0]!) : group(id, about, of),
    );
    return `<h3>${escape(area)}</h3>\n${entries.join("\n")}`;
  });
  return section("Every probe, with its evidence", parts.join("\n"));
}

function group(id: string, about: string, of: readonly Outcome[]): string {
  const head = headOf(
    id,
    `${of[0]!.probe.question} ${about}`,
    of[0]!.verdict,
    `${of.length} questions`,
  );
  return `<details class="group"><summary>${head}</summary>${of.map((o) => details(o, false, o.item)).join("\n")}</details>`;
}

function details(
  o: Outcome,
  open = false,
  title = [o.probe.question, inWorld(o, o.item)].filter(Boolean).join(" "),
): string {
  const rows: [string, string][] = [
    ["expected", `${expectedText(o.expected)}, because ${o.probe.why}`],
    ["asked", requestText(o.request)],
    ["got", evidenceText(o.evidence)],
    ["verdict", o.text],
    ...(o.control ? [["control", controlText(o.control)] as [string, string]] : []),
    ["answers", `${o.samples}, the last ${o.alike} alike, settled after ${o.seconds.toFixed(1)} s`],
  ];
  const body =
    o.evidence.body.trim() === "" ? "" : `<pre>${escape(o.evidence.body.slice(0, 600))}</pre>`;
  return `<details class="${o.verdict}"${open ? " open" : ""}><summary>${headOf(nameOf(o), title, o.verdict)}</summary>
<dl>${rows.map(([k, v]) => `<dt>${k}</dt><dd>${escape(v)}</dd>`).join("")}</dl>${body}</details>`;
}

function headOf(id: string, title: string, verdict: Outcome["verdict"], more = ""): string {
  return `<span class="id">${escape(id)}</span> <span class="title">${escape(title)}</span> <span class="more">${escape(more)}</span> <span class="mark ${verdict}">${verdict}</span>`;
}

function certificates(report: Report): string {
  const rows = report.certificates.map(
    (c) =>
      `<tr><th scope="row">${escape(c.name)}</th><td>${escape(c.subject)}</td><td>${escape(c.notAfter.slice(0, 10))}</td><td${c.daysLeft < 30 ? ' class="wrong"' : ""}>${c.daysLeft} days</td></tr>`,
  );
  if (rows.length === 0) return "";
  return section(
    "Certificates",
    `<div class="wide"><table><thead><tr><th scope="col">certificate</th><th scope="col">subject</th><th scope="col">good until</th><th scope="col">left</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`,
  );
}

/** Whether manifests alone give the same answers. */
function manifests({ agreement }: Report): string {
  if (!agreement) return "";
  const [first, ...apart] = agreementLines(agreement);
  const list = apart.map((line) => `<li>${escape(line.trim())}</li>`).join("");
  return section("Manifests", `<p>${escape(first!)}</p>${list && `<ul>${list}</ul>`}`);
}

function notAsked(report: Report): string {
  if (report.notAsked.length === 0) return "";
  return section(
    "Not asked",
    `<ul>${report.notAsked.map((l) => `<li>${escape(l)}</li>`).join("")}</ul>`,
  );
}

function platform({ platform: p }: Report): string {
  const rows = [
    ["Istio", `${p.istio} (${p.route} route)`],
    ["Envoy", p.envoy],
    ["Kubernetes", p.kubernetes],
    ["cluster", p.cluster],
    ["namespace", p.namespace],
    ["host", p.host],
    ["mtlsMode", p.mtlsMode],
    ["gatewayTls", p.gatewayTls],
    ["authorization", p.authorization],
  ];
  return section(
    "The platform",
    `<dl class="platform">${rows.map(([k, v]) => `<dt>${k}</dt><dd>${escape(v!)}</dd>`).join("")}</dl>`,
  );
}

function section(title: string, content: string): string {
  return `<section>\n<h2>${escape(title)}</h2>\n${content}\n</section>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (c) => entities[c]!);
}
