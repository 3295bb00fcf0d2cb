import type { AllowRule, DenyRule } from "./access-schema.ts";
import type { Tools } from "./access-checks.ts";
import { addressChecks, namespaceChecks, principalChecks } from "./caller-checks.ts";
import { nearest } from "./nearest.ts";
import { prefixOf, versionOf } from "./prefix.ts";
import type { Problem } from "./problems.ts";
import type { ServiceSettings, Settings } from "./schema.ts";
import { tokenHeaderChecks, writtenHeaderChecks } from "./token-headers.ts";

export type Rule = AllowRule | DenyRule;

// A fix takes a wrong rule away, never what it asks for: that would leave a wider one.
/** What is wrong with one rule. */
export function ruleChecks(
  s: Settings,
  service: ServiceSettings,
  rule: Rule,
  key: string,
  list: "allowFrom" | "denyFrom",
  { problem, remove, set }: Tools,
): Problem[] {
  const found: Problem[] = [];
  const callers = (["gateway", "service", "namespace", "principal"] as const).filter(
    (c) => rule[c] !== undefined,
  );
  const least = list === "allowFrom" ? 1 : 0;
  if (callers.length < least || callers.length > 1)
    found.push(
      problem(
        key,
        rule,
        "one caller: gateway, service, namespace or principal; another rule for another caller",
        callers.length > 1 ? remove(key) : set(`${key}.service`, "<name>"),
      ),
    );
  const names = s.services.map((x) => x.name);
  if (rule.service !== undefined && !names.includes(rule.service)) {
    const near = nearest(rule.service, names);
    found.push(
      problem(
        `${key}.service`,
        rule.service,
        `a service of this stack: ${names.join(", ")}${near ? `; did you mean ${near}?` : ""}`,
        set(`${key}.service`, near ?? "<name>"),
      ),
    );
  }
  found.push(...principalChecks(s, rule, key, { problem, remove, set }));
  found.push(...namespaceChecks(s, rule, key, { problem, remove, set }));
  const prefix = prefixOf(service);
  const ports = service.ports?.map((p) => p.targetPort) ?? [8080];
  if (list === "allowFrom" && rule.gateway && ports.slice(1).some((p) => rule.ports?.includes(p)))
    found.push(
      problem(
        `${key}.ports`,
        rule.ports,
        `${ports[0]} or nothing: the gateway's routes lead to the first port alone`,
        remove(key),
      ),
    );
  if (rule.gateway && prefix === undefined)
    found.push(
      problem(
        `${key}.gateway`,
        true,
        `nothing, because ${service.name} has no route (prefix is false)`,
        remove(key),
      ),
    );
  if (rule.version !== undefined && rule.version !== versionOf(service))
    found.push(
      problem(
        `${key}.version`,
        rule.version,
        `${versionOf(service)}, the version of ${service.name}: no pod bears another one`,
        set(`${key}.version`, versionOf(service)),
      ),
    );
  else if (rule.version !== undefined && !/^[a-z0-9]+([.-]?[a-z0-9]+)*$/.test(rule.version))
    found.push(
      problem(
        `${key}.version`,
        rule.version,
        "small letters, digits, - and . alone, for it becomes part of a policy's name",
        remove(key),
      ),
    );
  if (list === "denyFrom" && rule.version !== undefined && rule.remoteIpBlocks)
    found.push(
      problem(
        `${key}.version`,
        rule.version,
        "nothing beside remoteIpBlocks: the gateway, which knows addresses, knows no versions",
        remove(`${key}.version`),
      ),
    );
  if (rule.remoteIpBlocks) found.push(...addressChecks(s, rule, key, { problem, remove, set }));
  if (rule.gateway && prefix !== undefined)
    (rule.paths ?? []).forEach((path, i) => {
      if (serves(prefix, path)) return;
      const why = path.startsWith("*")
        ? "; what begins with * would be about paths of other services too"
        : "";
      found.push(
        problem(
          `${key}.paths[${i}]`,
          path,
          `a path that the gateway routes to ${service.name}: ${prefix} or below it${why}`,
          set(`${key}.paths[${i}]`, `'<path below ${prefix}>'`),
        ),
      );
    });
  return [
    ...found,
    ...tokenChecks(s, rule, key, { problem, remove, set }),
    ...tokenHeaderChecks(s, rule, key, { problem, remove }),
    ...writtenHeaderChecks(s, service, rule, key, { problem, remove }),
    ...protocolChecks(service, rule, key, { problem, remove, set }),
  ];
}

/** Claims that rules cannot, or need not, ask for, and what does. */
const claimsElsewhere: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["exp", "nbf", "iat"].map((claim) => [
      claim,
      "it is a number, and rules match texts; authentication.requireExpiry asks for exp",
    ]),
  ),
  ...Object.fromEntries(
    ["auth_time", "updated_at", "email_verified", "phone_number_verified"].map((claim) => [
      claim,
      "it is a number or true or false in tokens, and rules match texts",
    ]),
  ),
  iss: "issuer names an issuer",
  aud: "audiences stand with the issuer, in authentication.issuers",
};

function tokenChecks(
  s: Settings,
  rule: Rule,
  key: string,
  { problem, remove, set }: Tools,
): Problem[] {
  const { issuers } = s.authentication;
  const asked = (["claims", "token", "issuer"] as const).find((field) => rule[field] !== undefined);
  const found: Problem[] = [];
  if (asked && issuers.length === 0)
    found.push(
      problem(
        `${key}.${asked}`,
        rule[asked],
        "nothing, because authentication.issuers is empty, so no token is ever valid",
        remove(key),
      ),
    );
  else if (rule.issuer !== undefined && !issuers.some((i) => i.name === rule.issuer))
    found.push(
      problem(
        `${key}.issuer`,
        rule.issuer,
        `the name of an issuer: ${issuers.map((i) => i.name).join(", ")}`,
        set(`${key}.issuer`, issuers[0]!.name),
      ),
    );
  for (const [claim, instead] of Object.entries(claimsElsewhere)) {
    const asked = rule.claims?.[claim];
    if (asked)
      found.push(
        problem(`${key}.claims.${claim}`, asked, `not in a rule: ${instead}`, remove(key)),
      );
  }
  const listed = issuers.flatMap((i) => i.spaceDelimitedClaims ?? []);
  for (const claim of new Set(["scope", "permission", ...listed])) {
    const words = rule.claims?.[claim]?.find((value) => /\s/.test(value));
    if (words !== undefined)
      found.push(
        problem(
          `${key}.claims.${claim}`,
          words,
          "one word: the claim is words apart by spaces, and each is looked at alone",
          remove(key),
        ),
      );
  }
  return found;
}

/** A field of HTTP in a rule about TCP never matches in ALLOW, and makes a DENY wider than it reads. */
function protocolChecks(
  service: ServiceSettings,
  rule: Rule,
  key: string,
  { problem, remove, set }: Tools,
): Problem[] {
  const ports = service.ports ?? [{ port: 80, targetPort: 8080, protocol: "http" as const }];
  const found: Problem[] = [];
  const open = ports.map((p) => p.targetPort);
  (rule.ports ?? []).forEach((p, i) => {
    if (open.includes(p)) return;
    const allowed = `a container port of ${service.name}: ${open.join(", ")}`;
    found.push(
      problem(`${key}.ports[${i}]`, p, allowed, set(`${key}.ports[${i}]`, String(open[0]))),
    );
  });
  const meant = ports.filter((p) => !rule.ports || rule.ports.includes(p.targetPort));
  const opaque = meant.filter((p) => ["tcp", "tls", "https"].includes(p.protocol));
  const field = (
    ["methods", "paths", "rpcs", "claims", "token", "issuer", "headers"] as const
  ).find((f) => rule[f] !== undefined);
  if (field && opaque.length > 0)
    found.push(
      problem(
        `${key}.${field}`,
        rule[field],
        `nothing on port ${opaque[0]!.targetPort}, which speaks ${opaque[0]!.protocol}: name the ports that speak HTTP`,
        remove(key),
      ),
    );
  if (rule.rpcs && rule.gateway)
    found.push(
      problem(
        `${key}.rpcs`,
        rule.rpcs,
        "nothing for the gateway, which routes by prefix",
        remove(key),
      ),
    );
  if (rule.rpcs && (rule.methods || rule.paths))
    found.push(problem(`${key}.rpcs`, rule.rpcs, "no methods or paths beside it", remove(key)));
  if (rule.rpcs && !meant.some((p) => p.protocol === "grpc"))
    found.push(
      problem(
        `${key}.rpcs`,
        rule.rpcs,
        `nothing, because no port of ${service.name} speaks grpc`,
        remove(key),
      ),
    );
  return found;
}

/** Whether a path is a prefix or below it. */
export function serves(prefix: string | undefined, path: string): boolean {
  return prefix !== undefined && (path === prefix || path.startsWith(`${prefix}/`));
}
