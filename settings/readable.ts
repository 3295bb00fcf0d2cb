import { type Settings, settingsSchema } from "./schema.ts";

type Values = Record<string, unknown>;
type Path = readonly PropertyKey[];

/** Name of a service whose own cannot be read; it holds the place, so that the keys of those behind it stay right. */
const unread = (index: number) => `unread-${index}`;
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
      const service = serviceAt(issue.path);
      if (issue.code === "unrecognized_keys" && issue.keys.length > 0)
        for (const key of issue.keys) remove(rest, [...issue.path, key]);
      else if (service !== undefined && Array.isArray(rest.services)) {
        const entry = (rest.services as unknown[])[service];
        (rest.services as unknown[])[service] = {
          ...(isMap(entry) && entry),
          name: unread(service),
        };
      } else remove(rest, innermost(rest, issue.path));
    }
  }
  return {};
}

/** Index of the service which, or whose name, an issue is about. */
function serviceAt([key, index, field, ...deeper]: Path): number | undefined {
  if (key !== "services" || typeof index !== "number" || deeper.length > 0) return undefined;
  return field === undefined || field === "name" ? index : undefined;
}

const isMap = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

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
 * Whether a rule between keys says nothing new, because its key, or a part of it, is wrong already. Where names of
 * services, or issuers, could not be read, nothing can be said about who names one of them.
 */
export function saysNothingNew(
  plain: Readonly<Values>,
  readable: Settings,
  wrong: readonly string[],
  ruled: string,
): boolean {
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  if (wrong.some((key) => within(key, ruled))) return true;
  const namesMissing = wrong.some((key) => /^services(\[\d+\](\.name)?)?$/.test(key));
  if (namesMissing && aboutNames.test(ruled)) return true;
  const own = /^services\[(\d+)\]/.exec(ruled);
  if (own && isUnread(readable.services[Number(own[1])]?.name ?? unread(0))) return true;
  const given = valueAt(plain, ["authentication", "issuers"]);
  const issuersMissing =
    given !== undefined &&
    (!Array.isArray(given) || given.length !== readable.authentication.issuers.length);
  return issuersMissing && aboutIssuers.test(ruled);
}

const aboutNames =
  /\.(service|principal)$|^(services$|workloadMtls|rollout|destinationRule|clients|authentication\.exempt)/;
const aboutIssuers = /\.(token|issuer|claims(\..+)?)$|^authentication\b/;
