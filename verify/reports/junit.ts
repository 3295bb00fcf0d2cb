import { type Apart, apartText } from "../agreement.ts";
import type { Outcome } from "../runner.ts";
import { type Report, areaOf, countsOf, inWorld, nameOf } from "./report.ts";
import { controlText, evidenceText, expectedText, requestText } from "./words.ts";

/**
 * The report as JUnit XML: a suite an area, a case a question. What is inconclusive is an error, for it is no pass.
 *
 * @see https://github.com/testmoapp/junitxml
 */
export function junit(report: Report): string {
  const suites = [...Map.groupBy(report.outcomes, (o) => areaOf(o.id))].map(([area, of]) =>
    element("testsuite", { name: area, ...counted(of), timestamp: report.at }, of.map(testcase)),
  );
  const other = [...(report.agreement?.apart ?? []), ...(report.agreement?.unjudged ?? [])];
  const counts = counted(report.outcomes, other.length);
  const all = { name: `bankmesh ${report.stack}`, ...counts };
  const root = element("testsuites", { ...all, time: report.seconds.toFixed(3) }, [
    ...suites,
    ...(other.length > 0
      ? [
          element(
            "testsuite",
            { name: "manifests", ...counted([], other.length), timestamp: report.at },
            other.map(otherwise),
          ),
        ]
      : []),
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
}

/** @param others cases that are no questions; each is an error */
function counted(outcomes: readonly Outcome[], others = 0): Record<string, string> {
  const { fails, inconclusive } = countsOf(outcomes);
  return {
    tests: String(outcomes.length + others),
    failures: String(fails),
    errors: String(inconclusive + others),
  };
}

/** A question that manifests answer otherwise than traffic, or in which they cannot be judged. */
function otherwise(a: Apart): string {
  const name = [a.id, a.item, "Do manifests and traffic agree?"].filter(Boolean).join(" ");
  const head = { name, classname: "manifests.agreement", time: "0.000" };
  const message = apartText(a);
  return element("testcase", head, [element("error", { message, type: "apart" }, [])]);
}

function testcase(o: Outcome): string {
  const head = {
    name: [nameOf(o), inWorld(o, o.item), o.probe.question].filter(Boolean).join(" "),
    classname: `${areaOf(o.id)}.${o.id}`,
    time: o.seconds.toFixed(3),
  };
  if (o.verdict === "holds") return element("testcase", head, []);
  const told = [
    `expected: ${expectedText(o.expected)}, because ${o.probe.why}`,
    `asked:    ${requestText(o.request)}`,
    `got:      ${evidenceText(o.evidence)}`,
    ...(o.control ? [`control:  ${controlText(o.control)}`] : []),
  ];
  const kind = o.verdict === "fails" ? "failure" : "error";
  const detail = element(kind, { message: o.text, type: o.got }, [escape(told.join("\n"))], "");
  return element("testcase", head, [detail]);
}

function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly string[],
  between = "\n",
): string {
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`);
  if (children.length === 0) return `<${name}${head.join("")}/>`;
  return `<${name}${head.join("")}>${between}${children.join("\n")}${between}</${name}>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escape(text: string): string {
  // XML 1.0 knows no other control characters, not even written as entities
  return text
    .replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "�")
    .replaceAll(/[&<>"]/g, (c) => entities[c]!);
}
