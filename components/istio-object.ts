import * as pulumi from "@pulumi/pulumi";
import { type IstioKind, apiVersionOf, validateSpec } from "../policies/schema.ts";
import { CustomResource } from "./kubernetes.ts";

/** Name and namespace of an object, as they are or will be. */
export interface ObjectName {
  readonly name: string;
  readonly namespace: pulumi.Input<string>;
}

/**
 * One object of Istio's own kinds. Its spec is checked against the CRD of the pinned chart first, so that what the
 * API server would refuse fails here, with the field named.
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
  const problems = validateSpec(kind, spec);
  if (problems.length > 0) {
    throw new pulumi.RunError(
      `${kind} ${metadata.name} is not what the CRD allows:\n${problems.map((p) => `  ${p}`).join("\n")}`,
    );
  }
  return new CustomResource(name, { apiVersion: apiVersionOf(kind), kind, metadata, spec }, opts);
}
