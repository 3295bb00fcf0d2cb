import type { TrafficRequest } from "../probe.ts";

type Message = Pick<TrafficRequest, "headers" | "tokenPrefix" | "tokenIn">;

/** Headers of a request, its token among them. */
export function messageHeaders(
  request: Message,
  token?: string,
): Record<string, string | string[]> {
  const { tokenIn, tokenPrefix = "Bearer " } = request;
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [
      name,
      typeof value === "string" ? value : [...value],
    ]),
  );
  if (token === undefined || (tokenIn && "query" in tokenIn)) return headers;
  return { ...headers, [tokenIn?.header ?? "Authorization"]: `${tokenPrefix}${token}` };
}

/** Path of a request, with its token where that is a query parameter. */
export function tokenPath(request: Message & { readonly path: string }, token?: string): string {
  const { path, tokenIn } = request;
  if (token === undefined || !tokenIn || !("query" in tokenIn)) return path;
  // a fragment is what comes last
  const [, bare, fragment] = /^([^#]*)(.*)$/s.exec(path)!;
  return `${bare}${bare!.includes("?") ? "&" : "?"}${tokenIn.query}=${token}${fragment}`;
}
