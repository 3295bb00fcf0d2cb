import type { z } from "zod";
import { nearest } from "./nearest.ts";
import { hasToBe, placeholder } from "./placeholder.ts";
import { type Settings, settingsSchema } from "./schema.ts";

type Values = Record<string, unknown>;
type Path = readonly PropertyKey[];

/** Whether a name holds the place of one that cannot be read. */
const isUnread = (name: string) => name.startsWith("unread-");

const rounds = 20;

/**
 * The values less what the schema refuses, so that the rules between keys can be asked about the rest. Only as much is
 * taken out as has to be: a value first, what it stands in only when it cannot do without.
 */
export function withoutIssues(plain: Readonly<Values>): Values {
  const rest = structuredClone(plain) as Values;
  for (let round = 0; round < rounds; round++) {
    const { error } = settingsSchema.safeParse(rest);
    if (!error) return rest;
    for (const issue of error.issues) {
      if (issue.code === "unrecognized_keys" && issue.keys.length > 0)
        for (const key of issue.keys) remove(rest, [...issue.path, key]);
      else mend(rest, issue);
    }
  }
  return {};
}

/** A slip is read as what was meant; what its list or map cannot do without gets a placeholder; all else goes. */
function mend(rest: Values, issue: z.core.$ZodIssue): void {
  const { path } = issue;
  const given = valueAt(rest, path);
  const values = issue.code === "invalid_value" ? issue.values.map(String) : [];
  const meant = typeof given === "string" ? nearest(given, values) : undefined;
  const instead = meant ?? (hasToBe(path) ? placeholder(path) : undefined);
  if (instead === undefined) remove(rest, innermost(rest, path));
  else (valueAt(rest, path.slice(0, -1)) as Record<PropertyKey, unknown>)[path.at(-1)!] = instead;
}

const valueAt = (root: unknown, path: Path) =>
  path.reduce<unknown>((v, p) => (v as Record<PropertyKey, unknown> | undefined)?.[p], root);

/** The part of a path that is there. */
function innermost(root: Values, path: Path): Path {
  if (path.length <= 1 || valueAt(root, path) !== undefined) return path;
  return innermost(root, path.slice(0, -1));
}

function remove(root: Values, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1));
  if (typeof parent === "object" && parent !== null) Reflect.deleteProperty(parent, path.at(-1)!);
}

/**
 * Whether a rule between keys says nothing new, because its key, or a part of it, is wrong already, or what it hangs on.
 * Where names of services, or issuers, could not be read, nothing can be said about who names one of them.
 *
 * @param wrong keys that could not be read, and those that unknown ones were probably meant for
 */
export function saysNothingNew(
  readable: Settings,
  wrong: readonly string[],
  ruled: string,
): boolean {
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  if (wrong.some((key) => within(ruled, key))) return true;
  // a list of rules is judged by who calls: what else is wrong with one of them does not matter
  const told = /\.allowFrom$/.test(ruled)
    ? wrong.filter((key) => /^(\[\d+\](\.gateway)?)?$/.test(key.slice(ruled.length)))
    : wrong;
  if (told.some((key) => within(key, ruled))) return true;
  if (hangsOn.some(([on, what]) => what.test(ruled) && wrong.some((key) => on.test(key))))
    return true;
  const own = /^services\[(\d+)\]/.exec(ruled);
  return own !== null && isUnread(readable.services[Number(own[1])]?.name ?? "unread-");
}

/** Keys that leave others unjudged while they cannot be read, each with these. */
const hangsOn: readonly (readonly [on: RegExp, what: RegExp])[] = [
  [
    /^services(\[\d+\](\.name)?)?$/,
    /\.(service|principal)$|^(services$|workloadMtls|rollout|destinationRule|clients|authentication\.exempt)/,
  ],
  [
    /^authentication(\.issuers(\[\d+\](\.name)?)?)?$/,
    /\.(token|issuer|claims(\..+)?)$|^authentication\.(inside|requireExpiry)$/,
  ],
  [/^authentication\.issuers\[\d+\]\.(keyIds|jwks)/, /^authentication\.requireExpiry$/],
  [/^authorization$/, /^(authentication\.(inside|requireExpiry)|meshDefaultDeny)$/],
  [
    /^rollout(\..+)?$/,
    /^(rollout\.(services|namespaces)|meshDefaultDeny)$|^(workloadMtls|mtlsMode)|\.(allowFrom|remoteIpBlocks)$/,
  ],
  [
    /^(cluster|adopt)/,
    /^(context|adopt|gatewayServiceType|workers|https?Port|trustedProxies)|\.(namespace|principal)$/,
  ],
  [/^(namespace$|clients)/, /\.(namespace|principal)$|^(rollout\.namespaces|adopt)/],
  [
    /^services\[\d+\]\.(prefix|ports|version)/,
    /\.(paths\[\d+\]|ports(\[.+)?|rpcs|version|prefix|gateway)$|^authentication\.exempt/,
  ],
  [/^destinationRule\.scope$/, /^destinationRule/],
  [/^pki/, /^pki/],
  [/^https?Port$/, /^https?Port$/],
];
