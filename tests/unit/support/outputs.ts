import type * as pulumi from "@pulumi/pulumi";

/** What an output came to. */
export interface Value<T> {
  /** Undefined as long as nobody knows it. */
  readonly value?: T;
  readonly secret: boolean;
}

/** Waits for an output. */
export async function valueOf<T>(output: pulumi.Output<T>): Promise<Value<T>> {
  const inside = output as unknown as {
    promise(): Promise<T>;
    readonly isKnown: Promise<boolean>;
    readonly isSecret: Promise<boolean>;
  };
  const [value, known, secret] = await Promise.all([
    inside.promise(),
    inside.isKnown,
    inside.isSecret,
  ]);
  return known ? { value, secret } : { secret };
}
