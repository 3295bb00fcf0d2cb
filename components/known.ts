import * as pulumi from "@pulumi/pulumi";

/** Owner of nothing: what a stack that has made nothing yet calls itself in its first preview. */
export const nobody = "nobody";

/**
 * A value as soon as it is known, else another one. The first preview cannot know the random id that a stack will
 * get; it can know that nothing carries that id yet, and has to ask all the same.
 */
export function knownOr<T>(value: pulumi.Output<T>, other: T): pulumi.Output<T> {
  // every Output has it at run time, the types leave it out (sdk/nodejs/output.ts, "isKnown")
  const { isKnown } = value as unknown as { readonly isKnown: Promise<boolean> };
  return pulumi.output(isKnown.then((known) => (known ? value : other))) as pulumi.Output<T>;
}
