import * as fs from "node:fs";
import * as path from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";

/** Kinds of Istio that the program makes. */
export type IstioKind =
  | "Gateway"
  | "VirtualService"
  | "DestinationRule"
  | "PeerAuthentication"
  | "RequestAuthentication"
  | "AuthorizationPolicy"
  | "EnvoyFilter";

/** API version of a kind. */
export function apiVersionOf(kind: IstioKind): string {
  if (kind === "EnvoyFilter") return "networking.istio.io/v1alpha3";
  const security = ["PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy"];
  return `${security.includes(kind) ? "security" : "networking"}.istio.io/v1`;
}

const compiled = new Map<IstioKind, ValidateFunction>();
let schemas: Record<string, object> | undefined;

/**
 * Holds a spec against the CRD of the pinned base chart.
 *
 * @returns one line a problem: field, what is wrong; empty when the CRD allows it
 */
export function validateSpec(kind: IstioKind, spec: object): string[] {
  const validate = compiled.get(kind) ?? compile(kind);
  // an `undefined` in an optional field is no field
  if (validate(JSON.parse(JSON.stringify(spec)))) return [];
  return [...new Set((validate.errors ?? []).map(line))];
}

function compile(kind: IstioKind): ValidateFunction {
  schemas ??= JSON.parse(
    fs.readFileSync(path.join(import.meta.dirname, "schemas", "istio-crds.json"), "utf8"),
  ) as typeof schemas;
  const validate = new Ajv({
    allErrors: true,
    strict: false,
    verbose: true,
    // the schemas come with the project and a test holds them against the chart; checking them too takes 0.2 s a run
    validateSchema: false,
    meta: false,
    // making the code shorter takes as long as making it, and it runs a handful of times
    code: { optimize: false },
  }).compile(schemas![kind]!);
  compiled.set(kind, validate);
  return validate;
}

function line(error: ErrorObject): string {
  const field = `spec${error.instancePath.replace(/\/(\d+)/g, "[$1]").replaceAll("/", ".")}`;
  const extra = error.params as { additionalProperty?: string; allowedValues?: string[] };
  if (extra.additionalProperty)
    return `${field}.${extra.additionalProperty}: there is no such field`;
  if (extra.allowedValues) {
    return `${field}: is ${JSON.stringify(error.data)}, allowed is one of ${extra.allowedValues.join(", ")}`;
  }
  return `${field}: ${error.message ?? "is wrong"}`;
}
