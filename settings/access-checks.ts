import { claimHeaderChecks } from "./claim-headers.ts";
import { prefixOf } from "./prefix.ts";
import { type Problem, setCommand, show } from "./problems.ts";
import { isAsked, rolledOut } from "./rollout.ts";
import { addressChecks, rolloutChecks } from "./rollout-checks.ts";
import { ruleChecks, serves } from "./rule-checks.ts";
import { exemptChecks, pairChecks } from "./rule-pairs.ts";
import type { ServiceSettings, Settings } from "./schema.ts";
import { routeHeaderChecks, tokenPlaceChecks } from "./token-headers.ts";

/** Rules about callers, held against services, routes and issuers. Pure: settings in, problems out. */
export function accessChecks(
  stack: string,
  s: Settings,
  unread: readonly string[] = [],
): Problem[] {
  const problem = (key: string, value: unknown, allowed: string, fix: string): Problem => ({
    key,
    value: show(value),
    allowed,
    fix,
  });
  const remove = (key: string) => `pulumi config rm --stack ${stack} --path 'bankmesh:${key}'`;
  const set = (key: string, value: string) => setCommand(stack, key, value);
  const isRead = (key: string) => !unread.some((k) => k === key || k.startsWith(`${key}.`));
  const write = (what: string) => `in Pulumi.${stack}.yaml, write ${what}`;
  const tools = { problem, remove, set, write, isRead };
  return [
    ...modeChecks(s, tools),
    ...issuerChecks(s, tools),
    ...tokenPlaceChecks(s, tools),
    ...routeHeaderChecks(s, tools),
    ...exemptChecks(s, tools),
    ...rolloutChecks(s, tools),
    ...s.services.flatMap((service, i) => [
      ...(["allowFrom", "denyFrom"] as const).flatMap((list) =>
        (service[list] ?? []).flatMap((rule, j) =>
          ruleChecks(s, service, rule, `services[${i}].${list}[${j}]`, list, tools),
        ),
      ),
      ...pairChecks(s, service, `services[${i}]`, tools),
      ...addressChecks(s, service, `services[${i}]`, tools),
      ...(s.authorization === "off" || !isAsked(s, service)
        ? []
        : coverage(s, service, `services[${i}]`, tools)),
    ]),
  ];
}

/** How a check says what is wrong and how to mend it. */
export interface Tools {
  readonly problem: (key: string, value: unknown, allowed: string, fix: string) => Problem;
  readonly remove: (key: string) => string;
  readonly set: (key: string, value: string) => string;
  /** Whether all of a rule could be read. @default true */
  readonly isRead?: (key: string) => boolean;
}

interface Edits extends Tools {
  /** An edit of the stack's file, for what no command sets. */
  readonly write: (what: string) => string;
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
    // nobody asks for identities there yet
    if (!rolledOut(s, w.service)) return [];
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
    if (/^\/?\*$/.test(path))
      return [
        problem(key, path, "some paths: this one opens everything to everybody", remove(key)),
      ];
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
  const nothingInside =
    s.authentication.inside === "namespace" && (issuers.length === 0 || s.authorization === "off")
      ? [
          problem(
            "authentication.inside",
            "namespace",
            issuers.length === 0
              ? "workloads without issuers: there is no token to look at"
              : "workloads while authorization is off: no token is looked at",
            remove("authentication.inside"),
          ),
        ]
      : [];
  return [
    ...nothingInside,
    ...twins,
    ...sources,
    ...ids,
    ...claimHeaderChecks(s, { problem, remove, set }),
    ...unserved,
    ...unknownKeys,
    ...idle,
  ];
}

/** A service that nobody may call, and a route that leads to a service which the gateway may not call. */
function coverage(
  s: Settings,
  service: ServiceSettings,
  key: string,
  { problem, set, write }: Edits,
): Problem[] {
  const rules = service.allowFrom ?? [];
  const prefix = prefixOf(service);
  if (rules.length === 0)
    return [
      problem(
        `${key}.allowFrom`,
        service.allowFrom,
        `at least one caller of ${service.name}, because whoever is not named may not call it`,
        prefix === undefined
          ? set(`${key}.allowFrom[0].service`, "<name>")
          : write(
              `${key}.allowFrom: [{gateway: true${s.authentication.issuers.length > 0 ? ", token: true" : ""}}], or prefix: false where nobody outside may call it`,
            ),
      ),
    ];
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

function prefixes(s: Settings): string {
  return s.services.flatMap((x) => prefixOf(x) ?? []).join(", ");
}
