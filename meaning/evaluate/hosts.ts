/** Full name of a host that an object of a namespace names: one without a dot is a Service beside it. */
export function fullName(host: string, namespace: string): string {
  return host.includes(".") || host === "*" ? host : `${host}.${namespace}.svc.cluster.local`;
}

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** Whether a name with `*` in front is about a host. */
export function wildcardMatches(wildcard: string, host: string): boolean {
  return host.endsWith(wildcard.slice(1));
}

/** Whether everything that the one name is about, the other is about as well. */
export function isPartOf(host: string, other: string): boolean {
  if (!isWildcard(other)) return host === other;
  if (isWildcard(host) && host.length < other.length) return false;
  return isWildcard(host) ? wildcardMatches(other, host.slice(1)) : wildcardMatches(other, host);
}

/** Whether a name comes before another: without `*` first, then the longer one. */
export function moreSpecific(a: string, b: string): boolean {
  if (isWildcard(a) !== isWildcard(b)) return isWildcard(b);
  return a.length === b.length ? a < b : a.length > b.length;
}

/** Names that both are about. */
export function intersection(ours: readonly string[], theirs: readonly string[]): string[] {
  const common = ours.flatMap((a) =>
    theirs.flatMap((b) => (isPartOf(a, b) ? [a] : isPartOf(b, a) ? [b] : [])),
  );
  return [...new Set(common)];
}

/** Host of a request without its port, in small letters. */
export function bareHost(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "");
}

/** The most specific of several names that is about a host; undefined where none is. */
export function bestMatch(names: readonly string[], host: string): string | undefined {
  return names
    .filter((n) => (isWildcard(n) ? wildcardMatches(n, host) : n === host))
    .sort((a, b) => (moreSpecific(a, b) ? -1 : 1))[0];
}
