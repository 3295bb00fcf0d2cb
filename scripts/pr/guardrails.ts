import { checkCrds } from "../render/crd-checks.ts";
import {
  checkManifests,
  type CheckManifests,
  describeViolation,
  type Violation,
} from "../render/guardrails.ts";
import { type Manifests, objectsOf } from "../render/manifests.ts";
import { code, type Section } from "./comment.ts";
import type { StackChange } from "./compare.ts";
import { describeEngineViolation, unknownTo } from "./engine-violations.ts";
import type { GuardrailChanges } from "./guardrail-changes.ts";

/** Findings of one stack. */
interface Findings {
  readonly stack: string;
  /** One line each, with file and line where they are known. */
  readonly mandatory: readonly string[];
  readonly advisory: readonly string[];
  /** Those of both kinds that the base did not have. */
  readonly fresh: ReadonlySet<string>;
}

/** What may not pass, and what had better not. */
export interface Verdict {
  readonly section: Section;
  /** Whether there is something that may not pass. */
  readonly refused: boolean;
}

/**
 * Holds the head's manifests against the CRDs and the guardrails, says which findings are the change's own, and adds what the
 * guardrails found in the preview alone.
 *
 * @param own what the change makes of the guardrails themselves: it comes first, as the rest is worth no more than they are
 */
export function guardrailSection(
  changes: readonly StackChange[],
  check: CheckManifests = checkManifests,
  own: GuardrailChanges = { lines: [], refused: false },
): Verdict {
  const all = changes.map((change) => findings(change, check));
  const lines = all.map(({ stack, mandatory, advisory, fresh }) => {
    const count = `${mandatory.length} mandatory, ${advisory.length} advisory`;
    const news = fresh.size > 0 ? `, ${fresh.size} of them new` : "";
    return `- ${code(stack)}: ${mandatory.length + advisory.length > 0 ? `${count}${news}` : "none"}`;
  });
  const worst = all.flatMap(({ mandatory, fresh }) => mandatory.map((line) => marked(line, fresh)));
  const top = worst.length > 0 ? ["", ...worst.map((line) => `- ${line}`)] : [];
  const first = own.lines.length > 0 ? [...ownLines(own.lines), "What they find:", ""] : [];
  return {
    refused: own.refused || worst.length > 0,
    section: {
      title: "Guardrails",
      summary: [...first, ...lines, ...top].join("\n"),
      details: all
        .filter(({ advisory }) => advisory.length > 0)
        .map(({ stack, advisory, fresh }) => ({
          title: `advisory in ${stack}`,
          text: advisory.map((line) => `- ${marked(line, fresh)}`).join("\n"),
          language: "markdown",
        })),
    },
  };
}

function ownLines(lines: readonly string[]): string[] {
  return ["Changes of the guardrails themselves:", "", ...lines.map((line) => `- ${line}`), ""];
}

function marked(line: string, fresh: ReadonlySet<string>): string {
  return `${fresh.has(line) ? "**new** " : ""}${code(line)}`;
}

function findings(
  { stack, before, after, violations = [] }: StackChange,
  check: CheckManifests,
): Findings {
  const [was, is] = [before, after].map((manifests) => ask(manifests, stack, check));
  const known = new Set(was!.lines.map(withoutLine));
  const fresh = new Set(is!.lines.filter((v) => !known.has(withoutLine(v))).map((v) => v.line));
  // of the resources that no manifest is about; nobody asked the base's, so none of these is called new
  const more = unknownTo(is!.violations, violations).map((v): Finding => ({
    level: v.level,
    line: describeEngineViolation(v),
  }));
  const lines = (level: Violation["level"]) =>
    [...is!.lines, ...more].filter((v) => v.level === level).map((v) => v.line);
  return { stack, mandatory: lines("mandatory"), advisory: lines("advisory"), fresh };
}

interface Finding {
  readonly level: Violation["level"];
  readonly line: string;
}

/** A finding that merely moved is not new. */
function withoutLine({ line }: Finding): string {
  return line.replace(/:\d+\)$/, ")");
}

/** What is found in manifests. */
interface Answer {
  readonly lines: readonly Finding[];
  /** Those of the guardrails. */
  readonly violations: readonly Violation[];
}

function ask(manifests: Manifests, stack: string, check: CheckManifests): Answer {
  const objects = objectsOf(
    new Map([...manifests].map(([file, text]) => [`rendered/${stack}/${file}`, text])),
  );
  const { problems, unreadable } = checkCrds(objects);
  const crds = [...problems, ...unreadable.map((rule) => `cannot judge: ${rule}`)];
  const violations = check(objects, stack);
  const lines = [
    ...crds.map((line): Finding => ({ level: "mandatory", line })),
    ...violations.map((v): Finding => ({ level: v.level, line: describeViolation(v) })),
  ];
  return { lines, violations };
}
