import * as pulumi from "@pulumi/pulumi";
import { type IstioKind, apiVersionOf, validateSpec } from "../policies/schema.ts";
import { CustomResource } from "./kubernetes.ts";

/** Name and namespace of an object, as they are or will be. */
export interface ObjectName {
  readonly name: string;
  readonly namespace: pulumi.Input<string>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * One object of Istio's own kinds. Its spec is checked against the CRD of the pinned chart first, so that what the API
 * server would refuse fails here, with the field named. Texts that are known later are left empty for that.
 *
 * @throws pulumi.RunError when the CRD does not allow the spec
 */
export function istioObject(
  name: string,
  kind: IstioKind,
  metadata: ObjectName,
  spec: object,
  opts: pulumi.CustomResourceOptions,
): CustomResource {
  const problems = validateSpec(kind, foreseen(spec));
  if (problems.length > 0) {
    throw new pulumi.RunError(
      `${kind} ${metadata.name} is not what the CRD allows:\n${problems.map((p) => `  ${p}`).join("\n")}`,
    );
  }
  return new CustomResource(name, { apiVersion: apiVersionOf(kind), kind, metadata, spec }, opts);
}

function foreseen<T>(value: T): T {
  if (pulumi.Output.isInstance(value)) return "" as T;
  if (Array.isArray(value)) return value.map(foreseen) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, foreseen(v)])) as T;
}
