import { asksForToken } from "../policies/authorization.ts";
import {
  type AllowRule,
  type ServiceSettings,
  type Settings,
  prefixOf,
} from "../settings/index.ts";

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
  return services.flatMap((service) => {
    const prefix = prefixOf(service);
    const rule = reading(settings, service);
    if (prefix === undefined || rule === undefined) return [];
    const token = rule && asksForToken(rule) ? `${bearer(stack, rule)} ` : "";
    return [`${options} ${token}${tls ? "https" : "http"}://${host}:${port}${prefix}`];
  });
}

/** The rule by which the gateway lets somebody read a service; null when none is needed, undefined when none does. */
function reading(settings: Settings, service: ServiceSettings): AllowRule | null | undefined {
  if (settings.authorization !== "enforce") return null;
  const own = settings.authentication.issuers.filter((issuer) => issuer.keyIds);
  return (service.allowFrom ?? []).find((rule) => {
    const { gateway, methods, paths, rpcs, headers, claims, issuer, remoteIpBlocks } = rule;
    const anywhere = !headers && !remoteIpBlocks;
    const plain = gateway && !paths && !rpcs && anywhere && (methods?.includes("GET") ?? true);
    const signable = issuer === undefined ? own.length > 0 : own.some((i) => i.name === issuer);
    const words = Object.keys(claims ?? {}).every((claim) => ["scope", "role"].includes(claim));
    return plain && (!asksForToken(rule) || (signable && words));
  });
}

/** A header with a token of the stack's own issuer, made when the line is run; not an argument, which others can see. */
function bearer(stack: string, { claims, issuer }: AllowRule): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const options = [
    ...["scope", "role"].flatMap((name) =>
      claims?.[name] ? [`--${name} ${quote(claims[name][0]!)}`] : [],
    ),
    ...(issuer ? [`--issuer ${issuer}`] : []),
  ];
  const command = ["npm run -s token --", stack, ...options].join(" ");
  return `-H @<(printf 'Authorization: Bearer %s' "$(${command})")`;
}
