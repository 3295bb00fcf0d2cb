import * as pulumi from "@pulumi/pulumi";
import type { CertificateLives } from "./certificate-life";

/**
 * Lives of the certificates as the stack's last update left them; undefined in the first.
 *
 * Asked by the function behind StackReference: the resource would keep all of the last outputs in the state, keys
 * among them, and every refresh would show it as changed.
 */
export function previousCertificateLives(): pulumi.Output<CertificateLives | undefined> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const answer = pulumi.runtime.invokeOutput<{ outputs?: { certificates?: CertificateLives } }>(
    "pulumi:pulumi:readStackOutputs",
    { name },
  );
  // other outputs are secret, which makes the whole answer so
  return pulumi.unsecret(answer.apply(({ outputs }) => outputs?.certificates));
}
