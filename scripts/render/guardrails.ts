import { checkManifests as judgeManifests } from "../../policies/guardrails/check-manifests.ts";
import { labelOf, resourceOf } from "../../policies/guardrails/resource.ts";
import { stackConfig } from "../../policies/guardrails/stack-config.ts";
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

/** The one place in which the guardrails are called for manifests: `npm test` and pull requests ask here. */
export const checkManifests: CheckManifests = (manifests, stack) => {
  const { mandatory, settings } = stackConfig(stack) ?? {};
  const objects = manifests.map(({ object }) => object);
  const byLabel = new Map(manifests.map((m) => [labelOf(resourceOf(m.object)), m]));
  return judgeManifests(objects, { stack, ...(settings && { settings }) }).map(
    ({ rule, level, about, message }) => {
      const manifest = byLabel.get(about);
      const field = fieldIn(message);
      return {
        ...{ rule, message },
        level: level === "mandatory" || mandatory?.has(rule) ? "mandatory" : "advisory",
        ...(manifest && { manifest }),
        ...(field && { field }),
      };
    },
  );
};

/** The first field that a message names, such as `spec.servers[0].tls`. */
function fieldIn(message: string): (string | number)[] | undefined {
  const [path] = /\b(?:spec|metadata|data)(?:\.[A-Za-z]\w*|\[\d+\])+/.exec(message) ?? [];
  return path
    ?.split(/[.[\]]/)
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** A violation as one line, with its place below the stack's folder where it has one. */
export function describeViolation({ rule, level, message, manifest, field }: Violation): string {
  const place = manifest ? ` (${manifest.file}:${manifest.line(field ?? [])})` : "";
  return `${rule} ${level}: ${message}${place}`;
}
