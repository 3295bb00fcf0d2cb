import * as pulumi from "@pulumi/pulumi";
import type { CertificateLives } from "./certificate-life";

/** Lives of the certificates as the stack's last update left them; undefined in the first. */
export function previousCertificateLives(): pulumi.Output<CertificateLives | undefined> {
  const self = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const reference = new pulumi.StackReference("previous-run", { name: self });
  return reference.getOutput("certificates") as pulumi.Output<CertificateLives | undefined>;
}
