import { describe } from "node:test";
import { allow, authentication, issuers, payments } from "./support/access-words.ts";
import { type Refused, testRefused } from "./support/refused.ts";

type Raw = Record<string, unknown>;
const deny = "services[0].denyFrom[0]";
const asking = (claims: object): Raw =>
  payments({ allowFrom: [{ gateway: true, claims }] }, { authentication });
const copying = (claim: string): Raw =>
  payments(
    { allowFrom: [{ gateway: true, token: true }] },
    { authentication: { issuers: [{ ...issuers[0], claimHeaders: { "X-Role": claim } }] } },
  );

describe("names of claims have no empty part", () => {
  const claim = (name: string, key: string, right: string): Refused => ({
    what: `a rule about ${name}`,
    raw: asking({ [name]: "a" }),
    ...{ key: `${allow}.claims${key}`, allowed: "with a name on either side" },
    control: asking({ [right]: "a" }),
  });
  testRefused([
    claim("realm.", '["realm."]', "realm"),
    claim(".realm", '[".realm"]', "realm"),
    claim("a..b", '["a..b"]', "a.b"),
    claim(".", '["."]', "https://bank.example/a..b"),
    ...[".role", "role.", "a..b"].map((name) => ({
      what: `a claim header of ${name}`,
      raw: copying(name),
      key: "authentication.issuers[0].claimHeaders.X-Role",
      allowed: "with a name on either side",
      control: copying("realm.role"),
    })),
  ]);
});

describe("paths of rules are ones that requests can have", () => {
  const at = (path: string): Raw => payments({ allowFrom: [{ gateway: true, paths: [path] }] });
  const normal = (path: string, right: string): Refused => ({
    what: path,
    raw: at(path),
    ...{ key: `${allow}.paths[0]`, allowed: "with letters, digits, - . _ and ~ as they are" },
    control: at(right),
  });
  testRefused([
    normal("/payments/%61dmin", "/payments/admin"),
    normal("/payments/%2e%2E", "/payments/..."),
    normal("/payments/%7E", "/payments/~"),
    normal("/payments/%5F", "/payments/%5E"),
    normal("/payments/%30", "/payments/%20"),
    normal('/payments/"a"', "/payments/%22a%22"),
    normal("/payments/<a>", "/payments/%3Ca%3E"),
    normal("/payments/`a`", "/payments/%60a%60"),
  ]);
});

describe("a refused path has one spelling", () => {
  const refusing = (path: string): Raw =>
    payments({ allowFrom: [{ service: "orders" }], denyFrom: [{ gateway: true, paths: [path] }] });
  testRefused(
    ["/payments/%c3%a9", "/payments/%C3*", "/payments/a%3b"].map((path) => ({
      what: path,
      raw: payments({
        allowFrom: [{ gateway: true }],
        denyFrom: [{ gateway: true, paths: [path] }],
      }),
      ...{ key: `${deny}.paths[0]`, allowed: "a refusal of one lets the other pass" },
      // where it lets in, the other spelling is refused
      control: payments({ allowFrom: [{ gateway: true, paths: [path] }] }),
    })),
  );
  testRefused([
    {
      what: "what stands before the code",
      raw: { ...refusing("/payments/%c3"), services: wide("/payments/%c3*") },
      ...{ key: `${deny}.paths[0]`, allowed: "a wider path takes in both" },
      control: { services: wide("/payments/*") },
    },
  ]);
});

function wide(path: string): object[] {
  const rules = {
    allowFrom: [{ gateway: true, paths: ["/payments"] }],
    denyFrom: [{ gateway: true, paths: [path] }],
  };
  return [{ name: "payments", ...rules }, { name: "orders" }];
}

describe("a prefix is one that requests can have", () => {
  const under = (prefix: string): Raw => ({ services: [{ name: "payments", prefix }] });
  testRefused(
    ["/a/..", "/./a", "/..", "/a/../b"].map((prefix) => ({
      what: prefix,
      raw: under(prefix),
      ...{ key: "services[0].prefix", allowed: "none of them . or .." },
      control: under(prefix.replace(/\.+/, "...")),
    })),
  );
});
