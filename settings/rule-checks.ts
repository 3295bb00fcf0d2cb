import type { AllowRule, DenyRule } from "./access-schema.ts";
import type { Tools } from "./access-checks.ts";
import { addressChecks, namespaceChecks, principalChecks } from "./caller-checks.ts";
import { tokenChecks } from "./claim-checks.ts";
import { nearest } from "./nearest.ts";
import { prefixOf, versionOf } from "./prefix.ts";
import type { Problem } from "./problems.ts";
import { protocolChecks } from "./protocol-checks.ts";
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
  if (rule.gateway && ports.slice(1).some((p) => rule.ports?.includes(p)))
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
    ...protocolChecks(service, rule, key, list, { problem, remove, set }),
  ];
}

/** Whether a path is a prefix or below it. */
export function serves(prefix: string | undefined, path: string): boolean {
  return prefix !== undefined && (path === prefix || path.startsWith(`${prefix}/`));
}
