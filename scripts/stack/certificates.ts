import * as fs from "node:fs";
import * as path from "node:path";
import { local, privateFolder, writePrivate } from "../paths.ts";

/** Files that callers of the gateway need, and the outputs that they come from. */
const files = {
  "ca.crt": "caCertPem",
  "client.crt": "clientCertPem",
  "client.key": "clientKeyPem",
} as const;

/**
 * Writes the CA and the client's certificate where the curl lines look for them: files that only the user can read.
 *
 * @returns paths of the files that the stack has
 */
export function writeCertificates(
  stack: string,
  outputs: Readonly<Record<string, unknown>>,
): string[] {
  privateFolder(local, "certs");
  const folder = privateFolder(local, "certs", stack);
  return Object.entries(files).flatMap(([name, output]) => {
    const file = path.join(folder, name);
    const pem = outputs[output];
    if (typeof pem !== "string" || pem === "") {
      fs.rmSync(file, { force: true });
      return [];
    }
    writePrivate(file, pem);
    return [file];
  });
}

/** Writes the stack's kubeconfig for kubectl. */
export function writeKubeconfig(stack: string, kubeconfig: string): string {
  const file = path.join(privateFolder(local, "kube"), `${stack}.yaml`);
  writePrivate(file, kubeconfig);
  return file;
}

/** Removes what a stack that is gone has left on the disk. */
export function removeStackFiles(stack: string): void {
  fs.rmSync(path.join(local, "certs", stack), { recursive: true, force: true });
  fs.rmSync(path.join(local, "kube", `${stack}.yaml`), { force: true });
}
