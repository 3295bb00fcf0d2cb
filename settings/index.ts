import * as fs from "node:fs";
import { parse } from "yaml";
import type { z } from "zod";
import { type Sources, officialSources, readSources } from "../sources";
import { crossChecks } from "./checks";
import { type OwnCertificates, certificateChecks } from "./own-certificates";
import { type Problem, setCommand, show } from "./problems";
import { type SecretKey, type Settings, secretKeys, settingsSchema } from "./schema";

export * from "./schema";
export { prefixOf } from "./checks";
export { type Problem, formatProblems } from "./problems";
export type { OwnCertificates } from "./own-certificates";

/** Values of one stack without the `bankmesh:` in front; text from Pulumi or typed values from YAML. */
export type RawSettings = Readonly<Record<string, unknown>>;

export interface Parsed {
  /** Undefined when there is any problem. */
  readonly settings?: Settings;
  readonly sources?: Sources;
  readonly own: OwnCertificates;
  readonly problems: readonly Problem[];
}

/** Keys of this program that a stack may set. */
export const knownKeys: readonly string[] = [...Object.keys(settingsSchema.shape), ...secretKeys];

/**
 * Reads one stack's values: shape first, then the rules between keys, then the user's own certificates.
 * All problems come at once.
 *
 * @param env environment; BANKMESH_SOURCES names the sources file unless the stack does
 */
export function parseSettings(
  stack: string,
  raw: RawSettings,
  env: NodeJS.ProcessEnv,
  now = new Date(),
): Parsed {
  const problems: Problem[] = [];
  const plain: Record<string, unknown> = {};
  const own: OwnCertificates = {};
  for (const [key, value] of Object.entries(raw)) {
    if ((secretKeys as readonly string[]).includes(key)) {
      if (typeof value === "string") own[key as SecretKey] = value;
    } else if (key in settingsSchema.shape) plain[key] = typed(key, value);
    else problems.push(unknownKey(stack, key, value));
  }
  const result = settingsSchema.safeParse(plain);
  if (!result.success)
    problems.push(...result.error.issues.map((i) => issueProblem(stack, plain, i)));
  const readable = result.data ?? settingsSchema.parse(withoutIssues(plain));
  problems.push(...certificateChecks(stack, own, readable.host, now));
  const file = readable.sources ?? env.BANKMESH_SOURCES ?? officialSources;
  try {
    const sources = readSources(file);
    problems.push(...crossChecks(stack, readable, sources));
    return problems.length === 0
      ? { settings: readable, sources, own, problems }
      : { own, problems };
  } catch (e) {
    const allowed = `the path of a sources file; ${(e as Error).message}`;
    problems.push({
      key: "sources",
      value: show(file),
      allowed,
      fix: setCommand(stack, "sources", officialSources),
    });
    return { own, problems };
  }
}

/** The values less what the schema refuses, so that the rules between keys can be asked about the rest. */
function withoutIssues(plain: Record<string, unknown>): Record<string, unknown> {
  const rest = structuredClone(plain);
  for (let round = 0; round < 3; round++) {
    const { error } = settingsSchema.safeParse(rest);
    if (!error) return rest;
    for (const issue of error.issues) {
      const unknown = issue.code === "unrecognized_keys" ? issue.keys : [];
      const path = round < 2 ? issue.path : issue.path.slice(0, 1);
      if (unknown.length > 0) for (const key of unknown) remove(rest, [...issue.path, key]);
      else remove(rest, path);
    }
  }
  return {};
}

function remove(root: Record<string, unknown>, path: readonly PropertyKey[]): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((v, p) => (v as Record<PropertyKey, unknown> | undefined)?.[p], root);
  if (typeof parent === "object" && parent !== null) Reflect.deleteProperty(parent, path.at(-1)!);
}

/**
 * Checks a stack's file before the CLI sees it. Encrypted values are not opened here; the program checks them.
 *
 * @param stackFile path of Pulumi.<stack>.yaml
 * @param projectFile path of Pulumi.yaml, whose defaults apply
 */
export function checkStackFile(stackFile: string, projectFile: string): Problem[] {
  const stack = /Pulumi\.(.+)\.yaml$/.exec(stackFile)?.[1] ?? "dev";
  const config = (parse(fs.readFileSync(stackFile, "utf8"))?.config ?? {}) as Record<
    string,
    unknown
  >;
  const project = (parse(fs.readFileSync(projectFile, "utf8"))?.config ?? {}) as Record<
    string,
    { default?: unknown }
  >;
  const raw: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(project)) {
    const name = ownKey(key, true);
    if (name && declared?.default !== undefined) raw[name] = declared.default;
  }
  for (const [key, value] of Object.entries(config)) {
    const name = ownKey(key, false);
    if (name && !isEncrypted(value)) raw[name] = value;
  }
  return [...parseSettings(stack, raw, process.env).problems];
}

function ownKey(key: string, bare: boolean): string | undefined {
  if (key.startsWith("bankmesh:")) return key.slice("bankmesh:".length);
  return bare && !key.includes(":") ? key : undefined;
}

function isEncrypted(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

/** Pulumi hands every value over as text; what is no text by the schema is read as JSON. */
function typed(key: string, value: unknown): unknown {
  if (typeof value !== "string" || textKeys.has(key)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

// a host of digits is still text
const textKeys = new Set(
  Object.entries(settingsSchema.shape)
    .filter(([, schema]) => ["enum", "string"].includes(innerType(schema)))
    .map(([key]) => key),
);

function innerType(schema: z.ZodType): string {
  const def = schema.def as { type: string; innerType?: z.ZodType };
  return def.innerType ? innerType(def.innerType) : def.type;
}

function unknownKey(stack: string, key: string, value: unknown): Problem {
  const near = nearest(key, knownKeys);
  return {
    key,
    value: show(value),
    allowed: `a key that exists${near ? `; did you mean ${near}?` : `: ${knownKeys.join(", ")}`}`,
    fix: `pulumi config rm --stack ${stack} ${key}`,
  };
}

function issueProblem(
  stack: string,
  plain: Record<string, unknown>,
  issue: z.core.$ZodIssue,
): Problem {
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const key = path
    .map((p, i) => (typeof p === "number" ? `[${p}]` : i === 0 ? String(p) : `.${String(p)}`))
    .join("");
  const value = path.reduce<unknown>(
    (v, p) => (v as Record<PropertyKey, unknown> | undefined)?.[p],
    plain,
  );
  if (unknown !== undefined) {
    return {
      key,
      value: show(value),
      allowed: "nothing: there is no such key",
      fix: `pulumi config rm --stack ${stack} --path 'bankmesh:${key}'`,
    };
  }
  const example = issue.code === "invalid_value" ? String(issue.values[0]) : "<value>";
  return { key, value: show(value), allowed: issue.message, fix: setCommand(stack, key, example) };
}

/** The known key that is at most two edits away. */
export function nearest(key: string, keys: readonly string[]): string | undefined {
  const [best] = keys
    .map((k) => [distance(key.toLowerCase(), k.toLowerCase()), k] as const)
    .sort((a, b) => a[0] - b[0]);
  return best && best[0] <= 2 ? best[1] : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length]!;
}
