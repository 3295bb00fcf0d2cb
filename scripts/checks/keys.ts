import type { IssuerSettings } from "../../settings/index.ts";
import type { Deployment, Resource } from "../stack/pending.ts";

/** How long tokens of `npm run token` live unless --ttl says otherwise, in minutes. */
const usualMinutes = 10;

/**
 * Where the rotation of signing keys stands, a line for each key that is not the one and only.
 *
 * @param issuers issuers as the stack's file has them
 * @param state what the stack's last update left; undefined before the first
 */
export function keyRotation(
  issuers: readonly IssuerSettings[],
  state: Deployment | undefined,
): string[] {
  const resources = state?.resources ?? [];
  return issuers.flatMap(({ name, keyIds = [] }) => {
    const made = madeKeys(resources, name);
    const listed = new Set([...keyIds, ...made.map((key) => key.id)]);
    if (made.length === 0 || listed.size < 2) return [];
    const [signing] = made;
    const moved = time(resources.find((r) => r.type === "bankmesh:access:SigningKeys")?.modified);
    const line = (text: string) => `issuer ${name}: ${text}`;
    return [...listed].map((id) => {
      const key = made.find((k) => k.id === id);
      if (!key) return line(`key ${id} is made by the next npm start; until then it signs nothing`);
      if (!keyIds.includes(id))
        return line(`key ${id} goes with the next npm start, and its tokens`);
      if (key === signing) return line(`key ${id} signs`);
      if (key.created > signing!.created)
        return line(`key ${id} is known to all proxies; in front of ${signing!.id} it signs`);
      const from = new Date(moved + usualMinutes * 60_000).toISOString().replace(/\.\d+/, "");
      return line(
        `key ${id} may be dropped from ${from} on; later if it signed tokens for more than ${usualMinutes} minutes`,
      );
    });
  });
}

interface MadeKey {
  readonly id: string;
  readonly created: number;
}

/** The issuer's keys in the state, in the order in which they are published: the first signs. */
function madeKeys(resources: readonly Resource[], issuer: string): MadeKey[] {
  const stack = resources.find((r) => r.type === "pulumi:pulumi:Stack");
  const sets = (stack?.outputs?.publicKeys ?? {}) as Record<string, string>;
  const { keys } = JSON.parse(sets[issuer] ?? '{"keys":[]}') as { keys: { kid: string }[] };
  return keys.map(({ kid }) => {
    const id = kid.replace(/-[0-9a-f]{8}$/, "");
    const own = resources.find((r) => r.urn.endsWith(`::tokens-${issuer}.${id}-key`));
    return { id, created: time(own?.created) };
  });
}

function time(text: unknown): number {
  return typeof text === "string" ? Date.parse(text) : 0;
}
