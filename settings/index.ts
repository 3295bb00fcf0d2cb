import * as fs from "node:fs";
import { parse } from "yaml";
import type { z } from "zod";
import { type Sources, officialSources, readSources } from "../sources/index.ts";
import { crossChecks } from "./checks.ts";
import { issueProblems, knownKeys, meantKeys, unknownKey } from "./issue-problems.ts";
import { type OwnCertificates, certificateChecks } from "./own-certificates.ts";
import { type Problem, setCommand, show } from "./problems.ts";
import { saysNothingNew, withoutIssues } from "./readable.ts";
import { strangeKeys } from "./strange-keys.ts";
import { type SecretKey, type Settings, secretKeys, settingsSchema } from "./schema.ts";

export * from "./schema.ts";
export * from "./access-schema.ts";
export {
  gatewayNamespace,
  gatewayRolledOut,
  isAsked,
  rolledOut,
  rolledOutAtGateway,
  wholeNamespace,
} from "./rollout.ts";
export { knownKeys } from "./issue-problems.ts";
export { modeOf } from "./mtls-checks.ts";
export { placesOf, refusedAt } from "./places.ts";
export { prefixOf, versionOf } from "./prefix.ts";
export { type Problem, formatProblems } from "./problems.ts";
export type { OwnCertificates } from "./own-certificates.ts";
export { type TokenHeader, asksForToken, tokenHeaders } from "./token-headers.ts";

/** Values of one stack without the `bankmesh:` in front; text from Pulumi or typed values from YAML. */
export type RawSettings = Readonly<Record<string, unknown>>;

export interface Parsed {
  /** Undefined when there is any problem. */
  readonly settings?: Settings;
  readonly sources?: Sources;
  readonly own: OwnCertificates;
  readonly problems: readonly Problem[];
}

/**
 * Reads one stack's values: shape first, then the rules between keys, then the user's own certificates.
 * All problems come at once.
 *
 * @param env environment; BANKMESH_SOURCES names the sources file unless the stack does
 * @param encrypted keys whose values were encrypted in the stack's file
 */
export function parseSettings(
  stack: string,
  raw: RawSettings,
  env: NodeJS.ProcessEnv,
  now = new Date(),
  encrypted: readonly string[] = [],
): Parsed {
  const problems: Problem[] = [];
  const plain: Record<string, unknown> = {};
  const own: OwnCertificates = {};
  for (const [key, value] of Object.entries(raw)) {
    if ((secretKeys as readonly string[]).includes(key)) {
      if (typeof value === "string") own[key as SecretKey] = value;
    } else if (encrypted.includes(key) || secretIn(key, value))
      problems.push(notSecret(stack, secretIn(key, value) ?? key));
    else if (key in settingsSchema.shape) plain[key] = typed(key, value);
    else problems.push(unknownKey(stack, key));
  }
  const result = settingsSchema.safeParse(plain);
  const wrong = (result.error?.issues ?? []).flatMap((i) => issueProblems(stack, plain, i));
  problems.push(...wrong);
  const readable = result.data ?? settingsSchema.parse(withoutIssues(plain));
  problems.push(...certificateChecks(stack, own, readable.host, now));
  const sources = sourcesOf(stack, readable, env, problems);
  const keys = [...wrong.map((w) => w.key), ...meantKeys(raw, plain, result.error?.issues ?? [])];
  problems.push(
    ...crossChecks(stack, readable, sources, keys).filter(
      (p) => !saysNothingNew(readable, keys, p.key),
    ),
  );
  return problems.length === 0 && sources
    ? { settings: withImages(readable, sources), sources, own, problems }
    : { own, problems: distinct(problems) };
}

/** From here on a service's image is a name, whoever brings it. */
function withImages(settings: Settings, sources: Sources): Settings {
  const services = settings.services.map(({ sourceImage, ...service }) =>
    sourceImage ? { ...service, image: sources.images[sourceImage] } : service,
  );
  return { ...settings, services };
}

/** What is no secret here would be shown in previews and kept in the state as it is. */
function notSecret(stack: string, key: string): Problem {
  return {
    key,
    value: "a secret",
    allowed: `plain text, which the state keeps as it is; secrets are ${secretKeys.join(", ")}`,
    fix: `pulumi config rm --stack ${stack} --path 'bankmesh:${key}', and keep secrets out of it`,
  };
}

function sourcesOf(
  stack: string,
  settings: Settings,
  env: NodeJS.ProcessEnv,
  problems: Problem[],
): Sources | undefined {
  const file = settings.sources ?? env.BANKMESH_SOURCES ?? officialSources;
  try {
    return readSources(file);
  } catch (e) {
    problems.push({
      key: "sources",
      value: show(file),
      allowed: `the path of a sources file; ${(e as Error).message}`,
      fix: setCommand(stack, "sources", officialSources),
    });
    return undefined;
  }
}

function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ key, allowed }) => {
    const line = `${key} ${allowed}`;
    return seen.has(line) ? false : seen.add(line);
  });
}

/**
 * Reads a stack's file before the CLI does. The project's defaults count where the stack says nothing; encrypted
 * certificates and keys are left to the program, which can read them.
 */
export function readStackFile(
  stackFile: string,
  projectFile: string,
  env: NodeJS.ProcessEnv = process.env,
): Parsed {
  const stack = /Pulumi\.(.+)\.yaml$/.exec(stackFile)?.[1] ?? "dev";
  const config = configOf<unknown>(stackFile);
  const project = configOf<{ default?: unknown } | null>(projectFile);
  const raw: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(project)) {
    const name = ownKey(key, true);
    if (name && declared?.default !== undefined) raw[name] = declared.default;
  }
  for (const [key, value] of Object.entries(config)) {
    const name = ownKey(key, false);
    if (name) raw[name] = value;
  }
  // certificates are judged together with their keys: one that cannot be read leaves nothing to judge
  if (secretKeys.some((key) => secretIn(key, raw[key])))
    secretKeys.forEach((key) => delete raw[key]);
  const strange = strangeKeys(stack, documentOf(stackFile), knownKeys);
  const parsed = parseSettings(stack, raw, env);
  if (strange.length === 0) return parsed;
  return { own: parsed.own, problems: [...strange, ...parsed.problems] };
}

function documentOf(file: string): Record<string, unknown> {
  return (parse(fs.readFileSync(file, "utf8")) ?? {}) as Record<string, unknown>;
}

function configOf<T>(file: string): Record<string, T> {
  return (documentOf(file).config ?? {}) as Record<string, T>;
}

function ownKey(key: string, bare: boolean): string | undefined {
  if (key.startsWith("bankmesh:")) return key.slice("bankmesh:".length);
  return bare && !key.includes(":") ? key : undefined;
}

/** Key of the first encrypted part of a value; undefined when there is none. */
function secretIn(key: string, value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if ("secure" in value) return key;
  const path = (part: string) => (Array.isArray(value) ? `${key}[${part}]` : `${key}.${part}`);
  return Object.entries(value)
    .map(([part, inner]) => secretIn(path(part), inner))
    .find((found) => found !== undefined);
}

/**
 * Pulumi hands every value over as text; what is no text by the schema is read as JSON. A stack's file has typed
 * values; a number for what is text by the schema reaches the program as text too.
 */
function typed(key: string, value: unknown): unknown {
  if (textKeys.has(key)) {
    return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  }
  if (typeof value !== "string") return value;
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
