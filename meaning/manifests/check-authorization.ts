import type { AuthorizationPolicySpec, Rule } from "../../policies/rule-spec.ts";
import { isConditionKey } from "../evaluate/conditions.ts";
import { isBlock } from "../evaluate/addresses.ts";
import { isTemplate, templateProblem } from "../evaluate/path-template.ts";
import type { MeshConfig } from "./mesh-config.ts";

/** What an AuthorizationPolicy says that istiod refuses, or that nobody can foresee. One line a problem. */
export function authorizationProblems(spec: object, _mesh: MeshConfig): string[] {
  void _mesh;
  const { action = "ALLOW", rules = [], provider } = spec as AuthorizationPolicySpec;
  return [
    ...(action === "CUSTOM" && !provider?.name
      ? ["spec.provider.name: a CUSTOM action needs one"]
      : []),
    ...rules.flatMap((rule, i) => ruleProblems(rule, `spec.rules[${i}]`)),
  ];
}

function ruleProblems(rule: Rule, at: string): string[] {
  const from = (rule.from ?? []).flatMap(({ source = {} }, i) => {
    const place = `${at}.from[${i}].source`;
    const lists = Object.entries<string[]>(source);
    return lists.flatMap(([field, values]) => [
      ...empty(values, `${place}.${field}`),
      ...(/ipBlocks/i.test(field)
        ? values.flatMap((v, j) => notBlock(v, `${place}.${field}[${j}]`))
        : []),
    ]);
  });
  const to = (rule.to ?? []).flatMap(({ operation = {} }, i) => {
    const place = `${at}.to[${i}].operation`;
    const lists = Object.entries<string[]>(operation);
    return lists.flatMap(([field, values]) => [
      ...empty(values, `${place}.${field}`),
      ...(/paths/i.test(field)
        ? values.flatMap((v, j) => notPath(v, `${place}.${field}[${j}]`))
        : []),
      ...(/ports/i.test(field)
        ? values.flatMap((v, j) => notPort(v, `${place}.${field}[${j}]`))
        : []),
    ]);
  });
  const when = (rule.when ?? []).flatMap(({ key, values = [], notValues = [] }, i) => {
    const place = `${at}.when[${i}]`;
    const all = [...values, ...notValues];
    return [
      ...(isConditionKey(key) ? [] : [`${place}.key: ${key} is no condition that is known here`]),
      ...(all.length === 0 ? [`${place}: neither values nor notValues`] : []),
      ...empty(all, place),
      ...(/\.ip$/.test(key) ? all.flatMap((v) => notBlock(v, place)) : []),
      ...(key === "destination.port" ? all.flatMap((v) => notPort(v, place)) : []),
    ];
  });
  return [...from, ...to, ...when];
}

function empty(values: readonly string[], at: string): string[] {
  return values.includes("") ? [`${at}: an empty text is no value`] : [];
}

function notBlock(value: string, at: string): string[] {
  return isBlock(value) ? [] : [`${at}: ${value} is neither an address nor a block of addresses`];
}

function notPort(value: string, at: string): string[] {
  return /^\d+$/.test(value) && Number(value) <= 65535 ? [] : [`${at}: ${value} is no port`];
}

function notPath(value: string, at: string): string[] {
  if (!isTemplate(value) && !/[{}]/.test(value)) return [];
  const problem = templateProblem(value);
  return problem === undefined ? [] : [`${at}: ${value}: ${problem}`];
}
