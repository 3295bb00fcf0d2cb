import { type Settings, prefixOf } from "../settings/index.ts";

/** Where callers reach the gateway, by scheme; undefined where nobody can know it before the Service is there. */
export function endpoints(settings: Settings): Record<string, string> {
  if (settings.cluster !== "kind") return {};
  const { host, httpPort, httpsPort, gatewayTls } = settings;
  const http = { http: `http://${host}:${httpPort}` };
  return gatewayTls === "NONE" ? http : { ...http, https: `https://${host}:${httpsPort}` };
}

/**
 * curl commands that call each service through the gateway, and fail on any answer but the right one.
 *
 * @param stack stack whose certificates the commands use, as `npm run certs` writes them
 */
export function howToCall(stack: string, settings: Settings): string[] {
  if (settings.cluster !== "kind") return [];
  const { host, httpPort, httpsPort, gatewayTls, services } = settings;
  const tls = gatewayTls !== "NONE";
  const port = tls ? httpsPort : httpPort;
  const folder = `.bankmesh/certs/${stack}`;
  const options = [
    "curl -fsS",
    `--resolve ${host}:${port}:127.0.0.1`,
    ...(tls ? [`--cacert ${folder}/ca.crt`] : []),
    ...(gatewayTls === "MUTUAL" ? [`--cert ${folder}/client.crt --key ${folder}/client.key`] : []),
  ].join(" ");
  return services
    .map(prefixOf)
    .filter((prefix) => prefix !== undefined)
    .map((prefix) => `${options} ${tls ? "https" : "http"}://${host}:${port}${prefix}`);
}
