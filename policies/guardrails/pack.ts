import * as policy from "@pulumi/policy";
import type {
  PolicyConfigSchema,
  PolicyPackArgs,
  ReportViolation,
  ResourceValidationArgs,
} from "@pulumi/policy";
import { type Exemption, expiredFindings, forStack, unexempted } from "./exemptions.ts";
import { type Judgement, defaultSettings, judgeResource, judgeStack, messageOf } from "./judge.ts";
import { Records } from "./records.ts";
import { type Rule, type RuleSettings, levelOf } from "./rule.ts";
import { exemptionRule, rules as all } from "./rules/index.ts";

type Policy = PolicyPackArgs["policies"][number];

/** What the policies need beside the resources. */
export interface PackContext {
  /** Stack that is previewed or updated. */
  readonly stack: string | undefined;
  readonly exemptions: readonly Exemption[];
  readonly now: Date;
}

/** The rules as policies of Pulumi's engine. */
export function policies(context: PackContext, rules: readonly Rule[] = all): Policy[] {
  const exemptions = forStack(context.exemptions, context.stack);
  const own = { ...context, exemptions, records: new Records() };
  return [...rules.flatMap((rule) => policiesOf(rule, own)), expiry(own)];
}

function metadata(rule: Rule) {
  return {
    name: rule.id,
    description: rule.description,
    enforcementLevel: levelOf(rule),
    url: rule.url,
    severity: ({ mandatory: "high", production: "medium", advisory: "low" } as const)[rule.level],
  };
}

function policiesOf(rule: Rule, context: PackContext & { readonly records: Records }): Policy[] {
  const { id } = rule;
  const schema = schemaOf(id);
  const about = { ...metadata(rule), ...(schema && { configSchema: schema }) };
  const validateResource = (args: ResourceValidationArgs, report: ReportViolation) => {
    const judged = judgeResource(
      rule,
      context.records.resource(args),
      settingsOf(args.getConfig()),
    );
    tell(rule, judged, context, report);
  };
  const validateStack: StackCheck = (args, report) => {
    const inventory = context.records.stack(args.resources);
    tell(rule, judgeStack(rule, inventory, settingsOf(args.getConfig())), context, report);
  };
  return [
    ...(rule.resource ? [{ ...about, validateResource }] : []),
    ...(rule.stack ? [{ ...about, validateStack }] : []),
  ];
}

type StackCheck = Extract<Policy, { validateStack: unknown }>["validateStack"];

function tell(
  rule: Rule,
  { findings, unknowns }: Judgement,
  { exemptions, now }: PackContext,
  report: ReportViolation,
): void {
  for (const finding of unexempted(rule, findings, exemptions, now))
    report(messageOf(rule, finding), finding.urn);
  if (unknowns.length > 0) throw notYetKnown(unknowns);
}

// the package exports it and leaves it out of its types
const { UnknownValueError } = policy as unknown as {
  readonly UnknownValueError: new (sentinel: string, path: readonly string[]) => Error;
};

/** What `@pulumi/policy` puts in the place of a text that is not known yet. */
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The engine shows it as advice, whatever the rule's level: before the update there is nothing that could be judged. */
function notYetKnown(values: readonly string[]): Error {
  const error = new UnknownValueError(unknownText, []);
  error.message = `cannot judge until the update: ${values.join("; ")}`;
  return error;
}

/** ex-01 */
function expiry({ exemptions, now }: PackContext): Policy {
  return {
    ...metadata(exemptionRule),
    validateStack: (_args, report) => {
      for (const finding of expiredFindings(exemptions, now))
        report(messageOf(exemptionRule, finding));
    },
  };
}

/** Which rule takes which value from the configuration. */
const schemas: Readonly<Record<string, readonly (keyof RuleSettings)[]>> = {
  "wl-01": ["registries"],
  "tf-03": ["registries"],
  "pki-01": ["leafHours"],
  "wl-03": ["minReplicas"],
  "gw-11": ["kind"],
};

function schemaOf(id: string): PolicyConfigSchema | undefined {
  const keys = schemas[id];
  if (!keys) return undefined;
  return { properties: Object.fromEntries(keys.map((key) => [key, properties[key]])) };
}

const properties = {
  registries: {
    type: "array" as const,
    items: { type: "string" as const },
    default: [...defaultSettings.registries],
  },
  leafHours: { type: "integer" as const, minimum: 1, default: defaultSettings.leafHours },
  minReplicas: { type: "integer" as const, minimum: 1, default: defaultSettings.minReplicas },
  kind: { type: "boolean" as const },
};

function settingsOf(config: object): RuleSettings {
  return { ...defaultSettings, ...(config as Partial<RuleSettings>) };
}
