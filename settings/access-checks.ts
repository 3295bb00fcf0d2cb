import type { AllowRule, DenyRule } from "./access-schema.ts";
import { prefixOf } from "./prefix.ts";
import { type Problem, setCommand, show } from "./problems.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

type Rule = AllowRule | DenyRule;

/** Rules about callers, held against services, routes and issuers. Pure: settings in, problems out. */
export function accessChecks(stack: string, s: Settings): Problem[] {
  const problem = (key: string, value: unknown, allowed: string, fix: string): Problem => ({
    key,
    value: show(value),
    allowed,
    fix,
  });
  const remove = (key: string) => `pulumi config rm --stack ${stack} --path 'bankmesh:${key}'`;
  const set = (key: string, value: string) => setCommand(stack, key, value);
  const tools = { problem, remove, set };
  return [
    ...modeChecks(s, tools),
    ...issuerChecks(s, tools),
    ...rolloutChecks(s, tools),
    ...s.services.flatMap((service, i) => [
      ...(["allowFrom", "denyFrom"] as const).flatMap((list) =>
        (service[list] ?? []).flatMap((rule, j) =>
          ruleChecks(s, service, rule, `services[${i}].${list}[${j}]`, list, tools),
        ),
      ),
      ...contradictions(service, `services[${i}]`, tools),
      ...(s.authorization === "off" || !rolledOut(s, service.name)
        ? []
        : coverage(service, `services[${i}]`, tools)),
    ]),
  ];
}

interface Tools {
  readonly problem: (key: string, value: unknown, allowed: string, fix: string) => Problem;
  readonly remove: (key: string) => string;
  readonly set: (key: string, value: string) => string;
}

/** Whether rules apply to a service at this step of the rollout. */
export function rolledOut({ rollout }: Pick<Settings, "rollout">, service: string): boolean {
  if (rollout.mode === "all") return true;
  return rollout.services.includes(service) === (rollout.mode === "only");
}

/** Without mTLS there are no identities, and a rule about one would let nobody in. */
function modeChecks(s: Settings, { problem, set }: Tools): Problem[] {
  if (s.authorization === "off") return [];
  const why = `not DISABLE while authorization is ${s.authorization}: plaintext has no identity that a rule could name`;
  const namespace =
    s.mtlsMode === "DISABLE"
      ? [problem("mtlsMode", s.mtlsMode, why, set("mtlsMode", "STRICT"))]
      : [];
  const workloads = s.workloadMtls.flatMap((w, i) => {
    const at = (field: string) => `workloadMtls[${i}].${field}`;
    const modes = Object.entries({ [at("mode")]: w.mode, ...prefixed(w.ports ?? {}, at) });
    return modes.flatMap(([key, mode]) =>
      mode === "DISABLE" ? [problem(key, mode, why, set(key, "STRICT"))] : [],
    );
  });
  return [...namespace, ...workloads];
}

function prefixed<T>(ports: Readonly<Record<string, T>>, at: (field: string) => string) {
  return Object.fromEntries(Object.entries(ports).map(([p, v]) => [at(`ports["${p}"]`), v]));
}

function issuerChecks(s: Settings, { problem, remove, set }: Tools): Problem[] {
  const { issuers, exempt } = s.authentication;
  const twins = issuers.flatMap((issuer, i) =>
    (["name", "issuer"] as const).flatMap((field) => {
      const first = issuers.findIndex((other) => other[field] === issuer[field]);
      if (first === i) return [];
      const key = `authentication.issuers[${i}].${field}`;
      const allowed = `a ${field} of its own; issuers[${first}] has the same`;
      return [problem(key, issuer[field], allowed, set(key, `${issuer[field]}-2`))];
    }),
  );
  const sources = issuers.flatMap((issuer, i) => {
    const given = (["keyIds", "jwks", "jwksUri"] as const).filter((k) => issuer[k] !== undefined);
    const key = `authentication.issuers[${i}].${given.at(-1)}`;
    return given.length > 1
      ? [problem(key, "set", `one of keyIds, jwks and jwksUri, or none of them`, remove(key))]
      : [];
  });
  const ids = issuers.flatMap((issuer, i) =>
    (issuer.keyIds ?? []).flatMap((id, j) => {
      const key = `authentication.issuers[${i}].keyIds[${j}]`;
      return issuer.keyIds!.indexOf(id) < j
        ? [problem(key, id, "each key id once", remove(key))]
        : [];
    }),
  );
  const unserved = exempt.flatMap((path, i) => {
    const key = `authentication.exempt[${i}]`;
    return path.startsWith("*") || s.services.some((x) => serves(prefixOf(x), path))
      ? []
      : [problem(key, path, `a path that a service serves: ${prefixes(s)}`, remove(key))];
  });
  const unknownKeys = issuers.flatMap((issuer, i) =>
    s.authentication.requireExpiry && !issuer.keyIds && issuer.jwks === undefined
      ? [
          problem(
            "authentication.requireExpiry",
            true,
            `false while the keys of issuers[${i}] (${issuer.name}) are fetched: it writes Envoy's part for an issuer anew, keys included`,
            set("authentication.requireExpiry", "false"),
          ),
        ]
      : [],
  );
  const idle =
    s.authentication.requireExpiry && (issuers.length === 0 || s.authorization === "off")
      ? [
          problem(
            "authentication.requireExpiry",
            true,
            issuers.length === 0
              ? "false without issuers: there is no token that it could be about"
              : "false while authorization is off: no token is looked at",
            set("authentication.requireExpiry", "false"),
          ),
        ]
      : [];
  return [...twins, ...sources, ...ids, ...unserved, ...unknownKeys, ...idle];
}

function rolloutChecks(s: Settings, { problem, remove, set }: Tools): Problem[] {
  const { mode, services } = s.rollout;
  const names = s.services.map((x) => x.name);
  const unknown = services.flatMap((name, i) =>
    names.includes(name)
      ? []
      : [
          problem(
            `rollout.services[${i}]`,
            name,
            `one of ${names.join(", ")}`,
            remove(`rollout.services[${i}]`),
          ),
        ],
  );
  if (s.meshDefaultDeny && (mode !== "all" || s.authorization === "off"))
    unknown.push(
      problem(
        "meshDefaultDeny",
        true,
        "false, unless authorization is on and rollout.mode is all: it would refuse what has no policy yet",
        set("meshDefaultDeny", "false"),
      ),
    );
  if (mode === "all" ? services.length === 0 : services.length > 0) return unknown;
  const allowed = mode === "all" ? "nothing while rollout.mode is all" : "at least one service";
  const fix = mode === "all" ? remove("rollout.services") : set("rollout.services[0]", names[0]!);
  return [...unknown, problem("rollout.services", services, allowed, fix)];
}

// A fix takes a wrong rule away, never what it asks for: that would leave a wider one.
function ruleChecks(
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
  if (rule.service !== undefined && !names.includes(rule.service))
    found.push(
      problem(
        `${key}.service`,
        rule.service,
        `a service of this stack: ${names.join(", ")}`,
        set(`${key}.service`, "<name>"),
      ),
    );
  const prefix = prefixOf(service);
  if (rule.gateway && prefix === undefined)
    found.push(
      problem(
        `${key}.gateway`,
        true,
        `nothing, because ${service.name} has no route (prefix is false)`,
        remove(key),
      ),
    );
  if (rule.gateway && prefix !== undefined)
    (rule.paths ?? []).forEach((path, i) => {
      if (serves(prefix, path)) return;
      found.push(
        problem(
          `${key}.paths[${i}]`,
          path,
          `a path that the gateway routes to ${service.name}: ${prefix} or below it`,
          set(`${key}.paths[${i}]`, prefix),
        ),
      );
    });
  return [
    ...found,
    ...tokenChecks(s, rule, key, { problem, remove, set }),
    ...protocolChecks(service, rule, key, { problem, remove, set }),
  ];
}

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
  for (const claim of ["scope", "permission"]) {
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

function contradictions(
  service: ServiceSettings,
  key: string,
  { problem, remove }: Tools,
): Problem[] {
  const denied = service.denyFrom ?? [];
  return (service.allowFrom ?? []).flatMap((allow, i) => {
    const by = denied.findIndex((deny) => coversRule(deny, allow));
    if (by < 0) return [];
    const allowed = `something that denyFrom[${by}] does not refuse; deny comes first, so this rule lets nobody in`;
    return [problem(`${key}.allowFrom[${i}]`, allow, allowed, remove(`${key}.allowFrom[${i}]`))];
  });
}

/** Whether everything that one rule matches is matched by the other: each thing that it asks for is asked for there. */
function coversRule(wide: Rule, narrow: Rule): boolean {
  return (Object.keys(wide) as (keyof Rule)[]).every(
    (field) =>
      wide[field] === undefined || JSON.stringify(wide[field]) === JSON.stringify(narrow[field]),
  );
}

/** A service that nobody may call, and a route that leads to a service which the gateway may not call. */
function coverage(service: ServiceSettings, key: string, { problem, set }: Tools): Problem[] {
  const rules = service.allowFrom ?? [];
  if (rules.length === 0)
    return [
      problem(
        `${key}.allowFrom`,
        service.allowFrom,
        `at least one caller of ${service.name}, because whoever is not named may not call it`,
        set(`${key}.allowFrom[0].service`, "<name>"),
      ),
    ];
  const prefix = prefixOf(service);
  if (prefix === undefined || rules.some((rule) => rule.gateway)) return [];
  return [
    problem(
      `${key}.allowFrom`,
      rules,
      `a rule for the gateway, which serves ${prefix}; or prefix: false for no route`,
      set(`${key}.prefix`, "false"),
    ),
  ];
}

function serves(prefix: string | undefined, path: string): boolean {
  return prefix !== undefined && (path === prefix || path.startsWith(`${prefix}/`));
}

function prefixes(s: Settings): string {
  return s.services.flatMap((x) => prefixOf(x) ?? []).join(", ");
}
