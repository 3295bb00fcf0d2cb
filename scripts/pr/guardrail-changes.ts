import { type Exemption, isExpired, readExemptions } from "../../policies/guardrails/exemptions.ts";
import { type Rule, levelOf } from "../../policies/guardrails/rule.ts";
import { rules as all } from "../../policies/guardrails/rules/index.ts";
import { code } from "./comment.ts";
import { entriesOf, levelChanges } from "./guardrail-levels.ts";

/** What the guardrails of one side are told beside their rules. */
export interface GuardrailTexts {
  /** Text of exemptions.yaml; undefined when there is none. */
  readonly exemptions: string | undefined;
  /** Text of each `stacks/<stack>.json`, by its stack. */
  readonly stacks: ReadonlyMap<string, string>;
}

/** What a change makes of the guardrails themselves. */
export interface GuardrailChanges {
  /** Markdown, one change a line; what they ask less of is in bold. */
  readonly lines: readonly string[];
  /** Whether nobody can tell what the head's guardrails ask, or there are none left. */
  readonly refused: boolean;
}

const none: GuardrailTexts = { exemptions: "[]", stacks: new Map() };

/**
 * Compares what is exempted, and how much rules weigh for each stack.
 *
 * @param before the base's; undefined where it has no guardrails
 * @param after the head's; undefined where it has no guardrails
 * @param now day by which exemptions have expired or not
 * @param rules rules with the levels that they have without a stack's file. @default all
 */
export function guardrailChanges(
  before: GuardrailTexts | undefined,
  after: GuardrailTexts | undefined,
  now: Date,
  rules: readonly Rule[] = all,
): GuardrailChanges {
  if (!after) {
    const gone = `**there are no guardrails any more**: ${code("policies/guardrails")} is gone`;
    return { lines: before ? [gone] : [], refused: before !== undefined };
  }
  const problems: string[] = [];
  let refused = false;
  const read = <T>(file: string, side: "base" | "head", work: () => T): T | undefined => {
    try {
      return work();
    } catch (e) {
      const [line = ""] = (e as Error).message.split("\n");
      // a change that mends the base is none that may not pass
      refused ||= side === "head";
      problems.push(`${code(file)} of the ${side} **cannot be read**: ${code(line)}`);
      return undefined;
    }
  };
  const exemptions = ({ exemptions }: GuardrailTexts, side: "base" | "head") =>
    read("policies/guardrails/exemptions.yaml", side, () => {
      if (exemptions === undefined) throw new Error("there is no such file");
      return readExemptions(exemptions);
    });
  const is = exemptions(after, "head");
  const was = exemptions(before ?? none, "base");
  const own = new Map(rules.map((rule) => [rule.id, levelOf(rule)]));
  const stacks = new Set([...(before ?? none).stacks.keys(), ...after.stacks.keys()]);
  const levels = [...stacks].sort().flatMap((stack) => {
    const file = `policies/guardrails/stacks/${stack}.json`;
    const was = read(file, "base", () => entriesOf((before ?? none).stacks.get(stack)));
    const is = read(file, "head", () => entriesOf(after.stacks.get(stack)));
    return was && is ? levelChanges(stack, was, is, own) : [];
  });
  const lines = [...problems, ...(is ? exemptionChanges(was ?? [], is, now) : []), ...levels];
  return { lines, refused };
}

/** What is exempted now and was not, for longer or for another reason, and no longer. */
function exemptionChanges(
  before: readonly Exemption[],
  after: readonly Exemption[],
  now: Date,
): string[] {
  const groups = [before, after].map((side) => Map.groupBy(side, subjectOf));
  const keys = new Set([...groups[0]!.keys(), ...groups[1]!.keys()]);
  const pairs = [...keys].flatMap((key) => paired(groups[0]!.get(key), groups[1]!.get(key)));
  const added = pairs.flatMap(([was, is]) => (!was && is ? [addedLine(is, now)] : []));
  const changed = pairs.flatMap(([was, is]) => (was && is ? changedLine(was, is) : []));
  const removed = pairs.flatMap(([was, is]) => (was && !is ? [removedLine(was)] : []));
  const expired = after
    .filter((exemption) => isExpired(exemption, now) && before.some(same(exemption)))
    .map((e) => `exemption expired on ${e.expires}: ${inWords(e)}; owner ${code(e.owner)}`);
  return [...added, ...changed, ...removed, ...expired];
}

const subjectOf = ({ rule, resource }: Exemption) => JSON.stringify([rule, resource]);
const whole = (e: Exemption) =>
  JSON.stringify([subjectOf(e), stacksOf(e), e.reason, e.owner, e.expires]);
const same = (one: Exemption) => (other: Exemption) => whole(one) === whole(other);
const stacksOf = ({ stacks }: Exemption) =>
  stacks ? [...stacks].sort().map(code).join(", ") : "all stacks";

type Pair = readonly [was: Exemption | undefined, is: Exemption | undefined];

/** Exemptions of one rule for one resource: alike ones belong together, then those of the same stacks, then any. */
function paired(before: readonly Exemption[] = [], after: readonly Exemption[] = []): Pair[] {
  const [was, is] = [[...before], [...after]];
  const pairs: Pair[] = [];
  const take = (fits: (one: Exemption, other: Exemption) => boolean) => {
    for (const one of [...was]) {
      const at = is.findIndex((other) => fits(one, other));
      if (at < 0) continue;
      pairs.push([one, is.splice(at, 1)[0]]);
      was.splice(was.indexOf(one), 1);
    }
  };
  take((one, other) => same(one)(other));
  take((one, other) => stacksOf(one) === stacksOf(other));
  take(() => true);
  return [
    ...pairs,
    ...was.map((one): Pair => [one, undefined]),
    ...is.map((one): Pair => [undefined, one]),
  ];
}

/** Rule, resource and stacks of an exemption. */
function inWords(exemption: Exemption): string {
  const { rule, resource, stacks } = exemption;
  const where = stacks ? ` in ${stacksOf(exemption)}` : "";
  return `rule ${code(rule)} for resource ${code(resource)}${where}`;
}

function addedLine(exemption: Exemption, now: Date): string {
  const { reason, owner, expires } = exemption;
  const day = isExpired(exemption, now) ? `${expires}, which is over` : expires;
  return `**exempted now**: ${inWords(exemption)} until ${day}, because ${code(reason)}; owner ${code(owner)}`;
}

function removedLine(exemption: Exemption): string {
  const { reason, owner, expires } = exemption;
  return `no longer exempted: ${inWords(exemption)}, was until ${expires}, because ${code(reason)}; owner ${code(owner)}`;
}

function changedLine(was: Exemption, is: Exemption): string[] {
  const longer = is.expires > was.expires;
  const parts = [
    [was.expires, is.expires, "until"],
    [stacksOf(was), stacksOf(is), "in"],
    [code(was.reason), code(is.reason), "because"],
    [code(was.owner), code(is.owner), "owner"],
  ] as const;
  const changes = parts.flatMap(([from, to, word]) =>
    from === to ? [] : [`${word} ${to} (was ${from})`],
  );
  if (changes.length === 0) return [];
  // whoever has to want it reads why and whose it is, changed or not
  const rest = parts.slice(2).flatMap(([from, to, word]) => (from === to ? [`${word} ${to}`] : []));
  const start = longer || isWider(was, is) ? "**exempted for more**" : "exemption changed";
  const about = `rule ${code(is.rule)} for resource ${code(is.resource)}`;
  return [`${start}: ${about}: ${[...changes, ...rest].join("; ")}`];
}

/** Whether it is for a stack that it was not for. */
function isWider({ stacks: was }: Exemption, { stacks: is }: Exemption): boolean {
  return was !== undefined && (is === undefined || is.some((stack) => !was.includes(stack)));
}
