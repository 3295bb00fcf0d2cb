import type { Rule } from "../../policies/rule-spec.ts";
import {
  type Attribute,
  type AttributeContext,
  type Test,
  type Tri,
  condition,
  operationFields,
  sourceFields,
} from "./conditions.ts";

/** All of it has to hold; one that does not decides, whatever nobody knows. */
export function all(tests: readonly Test[]): Test {
  if (tests.length === 1) return tests[0]!;
  return (seen) => {
    let result: Tri = true;
    for (const test of tests) {
      const holds = test(seen);
      if (holds === false) return false;
      if (holds === undefined) result = undefined;
    }
    return result;
  };
}

/** One of it has to hold; one that does decides. */
export function any(tests: readonly Test[]): Test {
  if (tests.length === 1) return tests[0]!;
  return (seen) => {
    let result: Tri = false;
    for (const test of tests) {
      const holds = test(seen);
      if (holds === true) return true;
      if (holds === undefined) result = undefined;
    }
    return result;
  };
}

function not(test: Test): Test {
  return (seen) => {
    const holds = test(seen);
    return holds === undefined ? undefined : !holds;
  };
}

/** How a rule is read. */
export interface Reading extends AttributeContext {
  /** Whether it allows; what allows is read narrowly where it cannot be asked, all else widely. */
  readonly allows: boolean;
  /** Whether what it is asked about is HTTP. */
  readonly http: boolean;
}

/** Of bytes nobody can ask what a rule that allows asks for: it matches nothing. */
class NotAskable extends Error {}

/**
 * A rule as a test: one of `from`, one of `to`, and each of `when`.
 *
 * About bytes, a rule that allows matches nothing if it asks for anything that only HTTP has; one that denies matches
 * as if it did not ask for that.
 */
export function ruleTest(rule: Rule, reading: Reading): Test {
  try {
    const from = (rule.from ?? []).map(({ source }) => fields(source, sourceFields, reading));
    const to = (rule.to ?? []).map(({ operation }) => fields(operation, operationFields, reading));
    const when = (rule.when ?? []).flatMap(({ key, values, notValues }) =>
      asked(condition(key)!, values, notValues, reading),
    );
    // the cheapest first: most requests differ in what they ask for
    return all([
      ...(to.length > 0 ? [any(to)] : []),
      ...(from.length > 0 ? [any(from)] : []),
      ...when,
    ]);
  } catch (e) {
    if (e instanceof NotAskable) return () => false;
    throw e;
  }
}

function fields(
  values: object | undefined,
  attributes: Readonly<Record<string, Attribute>>,
  reading: Reading,
): Test {
  const lists = (values ?? {}) as Readonly<Record<string, readonly string[] | undefined>>;
  return all(
    Object.entries(attributes).flatMap(([field, attribute]) => {
      const negated = `not${field[0]!.toUpperCase()}${field.slice(1)}`;
      return asked(attribute, lists[field], lists[negated], reading);
    }),
  );
}

function asked(
  attribute: Attribute,
  values: readonly string[] = [],
  notValues: readonly string[] = [],
  reading: Reading,
): Test[] {
  if (values.length === 0 && notValues.length === 0) return [];
  if (attribute.http && !reading.http) {
    if (reading.allows) throw new NotAskable();
    return [];
  }
  return [
    ...(values.length > 0 ? [attribute.test(values, reading)] : []),
    ...(notValues.length > 0 ? [not(attribute.test(notValues, reading))] : []),
  ];
}
