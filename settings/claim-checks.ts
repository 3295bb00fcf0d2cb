import type { Tools } from "./access-checks.ts";
import type { Problem } from "./problems.ts";
import type { Rule } from "./rule-checks.ts";
import type { Settings } from "./schema.ts";

/** Claims that rules cannot, or need not, ask for, and what does. */
const claimsElsewhere: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["exp", "nbf", "iat"].map((claim) => [
      claim,
      "it is a number, and rules match texts; authentication.requireExpiry asks for exp",
    ]),
  ),
  ...Object.fromEntries(
    ["auth_time", "updated_at", "email_verified", "phone_number_verified"].map((claim) => [
      claim,
      "it is a number or true or false in tokens, and rules match texts",
    ]),
  ),
  iss: "issuer names an issuer",
  aud: "audiences stand with the issuer, in authentication.issuers",
};

/** What is wrong with what a rule asks of tokens. */
export function tokenChecks(
  s: Settings,
  rule: Rule,
  key: string,
  { problem, remove, set }: Tools,
): Problem[] {
  const { issuers } = s.authentication;
  const asked = (["claims", "token", "issuer"] as const).find((field) => rule[field] !== undefined);
  const found: Problem[] = [];
  if (asked && issuers.length === 0)
    found.push(
      problem(
        `${key}.${asked}`,
        rule[asked],
        "nothing, because authentication.issuers is empty, so no token is ever valid",
        remove(key),
      ),
    );
  else if (rule.issuer !== undefined && !issuers.some((i) => i.name === rule.issuer))
    found.push(
      problem(
        `${key}.issuer`,
        rule.issuer,
        `the name of an issuer: ${issuers.map((i) => i.name).join(", ")}`,
        set(`${key}.issuer`, issuers[0]!.name),
      ),
    );
  for (const [claim, instead] of Object.entries(claimsElsewhere)) {
    const asked = rule.claims?.[claim];
    if (asked)
      found.push(
        problem(`${key}.claims.${claim}`, asked, `not in a rule: ${instead}`, remove(key)),
      );
  }
  found.push(...impossibleNames(rule, key, { problem, remove }));
  const listed = issuers.flatMap((i) => i.spaceDelimitedClaims ?? []);
  for (const claim of new Set(["scope", "permission", ...listed])) {
    const words = rule.claims?.[claim]?.find((value) => /\s/.test(value));
    if (words !== undefined)
      found.push(
        problem(
          `${key}.claims.${claim}`,
          words,
          "one word: the claim is words apart by spaces, and each is looked at alone",
          remove(key),
        ),
      );
  }
  return found;
}

/** Names that no request can meet together, or that one header bears twice. */
function impossibleNames(
  rule: Rule,
  key: string,
  { problem, remove }: Pick<Tools, "problem" | "remove">,
): Problem[] {
  const claims = Object.keys(rule.claims ?? {});
  const inside = claims.flatMap((claim) => {
    const text = claims.find((other) => !other.includes("://") && claim.startsWith(`${other}.`));
    if (text === undefined || claim.includes("://")) return [];
    const allowed = `one of ${text} and ${claim}: a claim that is text holds no other, so no token has both`;
    return [problem(`${key}.claims["${claim}"]`, rule.claims![claim], allowed, remove(key))];
  });
  const headers = Object.keys(rule.headers ?? {});
  const twice = headers.flatMap((name, i) => {
    const first = headers.find((other) => other.toLowerCase() === name.toLowerCase())!;
    if (headers.indexOf(first) === i) return [];
    const allowed = `each header once: ${first} is the same, for headers know no capitals`;
    return [problem(`${key}.headers.${name}`, rule.headers![name], allowed, remove(key))];
  });
  return [...inside, ...twice];
}
