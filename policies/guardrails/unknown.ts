/**
 * Whether an error says that a value is known only after the update. `@pulumi/policy` throws it as soon as such a value
 * is read; told by its mark, so that rules over plain manifests load nothing of Pulumi.
 */
export function isUnknown(error: unknown): error is Error {
  return error instanceof Error && "unknownTypeSentinel" in error;
}
