import { Environment } from "@marcbachmann/cel-js";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { jsonSchema } from "./extract.ts";

/** A node of a structural schema. */
interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-validations"?: readonly Rule[];
}

/** One entry of `x-kubernetes-validations`. */
interface Rule {
  readonly rule: string;
  readonly message?: string;
}

/** A CustomResourceDefinition, as far as it is read here. */
export interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: SchemaNode };
    }[];
  };
}

/** An object of any kind. */
export interface CustomObject {
  readonly apiVersion: string;
  readonly kind: string;
}

type Compiled = (context: { self: unknown }) => unknown;

/**
 * Holds objects against CRDs as the API server does when they are made: fields and their types, fields that do not
 * exist, and the rules in CEL.
 */
export class Crds {
  /** Rules that cannot be evaluated here, each with why; empty is what a test asks for. */
  public readonly unreadable: readonly string[];
  /** How many different rules there are. */
  public readonly rules: number;

  private readonly definitions: readonly Definition[];
  private readonly compiled = new Map<string, Compiled>();
  private readonly validators = new Map<SchemaNode, ValidateFunction>();

  /** @param definitions the CRDs */
  public constructor(definitions: readonly Definition[]) {
    this.definitions = definitions;
    const texts = new Set(
      definitions.flatMap(({ spec }) =>
        spec.versions.flatMap(({ schema }) => rulesIn(schema.openAPIV3Schema)),
      ),
    );
    this.rules = texts.size;
    this.unreadable = [...texts].flatMap((text) => this.compile(text));
  }

  /**
   * What the API server would refuse of an object.
   *
   * @returns one line a problem; undefined when there is no CRD for the kind
   */
  public problems(object: CustomObject): string[] | undefined {
    const [group, version] = object.apiVersion.split("/");
    const definition = this.definitions.find(
      ({ spec }) => spec.group === group && spec.names.kind === object.kind,
    );
    if (!definition) return undefined;
    const versions = definition.spec.versions;
    const served = versions.find((v) => v.name === version);
    if (!served) {
      const names = versions.map((v) => v.name).join(", ");
      return [`apiVersion: there is no ${object.kind} ${object.apiVersion}; there are ${names}`];
    }
    const about = ["apiVersion", "kind", "metadata"];
    const fields = Object.fromEntries(Object.entries(object).filter(([k]) => !about.includes(k)));
    const schema = served.schema.openAPIV3Schema;
    const wrong = this.fieldProblems(schema, fields);
    // as in the API server, rules are asked about what is well formed
    return wrong.length > 0 ? wrong : this.ruleProblems(schema, fields, "");
  }

  private fieldProblems(schema: SchemaNode, fields: object): string[] {
    const validate =
      this.validators.get(schema) ??
      new Ajv({ allErrors: true, strict: false }).compile(jsonSchema(schema) as object);
    this.validators.set(schema, validate);
    return validate(fields) ? [] : [...new Set((validate.errors ?? []).map(line))];
  }

  private ruleProblems(schema: SchemaNode, value: unknown, at: string): string[] {
    const own = (schema["x-kubernetes-validations"] ?? []).flatMap(({ rule, message }) => {
      const answer = this.ask(rule, celValue(schema, value));
      return answer === true ? [] : [`${at || "object"}: ${message ?? rule}${reason(answer)}`];
    });
    return [...own, ...children(schema, value, at).flatMap((c) => this.ruleProblems(...c))];
  }

  /** True, false, or why there is no answer; what has no answer is never allowed. */
  private ask(rule: string, self: unknown): unknown {
    const compiled = this.compiled.get(rule);
    if (!compiled) return "the rule cannot be evaluated here";
    try {
      return compiled({ self });
    } catch (e) {
      return (e as Error).message.split("\n")[0];
    }
  }

  private compile(rule: string): string[] {
    if (/\boldSelf\b/.test(rule)) return [`${rule}: is about an update`];
    try {
      this.compiled.set(rule, environment.parse(rule));
      return [];
    } catch (e) {
      return [`${rule}: ${(e as Error).message.split("\n")[0]}`];
    }
  }
}

function reason(answer: unknown): string {
  return answer === false ? "" : ` (${String(answer)})`;
}

function rulesIn(node: SchemaNode): string[] {
  const below = [...Object.values(node.properties ?? {}), node.items, node.additionalProperties];
  return [
    ...(node["x-kubernetes-validations"] ?? []).map(({ rule }) => rule),
    ...below.flatMap((n) => (typeof n === "object" ? rulesIn(n) : [])),
  ];
}

type Place = [schema: SchemaNode, value: unknown, at: string];

function children(schema: SchemaNode, value: unknown, at: string): Place[] {
  const { items, properties = {}, additionalProperties: any } = schema;
  if (Array.isArray(value))
    return items ? value.map((v, i): Place => [items, v, `${at}[${i}]`]) : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, v]): Place[] => {
    const node = properties[key] ?? (typeof any === "object" ? any : undefined);
    return node ? [[node, v, at ? `${at}.${key}` : key]] : [];
  });
}

/** CEL tells whole numbers from others, JSON does not: the schema does. */
function celValue(schema: SchemaNode | undefined, value: unknown): unknown {
  const whole = schema?.type === "integer" || schema?.["x-kubernetes-int-or-string"] === true;
  if (whole && Number.isInteger(value)) return BigInt(value as number);
  if (Array.isArray(value)) return value.map((v) => celValue(schema?.items, v));
  if (typeof value !== "object" || value === null) return value;
  const any = schema?.additionalProperties;
  const node = (key: string) =>
    schema?.properties?.[key] ?? (typeof any === "object" ? any : undefined);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, celValue(node(key), v)]));
}

function line(error: ErrorObject): string {
  const field = error.instancePath
    .slice(1)
    .replace(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".");
  const { additionalProperty } = error.params as { additionalProperty?: string };
  if (additionalProperty !== undefined)
    return `${field ? `${field}.` : ""}${additionalProperty}: there is no such field`;
  return `${field || "object"}: ${error.message ?? "is wrong"}`;
}

/** What Kubernetes adds to CEL, as far as Istio's rules use it. */
class ParsedUrl {
  public readonly scheme: string;
  public constructor(scheme: string) {
    this.scheme = scheme;
  }
}

/** The scheme of an absolute URI or path, which is what Kubernetes takes for a URL; undefined of anything else. */
function schemeOf(text: string): string | undefined {
  if (text.startsWith("/")) return "";
  return URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined;
}

function parsedUrl(text: string): ParsedUrl {
  const scheme = schemeOf(text);
  if (scheme === undefined) throw new Error(`${JSON.stringify(text)} is no URL`);
  return new ParsedUrl(scheme);
}

const environment = new Environment({ homogeneousAggregateLiterals: false })
  .registerVariable("self", "dyn")
  .registerType("Url", ParsedUrl)
  .registerFunction("isURL(dyn): bool", (text: unknown) => schemeOf(String(text)) !== undefined)
  .registerFunction("url(dyn): Url", (text: unknown) => parsedUrl(String(text)))
  .registerFunction("Url.getScheme(): string", (url: ParsedUrl) => url.scheme);
