import type { IssuerSettings } from "../../settings/index.ts";
import type { Deployment, Resource } from "../stack/pending.ts";

/** How long tokens of `npm run token` live unless --ttl says otherwise, in minutes. */
const usualMinutes = 10;

/**
 * Where the rotation of signing keys stands, a line for each key that is not the one and only, and for those that go.
 * It goes by the state alone: what an update handed to the proxies, nobody asked them about.
 *
 * @param issuers issuers as the stack's file has them
 * @param state what the stack's last update left; undefined before the first
 */
export function keyRotation(
  issuers: readonly IssuerSettings[],
  state: Deployment | undefined,
): string[] {
  const resources = state?.resources ?? [];
  const sets = publishedSets(resources);
  const moved = lastHandedOut(resources);
  const names = new Set([...issuers.map(({ name }) => name), ...Object.keys(sets)]);
  return [...names].flatMap((name) => {
    const { keyIds = [] } = issuers.find((issuer) => issuer.name === name) ?? {};
    const made = madeKeys(resources, name, sets[name]);
    return linesOf(keyIds, made, moved).map((text) => `issuer ${name}: ${text}`);
  });
}

/** @param moved when key sets were last handed to the proxies, ms since 1970; undefined when nothing asks for tokens */
function linesOf(
  keyIds: readonly string[],
  made: readonly MadeKey[],
  moved: number | undefined,
): string[] {
  const [signing] = made;
  const listed = new Set([...keyIds, ...made.map((key) => key.id)]);
  if (!signing || (listed.size < 2 && keyIds.length > 0)) return [];
  return [...listed].flatMap((id) => {
    const key = made.find((k) => k.id === id);
    if (!key) return [`key ${id} is made by the next npm start; until then it signs nothing`];
    if (!keyIds.includes(id)) return [`key ${id} goes with the next npm start, and its tokens`];
    if (key === signing) return [`key ${id} signs`];
    const drop = dropLine(moved);
    if (key.created <= signing.created) return [`key ${id} ${drop}`];
    // whether it was in front for a while stands nowhere
    const handed = `key ${id} is handed to all proxies; in front of ${signing.id} it signs`;
    return [`${handed}; if it was in front before, it ${drop}`];
  });
}

function dropLine(moved: number | undefined): string {
  if (moved === undefined) return "may be dropped: nothing asks for tokens now";
  const from = new Date(moved + usualMinutes * 60_000).toISOString().replace(/\.\d+/, "");
  return `may be dropped from ${from} on; later if it signed tokens for more than ${usualMinutes} minutes`;
}

/**
 * When an update last changed what proxies know of tokens. Other edits move it too, which errs on the safe side; the
 * engine does not move the date of a component whose inputs change.
 */
function lastHandedOut(resources: readonly Resource[]): number | undefined {
  const sets = resources.filter((r) => r.type.endsWith(":RequestAuthentication"));
  return sets.length === 0 ? undefined : Math.max(...sets.map((r) => time(r.modified)));
}

interface MadeKey {
  readonly id: string;
  /** ms since 1970 */
  readonly created: number;
}

/** Key sets of the stack's own issuers as its outputs have them, by name. */
function publishedSets(resources: readonly Resource[]): Readonly<Record<string, string>> {
  const stack = resources.find((r) => r.type === "pulumi:pulumi:Stack");
  return (stack?.outputs?.publicKeys ?? {}) as Record<string, string>;
}

/** The issuer's keys in the state, in the order in which they are published: the first signs. */
function madeKeys(
  resources: readonly Resource[],
  issuer: string,
  published = '{"keys":[]}',
): MadeKey[] {
  const { keys } = JSON.parse(published) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => {
    const id = kid.replace(/-[0-9a-f]{8}$/, "");
    const own = resources.find((r) => r.urn.endsWith(`::tokens-${issuer}.${id}-key`));
    return { id, created: time(own?.created) };
  });
}

function time(text: unknown): number {
  return typeof text === "string" ? Date.parse(text) : 0;
}
