import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { CertificateLives } from "./certificate-life.ts";

interface StackOutputs {
  readonly outputs?: { readonly certificates?: CertificateLives };
}

/**
 * Lives of the certificates as the stack's last update left them; undefined in the first.
 *
 * Asked by the function behind StackReference: the resource would keep all of the last outputs in the state, keys
 * among them, and every refresh would show it as changed.
 */
export function previousCertificateLives(): pulumi.Output<CertificateLives | undefined> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  return pulumi.output(readOutputs(name).then(({ outputs }) => outputs?.certificates));
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
