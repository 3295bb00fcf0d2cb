import type { TokenKey } from "../../components/signing-keys.ts";
import type { IssuerSettings } from "../../settings/index.ts";
import { checkConfiguration } from "../checks/index.ts";
import { UserError } from "../errors.ts";
import { claimsOf, lifetime, signToken } from "../tokens/token.ts";
import { type Command, invocation, stackHelp } from "./command.ts";
import { outputsOf } from "./outputs-of.ts";

export const token: Command = {
  spec: {
    name: "token",
    usage: "npm run -s token",
    summary: "Prints a token that is signed by the stack's own issuer.",
    positional: "[stack]",
    options: [
      {
        name: "scope",
        value: "WORDS",
        help: 'scope claim, such as "payments:read payments:write"',
      },
      { name: "role", value: "NAME", help: "role claim, such as admin" },
      {
        name: "ttl",
        value: "TIME",
        help: "how long it is valid, in s, m or h, at most 24h; Envoy takes it 60 s longer (default 10m)",
      },
      {
        name: "aud",
        value: "NAMES",
        help: "audiences, apart by commas (default the issuer's first)",
      },
      { name: "sub", value: "NAME", help: "subject (default tester)" },
      { name: "claims", value: "JSON", help: "further claims, as a JSON object" },
      {
        name: "issuer",
        value: "NAME",
        help: "issuer, by its name in the stack (default the first own)",
      },
    ],
    details: stackHelp,
  },
  async run(args, report) {
    const text = (flag: string) => {
      const value = args.flags[flag];
      if (value === "") throw new UserError(`--${flag}: text that is not empty, or leave it out`);
      return typeof value === "string" ? value : undefined;
    };
    const flags = ["scope", "role"].filter((claim) => text(claim) !== undefined);
    const audiences = text("aud")?.split(",");
    if (audiences?.includes("")) throw new UserError("--aud: names apart by commas, none empty");
    const subject = text("sub") ?? "tester";
    const lifetimeSeconds = lifetime(text("ttl") ?? "10m");
    const claims = claimsOf(text("claims") ?? "{}", flags);
    const { name, outputs } = await outputsOf(args, report);
    const { authentication } = checkConfiguration(name, process.env);
    const issuer = ownIssuer(name, authentication.issuers, text("issuer"));
    const keys = (outputs.signingKeys ?? {}) as Record<string, TokenKey>;
    const key = keys[issuer.name];
    if (!key)
      throw new UserError(
        `stack "${name}" has no key of issuer ${issuer.name} yet: ${invocation("npm start", name)}`,
      );
    const signed = await signToken(
      {
        issuer: issuer.issuer,
        audiences: audiences ?? issuer.audiences.slice(0, 1),
        subject,
        lifetimeSeconds,
        claims: {
          ...claims,
          ...(text("scope") !== undefined && { scope: text("scope") }),
          ...(text("role") !== undefined && { role: text("role") }),
        },
      },
      key,
    );
    process.stdout.write(`${signed}\n`);
    return 0;
  },
};

/** The issuer whose keys the stack has. */
export function ownIssuer(
  stack: string,
  issuers: readonly IssuerSettings[],
  wanted: string | undefined,
): IssuerSettings {
  const own = issuers.filter((issuer) => issuer.keyIds);
  if (wanted === undefined) {
    if (own[0]) return own[0];
    throw new UserError(
      `stack "${stack}" has no issuer of its own: give one in authentication.issuers keyIds, and bring the stack up`,
    );
  }
  const named = issuers.find((issuer) => issuer.name === wanted);
  if (!named)
    throw new UserError(
      `--issuer ${wanted}: there ${issuers.length === 1 ? "is" : "are"} ${issuers.map((i) => i.name).join(", ") || "none"}`,
    );
  if (!named.keyIds)
    throw new UserError(
      `--issuer ${wanted}: its keys are not this stack's, so only ${named.issuer} can sign; own ones are ${own.map((i) => i.name).join(", ") || "none"}`,
    );
  return named;
}
