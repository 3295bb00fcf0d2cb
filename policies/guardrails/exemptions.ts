import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { type Finding, type Rule, unjudged } from "./rule.ts";

/** One thing that a rule finds and that is as it should be, for the time being. */
export interface Exemption {
  /** Id of the rule, or of a part of it (`wl-05/enforce`). */
  readonly rule: string;
  /** Resource as messages name it; `*` stands for any text, its kind is written out. */
  readonly resource: string;
  /** Stacks that it is for. @default all */
  readonly stacks?: readonly string[];
  readonly reason: string;
  readonly owner: string;
  /** Last day on which it holds, as 2027-06-30. */
  readonly expires: string;
}

/** File of the exemptions, beside the pack. */
export const exemptionsFile = path.join(import.meta.dirname, "exemptions.yaml");

const fields = ["rule", "resource", "stacks", "reason", "owner", "expires"];

/** Last year that an exemption may name: what holds for longer is no exemption. */
const lastYear = 2028;

/**
 * Reads exemptions.
 *
 * @param rules rules that there are. @default any: those of another commit may have other names
 * @throws Error with every entry that is not complete, or about a rule that does not exist
 */
export function readExemptions(text: string, rules?: readonly Rule[]): Exemption[] {
  const entries = (parse(text) ?? []) as unknown;
  if (!Array.isArray(entries)) throw new Error("exemptions: a list is expected");
  const ids = rules?.map((rule) => rule.id);
  const problems = entries.flatMap((entry: unknown, i) =>
    problemsOf(entry, ids).map((problem) => `exemptions[${i}]: ${problem}`),
  );
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return entries as Exemption[];
}

function problemsOf(entry: unknown, ids: readonly string[] | undefined): string[] {
  if (typeof entry !== "object" || entry === null)
    return [`is ${JSON.stringify(entry)}, a map is expected`];
  const got = entry as Record<string, unknown>;
  const texts = ["rule", "resource", "reason", "owner", "expires"];
  const missing = texts.filter((field) => typeof got[field] !== "string" || got[field] === "");
  const unknown = Object.keys(got).filter((field) => !fields.includes(field));
  const { stacks } = got;
  const badStacks =
    stacks !== undefined && !(Array.isArray(stacks) && stacks.every((s) => typeof s === "string"));
  const id = String(got.rule).split("/")[0]!;
  return [
    ...missing.map((field) => `${field} has to be a text`),
    ...unknown.map((field) => `there is no field ${field}; there are ${fields.join(", ")}`),
    ...(badStacks ? ["stacks has to be a list of names"] : []),
    ...(missing.includes("rule") || !ids || ids.includes(id) ? [] : [`there is no rule ${id}`]),
    ...(missing.includes("expires") ? [] : daysProblems(String(got.expires))),
    ...(missing.includes("resource") ? [] : resourceProblems(String(got.resource))),
  ];
}

function daysProblems(day: string): string[] {
  if (!isDay(day)) return [`expires is ${day}, a day such as 2027-06-30 is expected`];
  return Number(day.slice(0, 4)) > lastYear
    ? [`expires is ${day}, ${lastYear} is the last year that may be named`]
    : [];
}

function resourceProblems(resource: string): string[] {
  const [before] = resource.split("*");
  return before === resource || /^[A-Za-z]+\//.test(before!)
    ? []
    : [`resource is ${resource}: name a kind before the first *, such as Deployment/bank/*`];
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** Whether an exemption no longer holds. */
export function isExpired({ expires }: Exemption, now: Date): boolean {
  return now.toISOString().slice(0, 10) > expires;
}

/** Exemptions that count for a stack; of manifests without a stack, those of all stacks alone. */
export function forStack(exemptions: readonly Exemption[], stack: string | undefined): Exemption[] {
  return exemptions.filter(
    ({ stacks }) => !stacks || (stack !== undefined && stacks.includes(stack)),
  );
}

/** Whether an exemption covers what a rule has found. */
export function covers(exemption: Exemption, rule: Rule, finding: Finding): boolean {
  const [id, part] = exemption.rule.split("/");
  if (id !== rule.id || (part !== undefined && part !== finding.part)) return false;
  if (finding.part === unjudged && part === undefined) return false;
  const words = exemption.resource
    .split("*")
    .map((word) => word.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${words.join(".*")}$`).test(finding.about);
}

/** Findings that no exemption covers; one that has expired covers nothing. */
export function unexempted(
  rule: Rule,
  findings: readonly Finding[],
  exemptions: readonly Exemption[],
  now: Date,
): readonly Finding[] {
  if (findings.length === 0) return findings;
  const valid = exemptions.filter((exemption) => !isExpired(exemption, now));
  return findings.filter((finding) => !valid.some((exemption) => covers(exemption, rule, finding)));
}

/** ex-01: what the expired ones say. */
export function expiredFindings(exemptions: readonly Exemption[], now: Date): Finding[] {
  return exemptions
    .filter((exemption) => isExpired(exemption, now))
    .map(({ rule, resource, owner, expires }) => ({
      about: `Exemption/${rule}/${resource}`,
      what: `expired on ${expires}; its owner is ${owner}`,
      fix: "mend what it exempts, or give it a new day and reason in policies/guardrails/exemptions.yaml",
    }));
}

export function shippedExemptions(rules: readonly Rule[]): Exemption[] {
  return readExemptions(fs.readFileSync(exemptionsFile, "utf8"), rules);
}
