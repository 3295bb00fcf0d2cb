import type { AddressInfo } from "node:net";
import * as https from "node:https";
import { makeCertificate } from "../certificates.ts";

/** A server of this process that takes what the gateway must not: the control of probes for old TLS. */
export interface ControlServer {
  readonly port: number;
  /** Certificate to trust. */
  readonly caPem: string;
  close(): Promise<void>;
}

/** @param names names in its certificate, of hosts or with * in front */
export async function startControlServer(names: readonly string[]): Promise<ControlServer> {
  const { certPem, keyPem } = makeCertificate({ commonName: names[0]!, dnsNames: [...names] });
  const server = https.createServer(
    { cert: certPem, key: keyPem, minVersion: "TLSv1", ciphers: "ALL@SECLEVEL=0" },
    (_request, response) => response.end("control server\n"),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    caPem: certPem,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
