import * as fs from "node:fs";
import * as path from "node:path";
import { Document, isMap, isScalar, LineCounter, parseDocument, type Scalar, visit } from "yaml";
import { UserError } from "../errors.ts";

/** Manifests by path below their stack's folder, such as `1-manifest/v1-service-bank-users.yaml`. */
export type Manifests = ReadonlyMap<string, string>;

/** An object of the cluster as it is written down. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** An object with the place that it was read from. */
export interface Manifest {
  /** Path below the stack's folder. */
  readonly file: string;
  readonly object: ManifestObject;
  /** Line of a field, from 1; the nearest one above it that is there. */
  readonly line: (field: readonly (string | number)[]) => number;
}

/** What stands in a rendered Secret instead of each value. */
export const leftOut = "left out: secrets are not rendered";

/**
 * A manifest in the one form in which it is kept: sorted keys, no empty fields, no secret. What wrote it, and how, makes
 * no difference then.
 *
 * @throws UserError that names the file when it is not the YAML of one object, or has a private key in it
 */
export function normalized(text: string, file: string): string {
  const object = clean(readDocument(text, file).toJS()) as ManifestObject;
  // as YAML 1.1, which Kubernetes reads, has it: there an unquoted "on" is no text
  const document = new Document(object.kind === "Secret" ? withoutSecrets(object) : object, {
    version: "1.1",
    sortMapEntries: true,
    aliasDuplicateObjects: false,
  });
  visit(document, { Scalar: (_, node) => quoted(node) });
  const out = document.toString({ lineWidth: 0, directives: false });
  if (out.includes("PRIVATE KEY"))
    throw new UserError(
      `${file} would have a private key in it; only Secrets may, and they are emptied`,
    );
  return out;
}

/** An octal number of YAML 1.2, which is a text in 1.1: quoted, it is one in both. */
function quoted(node: Scalar): void {
  if (typeof node.value === "string" && /^0o[0-7]+$/.test(node.value)) node.type = "QUOTE_DOUBLE";
}

function withoutSecrets({ data, stringData, ...rest }: ManifestObject): ManifestObject {
  const keys = Object.keys({ ...(data as object), ...(stringData as object) });
  return {
    ...rest,
    stringData: Object.fromEntries(keys.map((key) => [key, leftOut])),
  };
}

/** Less what is null: plugins differ in whether they write it down. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, v]) => v !== null);
  return Object.fromEntries(fields.map(([key, v]) => [key, clean(v)]));
}

function readDocument(
  text: string,
  file: string,
  lineCounter = new LineCounter(),
): Document.Parsed {
  const document = parseDocument(text, { version: "1.1", lineCounter });
  const problem = document.errors[0];
  if (problem) throw new UserError(`${file} is not YAML: ${problem.message.split("\n")[0]}`);
  const { kind, apiVersion, metadata } = (document.toJS() ?? {}) as Partial<ManifestObject>;
  if (
    typeof kind !== "string" ||
    typeof apiVersion !== "string" ||
    typeof metadata?.name !== "string"
  )
    throw new UserError(`${file} is no manifest: apiVersion, kind and metadata.name are needed`);
  return document;
}

/** Reads the manifests of a folder: texts by path, sorted. */
export function readManifests(folder: string): Manifests {
  if (!fs.existsSync(folder)) return new Map();
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .sort();
  return new Map(files.map((file) => [file, fs.readFileSync(path.join(folder, file), "utf8")]));
}

/** Writes manifests into a folder that has nothing else in it afterwards. */
export function writeManifests(folder: string, manifests: Manifests): void {
  fs.rmSync(folder, { recursive: true, force: true });
  for (const [file, text] of manifests) {
    const target = path.join(folder, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  }
}

/** The objects of manifests, each with its place. */
export function objectsOf(manifests: Manifests): Manifest[] {
  return [...manifests].map(([file, text]) => {
    const lines = new LineCounter();
    const document = readDocument(text, file, lines);
    const line = (field: readonly (string | number)[]) =>
      lines.linePos(offsetOf(document, field)).line;
    return { file, object: document.toJS() as ManifestObject, line };
  });
}

function offsetOf(document: Document.Parsed, field: readonly (string | number)[]): number {
  if (field.length === 0) return 0;
  const parent = field.length === 1 ? document.contents : document.getIn(field.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === field.at(-1));
    if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
  }
  const node = document.getIn(field, true) as { range?: [number, number, number] } | undefined;
  return node?.range ? node.range[0] : offsetOf(document, field.slice(0, -1));
}

/** How one set of manifests differs from another. */
export interface Differences {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Which files one set of manifests has more, less and otherwise than another. */
export function differences(before: Manifests, after: Manifests): Differences {
  const has = (of: Manifests) => (file: string) => of.has(file);
  const [old, young] = [[...before.keys()], [...after.keys()]];
  return {
    added: young.filter((file) => !before.has(file)),
    changed: young.filter((file) => before.has(file) && before.get(file) !== after.get(file)),
    removed: old.filter((file) => !has(after)(file)),
  };
}
