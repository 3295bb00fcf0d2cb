import type { z } from "zod";
import { nearest } from "./nearest.ts";
import { type Problem, setCommand, show } from "./problems.ts";
import { secretKeys, settingsSchema } from "./schema.ts";
import { bare, keysAt, requiredAt, schemaAt } from "./schema-path.ts";

/** Keys of this program that a stack may set. */
export const knownKeys: readonly string[] = [...Object.keys(settingsSchema.shape), ...secretKeys];

/** A key at the top that does not exist. */
export function unknownKey(stack: string, key: string): Problem {
  const near = nearest(key, knownKeys);
  return {
    key,
    // not the value: a misspelt key may hold a secret
    value: "set",
    allowed: `a key that exists${near ? `; did you mean ${near}?` : `: ${knownKeys.join(", ")}`}`,
    // not the command, which would have to repeat the value
    fix: near
      ? `in Pulumi.${stack}.yaml, write bankmesh:${near}`
      : `pulumi config rm --stack ${stack} ${key}`,
  };
}

/** Keys that unknown ones were probably meant for; what stands there is not what the stack says. */
export function meantKeys(
  raw: Readonly<Record<string, unknown>>,
  plain: Record<string, unknown>,
  issues: readonly z.core.$ZodIssue[],
): string[] {
  const top = Object.keys(raw).filter((key) => !(key in plain));
  const slips = issues.flatMap((i) =>
    i.code === "unrecognized_keys" ? i.keys.map((key) => [i.path, key] as const) : [],
  );
  return [...top.map((key) => [[], key] as const), ...slips].flatMap(([path, key]) => {
    const near = nearest(key, path.length > 0 ? keysAt(path) : knownKeys);
    return near === undefined ? [] : [keyOf([...path, near])];
  });
}

/** What zod found at one place, in this program's words. */
export function issueProblems(
  stack: string,
  plain: Record<string, unknown>,
  issue: z.core.$ZodIssue,
): Problem[] {
  const at = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((v, p) => (v as Record<PropertyKey, unknown> | undefined)?.[p], plain);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((unknown) => {
      const key = keyOf([...issue.path, unknown]);
      const near = nearest(unknown, keysAt(issue.path));
      return {
        key,
        value: show(at([...issue.path, unknown])),
        allowed: `nothing: there is no such key${near ? `; did you mean ${near}?` : ""}`,
        fix: near
          ? `in Pulumi.${stack}.yaml, write ${near} for ${unknown} in ${keyOf(issue.path)}`
          : `pulumi config rm --stack ${stack} --path 'bankmesh:${key}'`,
      };
    });
  }
  const key = keyOf(issue.path);
  return [
    {
      key,
      // a key set that is refused may be one of private keys
      value: issue.path.at(-1) === "jwks" ? "set (not shown)" : show(at(issue.path)),
      allowed: allowedBy(issue),
      fix: shapeFix(stack, issue, at(issue.path)) ?? setCommand(stack, key, exampleOf(issue, at)),
    },
  ];
}

function exampleOf(issue: z.core.$ZodIssue, at: (path: readonly PropertyKey[]) => unknown): string {
  return issue.code === "invalid_value" ? likely(at(issue.path), issue.values) : "<value>";
}

/** A list or a map cannot be set by a command that takes a text. */
function shapeFix(stack: string, issue: z.core.$ZodIssue, value: unknown): string | undefined {
  const { path } = issue;
  const key = keyOf(path);
  const expected = issue.code === "invalid_type" ? issue.expected : undefined;
  const isEmptyList = issue.code === "too_small" && issue.origin === "array";
  // one value does for some lists
  if ((expected === "array" || isEmptyList) && typeAt(path) === "array") {
    const first = [...path, 0];
    if (["object", "record"].includes(typeAt(first)!))
      return `in Pulumi.${stack}.yaml, write a list of maps there, each ${keysText(first)}`;
    if (isEmptyList || value === undefined) return setCommand(stack, `${key}[0]`, "<value>");
    return `in Pulumi.${stack}.yaml, write a list there: ${String(path.at(-1))}: [${typeof value === "object" ? "<value>" : show(value)}]`;
  }
  if (expected === "object") return `in Pulumi.${stack}.yaml, write a map there, ${keysText(path)}`;
  if (expected === "record")
    return `in Pulumi.${stack}.yaml, write a map there: ${String(path.at(-1))}: {<key>: <value>}`;
  return undefined;
}

/** What a map has to have, or may. */
function keysText(path: readonly PropertyKey[]): string {
  const required = requiredAt(path);
  return required.length > 0
    ? `with ${required.join(", ")}`
    : `with some of ${keysAt(path).join(", ")}`;
}

/** What the schema calls that which stands at a path. */
function typeAt(path: readonly PropertyKey[]): string | undefined {
  const schema = schemaAt(path);
  return schema && bare(schema).def.type;
}

/** What was probably meant. Never just any of the values: the first one may be the one that protects least. */
function likely(value: unknown, allowed: readonly unknown[]): string {
  const words = allowed.map(String);
  const near = typeof value === "string" ? nearest(value, words) : undefined;
  return near ?? (words.length === 1 ? words[0]! : "<value>");
}

/** A path as `pulumi config set --path` reads it: services[0].name, registryMirrors["docker.io"]. */
function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((p, i) => {
      if (typeof p === "number") return `[${p}]`;
      const name = String(p);
      if (!/^[\w-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return i === 0 ? name : `.${name}`;
    })
    .join("");
}

const kindsOfValues: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a map",
  record: "a map",
  string: "text",
};

function allowedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") return issue.issues[0]!.message;
  const own = issue.code !== "invalid_type" || !issue.message.startsWith("Invalid input");
  return own ? issue.message : (kindsOfValues[issue.expected] ?? issue.expected);
}
