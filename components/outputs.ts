import {
  type AllowRule,
  type ServiceSettings,
  type Settings,
  asksForToken,
  prefixOf,
  rolledOut,
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
    if (prefix === undefined) return [];
    // a comment, for lines are pasted
    if (rule === undefined) return [`# ${service.name}: ${noExample}`];
    const token = rule && asksForToken(rule) ? `${bearer(stack, rule)} ` : "";
    const path = rule?.paths ? somePath(rule.paths) : prefix;
    return [`${options} ${token}${tls ? "https" : "http"}://${host}:${port}${path}`];
  });
}

const noExample =
  "no rule lets a GET in that a token of npm run token alone would do for (npm run -s graph shows its rules)";

/** A path that one of the patterns matches; undefined when all begin with a star. */
function somePath(paths: readonly string[]): string | undefined {
  const path = paths.find((pattern) => pattern.startsWith("/") && !/[{}]/.test(pattern));
  return path?.replace(/\/\*$/, "/1").replace(/\*$/, "");
}

/** Whom rules have reached, in words: all, or who has none yet. */
export function rollout(settings: Settings): string {
  const names = settings.services.map(({ name }) => name);
  const reached = names.filter((name) => rolledOut(settings, name));
  if (settings.authorization === "off" || reached.length === names.length) return "all";
  const open = names.filter((name) => !reached.includes(name));
  return `${reached.join(", ") || "the gateway alone"}; open as before: ${open.join(", ")}`;
}

/** The rule by which the gateway lets somebody read a service; null when none is needed, undefined when none does. */
function reading(settings: Settings, service: ServiceSettings): AllowRule | null | undefined {
  if (settings.authorization !== "enforce") return null;
  const own = settings.authentication.issuers.filter((issuer) => issuer.keyIds);
  return (service.allowFrom ?? []).find((rule) => {
    const { gateway, methods, paths, rpcs, headers, claims, issuer, remoteIpBlocks } = rule;
    const anywhere = !headers && !remoteIpBlocks;
    const asked = paths === undefined || somePath(paths) !== undefined;
    const plain = gateway && asked && !rpcs && anywhere && (methods?.includes("GET") ?? true);
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
