import type { Draft, Parts } from "./drafts.ts";

/** Values that are tried in a request's parts beside those of its own rule. */
export type Pool = Partial<Parts>;

/** The request that a rule's own values make. */
export function centreOf(parts: Parts, base: Draft): Draft {
  const first = <K extends keyof Draft>(key: K, [value]: readonly (Draft[K] | undefined)[]) =>
    value === undefined ? {} : { [key]: value };
  return {
    ...base,
    ...first("caller", parts.callers),
    ...first("method", parts.methods),
    ...first("path", parts.paths),
    ...first("host", parts.hosts),
    ...first("headers", parts.headers),
    ...first("token", parts.tokens),
    ...first("address", parts.addresses),
    ...first("port", parts.ports),
    ...first("serverName", parts.serverNames),
  };
}

/** A request and those that differ from it in one part. */
export function neighbours(centre: Draft, parts: Parts, pool: Pool = {}): Draft[] {
  const all = <K extends keyof Parts>(key: K) => [...parts[key], ...(pool[key] ?? [])] as Parts[K];
  const { headers: _headers, token: _token, ...bare } = centre;
  void [_headers, _token];
  const kept = {
    ...(centre.headers && { headers: centre.headers }),
    ...(centre.token && { token: centre.token }),
  };
  return [
    centre,
    ...all("callers").map((caller) => ({ ...centre, caller })),
    ...all("methods").map((method) => ({ ...centre, method })),
    ...all("paths").map((path) => ({ ...centre, path })),
    ...all("hosts").map((host) => ({ ...centre, host })),
    ...all("addresses").map((address) => ({ ...centre, address })),
    ...all("ports").map((port) => ({ ...centre, port })),
    ...all("serverNames").map((serverName) => ({ ...centre, serverName })),
    ...all("headers").map((headers) => {
      const { headers: _mine, ...rest } = kept;
      void _mine;
      return { ...bare, ...rest, ...(headers && { headers }) };
    }),
    ...all("tokens").map((token) => {
      const { token: _mine, ...rest } = kept;
      void _mine;
      return { ...bare, ...rest, ...(token && { token }) };
    }),
  ];
}

/** One rule's request with what another asks for in the parts that this speaks of. */
export function overlay(centre: Draft, parts: Parts): Draft {
  return centreOf(parts, centre);
}
