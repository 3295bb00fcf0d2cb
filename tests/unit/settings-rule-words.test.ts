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
    ["/payments/%c3%a9", "/payments/%C3*", "/payments/a%3b", "/payments/a;b", "/payments/a@b"].map(
      (path) => ({
        what: path,
        raw: payments({
          allowFrom: [{ gateway: true }],
          denyFrom: [{ gateway: true, paths: [path] }],
        }),
        ...{ key: `${deny}.paths[0]`, allowed: "a refusal of one lets the other pass" },
        // where it lets in, the other spelling is refused
        control: payments({ allowFrom: [{ gateway: true, paths: [path] }] }),
      }),
    ),
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

describe("one rule asks for what one request can have", () => {
  const named = (headers: object): Raw => payments({ allowFrom: [{ gateway: true, headers }] });
  testRefused([
    {
      what: "a claim, and one inside of it",
      raw: asking({ realm: "a", "realm.roles": "b" }),
      ...{ key: `${allow}.claims["realm.roles"]`, allowed: "one of realm and realm.roles" },
      control: asking({ realms: "a", "realm.roles": "b" }),
    },
    {
      what: "the other way round, deeper",
      raw: asking({ "a.b.c.d": "b", "a.b": "a" }),
      ...{ key: `${allow}.claims["a.b.c.d"]`, allowed: "one of a.b and a.b.c.d" },
      control: asking({ "a.b.c.d": "b", "a.b.c.e": "a" }),
    },
    {
      what: "a header twice",
      raw: named({ "X-Team": "a", "x-team": "b" }),
      ...{ key: `${allow}.headers.x-team`, allowed: "each header once: X-Team is the same" },
      control: named({ "X-Team": "a", "x-teams": "b" }),
    },
  ]);
});

describe("a rule is about ports that what it asks for comes to", () => {
  const ports = [
    { port: 80, targetPort: 8080, protocol: "http" },
    { port: 70, targetPort: 7070, protocol: "grpc" },
  ];
  const rpcs = ["/bank.Payments/Pay"];
  const calling = (rule: object, protocol = "http"): Raw =>
    payments({
      sourceImage: "istio-app",
      ports: [{ ...ports[0], protocol }, ports[1]],
      allowFrom: [{ gateway: true }, { service: "orders", rpcs, ...rule }],
    });
  const at = "services[0].allowFrom[1].ports";
  const allowed = "ports that speak grpc alone, such as 7070";
  const refusing = (rule: object): Raw =>
    payments({ ports, sourceImage: "istio-app", allowFrom: [{ service: "orders" }], ...rule });
  testRefused([
    {
      what: "methods of gRPC without ports, beside HTTP",
      raw: calling({}),
      ...{ key: at, allowed, fix: `'bankmesh:${at}[0]' 7070` },
      control: calling({}, "grpc"),
    },
    {
      what: "methods of gRPC on a port of HTTP, too",
      raw: calling({ ports: [7070, 8080] }),
      ...{ key: at, allowed, fix: "config rm" },
      control: calling({ ports: [7070] }),
    },
    {
      what: "a refusal for the gateway on a port that it does not lead to",
      raw: refusing({ denyFrom: [{ gateway: true, ports: [7070], methods: ["POST"] }] }),
      ...{ key: `${deny}.ports`, allowed: "the gateway's routes lead to the first port alone" },
      control: refusing({ denyFrom: [{ gateway: true, ports: [8080], methods: ["POST"] }] }),
    },
  ]);
});
