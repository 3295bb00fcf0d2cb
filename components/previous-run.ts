import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { notProved } from "../verify/gate/words.ts";
import type { CertificateLives } from "./certificate-life.ts";

/** What a stack's last update left as outputs, as far as the next one asks; empty in the first. */
export interface PreviousRun {
  /** Lives of the certificates. */
  readonly certificates?: CertificateLives;
  /** Names of the services. */
  readonly services?: readonly string[];
  /** What the gate found. */
  readonly enforcement?: string;
  /** How often the gate was asked again about the same objects. */
  readonly enforcementAsks?: number;
}

/** How often the gate has to have been asked again: once more after an update whose deletions came after its check. */
export function asksOf({ enforcement, enforcementAsks = 0 }: PreviousRun): number {
  return enforcementAsks + (enforcement?.startsWith(notProved) ? 1 : 0);
}

interface StackOutputs {
  readonly outputs?: PreviousRun;
}

/**
 * The stack's outputs as its last update left them.
 *
 * Asked by the function behind StackReference: the resource would keep all of the last outputs in the state, keys
 * among them, and every refresh would show it as changed.
 */
export function previousRun(): pulumi.Output<PreviousRun> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  return pulumi.output(
    readOutputs(name).then(({ outputs = {} }) => {
      // the others may be secret, and large
      const { certificates, services, enforcement, enforcementAsks } = outputs;
      return { certificates, services, enforcement, enforcementAsks };
    }),
  );
}

/**
 * A file backend writes the state in place, and this run's first steps are written while the program starts: a read
 * in that moment finds half a file ("failed to load checkpoint: EOF"). The next one finds a whole one.
 */
async function readOutputs(name: string): Promise<StackOutputs> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {
        name,
      })) as StackOutputs;
    } catch (error) {
      if (attempt === 10) throw error;
      await setTimeout(200);
    }
  }
}
