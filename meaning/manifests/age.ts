import type { Platform, Policy } from "./platform.ts";

/** Lists of a platform whose order counts: Istio takes the oldest of several that speak of the same. */
const lists = [
  ...(["peerAuthentications", "requestAuthentications", "authorizationPolicies"] as const),
  ...(["destinationRules", "gateways", "virtualServices", "envoyFilters"] as const),
];

/** An object's age, as far as anybody tells. */
type Aged = Pick<Policy<unknown>, "name" | "namespace" | "created">;

/**
 * Order in which Istio reads objects: the oldest first, those of one age by name, then by namespace. One that no cluster
 * has yet is made after those that one has.
 */
export function byAge(one: Aged, other: Aged): number {
  return (
    order(one.created ?? never, other.created ?? never) ||
    order(one.name, other.name) ||
    order(one.namespace, other.namespace)
  );
}

/** After all times. */
const never = "~";

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A platform that comes after another one: what that one has, too, is older than what is new, in the order that it has
 * there. Objects that a cluster gave their ages stay in the order of these.
 */
export function madeAfter(base: Platform, head: Platform): Platform {
  const reordered = lists.map((list) => [list, newLast(base[list], head[list])] as const);
  return { ...head, ...Object.fromEntries(reordered) };
}

function newLast(before: readonly Aged[], after: readonly Aged[]): readonly Aged[] {
  if (after.every(({ created }) => created !== undefined)) return after;
  const key = ({ namespace, name }: Aged) => `${namespace}/${name}`;
  const ranks = new Map(before.map((p, i) => [key(p), i]));
  const rank = (p: Aged) => ranks.get(key(p)) ?? before.length;
  // the sort keeps the order of those that are new
  return after.toSorted((one, other) => rank(one) - rank(other));
}
