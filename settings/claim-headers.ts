import type { Tools } from "./access-checks.ts";
import type { Problem } from "./problems.ts";
import type { Settings } from "./schema.ts";

/** Headers that are the connection's, the proxies' or a credential: a claim in their place would be taken for one of these. */
const reserved = [
  ...["host", "authorization", "proxy-authorization", "cookie", "forwarded", "connection"],
  ...["content-length", "content-type", "transfer-encoding", "te", "trailer", "upgrade", "expect"],
];
const ofProxies = /^x-(forwarded|envoy|istio|b3|request-id|real-ip)(-|$)/;

/** Headers that proxies or HTTP itself write, whatever a client sent. */
const written = ["host", "connection", "content-length", "transfer-encoding", "te", "upgrade"];

/** Whether a rule about a header would be about what a proxy wrote there. */
export function isWrittenByProxies(name: string): boolean {
  return written.includes(name) || ofProxies.test(name);
}

/** Headers that claims are copied into. */
export function claimHeaderChecks(s: Settings, tools: Tools): Problem[] {
  return [...takenHeaders(s, tools), ...missingHeaders(s, tools)];
}

function takenHeaders(s: Settings, { problem, remove }: Tools): Problem[] {
  const { issuers } = s.authentication;
  const ofTokens = issuers.flatMap((i) => (i.headers ?? []).map(({ name }) => name.toLowerCase()));
  return issuers.flatMap((issuer, i) => {
    const names = Object.keys(issuer.claimHeaders ?? {});
    return names.flatMap((name, j) => {
      const key = `authentication.issuers[${i}].claimHeaders.${name}`;
      const low = name.toLowerCase();
      const twin = names.findIndex((other) => other.toLowerCase() === low);
      const why =
        twin < j
          ? `a header of its own: ${names[twin]} is the same, for headers know no capitals`
          : ofTokens.includes(low)
            ? "another header: tokens stand in this one"
            : reserved.includes(low) || ofProxies.test(low)
              ? "a header of the stack's own, such as X-Jwt-Sub: this one means something already"
              : undefined;
      return why === undefined ? [] : [problem(key, issuer.claimHeaders![name], why, remove(key))];
    });
  });
}

/** Envoy clears the headers of the issuer whose token it takes, so a header of another one could be forged beside it. */
function missingHeaders(s: Settings, { problem, set }: Tools): Problem[] {
  const { issuers } = s.authentication;
  const all = new Set(issuers.flatMap((issuer) => Object.keys(issuer.claimHeaders ?? {})));
  return issuers.flatMap((issuer, i): Problem[] => {
    const own = Object.keys(issuer.claimHeaders ?? {}).map((header) => header.toLowerCase());
    const missing = [...all].filter((header) => !own.includes(header.toLowerCase()));
    const key = `authentication.issuers[${i}].claimHeaders`;
    return missing.length === 0
      ? []
      : [
          problem(
            key,
            issuer.claimHeaders,
            `${missing.join(", ")} too, as another issuer has: with a token of ${issuer.name} anybody could send it himself`,
            set(`${key}.${missing[0]}`, "<claim>"),
          ),
        ];
  });
}
