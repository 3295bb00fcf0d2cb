import type { Manifest } from "./manifests.ts";

/** What a guardrail says of a manifest. */
export interface Violation {
  /** Id of the rule, such as `mesh-03`. */
  readonly rule: string;
  readonly level: "mandatory" | "advisory";
  /** Names the object, what is wrong, and the fix. */
  readonly message: string;
  /** Manifest that it is about, as it was handed over; undefined for what is about several, or about none. */
  readonly manifest?: Manifest;
  /** Field that is wrong. @default the whole object */
  readonly field?: readonly (string | number)[];
}

/** Holds the manifests of a stack against all rules. */
export type CheckManifests = (
  manifests: readonly Manifest[],
  stack: string,
) => readonly Violation[];

/**
 * The one place in which the guardrails are called for manifests: `npm test` and pull requests ask here. Undefined until
 * there are some, and then both say that nothing was checked.
 */
export const checkManifests: CheckManifests | undefined = undefined;

/** A violation as one line, with its place below the stack's folder where it has one. */
export function describeViolation({ rule, level, message, manifest, field }: Violation): string {
  const place = manifest ? ` (${manifest.file}:${manifest.line(field ?? [])})` : "";
  return `${rule} ${level}: ${message}${place}`;
}
