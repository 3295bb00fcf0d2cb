import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Call, decide } from "../../policies/decide.ts";
import { settings } from "./support/settings.ts";

const s = settings({
  authorization: "enforce",
  authentication: {
    issuers: [
      { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] },
      { name: "partner", issuer: "https://partner", audiences: ["bank"] },
    ],
    exempt: ["/payments/health"],
  },
  services: [
    { name: "users", allowFrom: [{ gateway: true }, { service: "orders", methods: ["GET"] }] },
    { name: "orders", allowFrom: [{ gateway: true, token: true }, { namespace: "shop" }] },
    {
      name: "payments",
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { gateway: true, methods: ["POST"], claims: { scope: "payments:write" } },
        { gateway: true, methods: ["POST"], claims: { role: "admin" }, issuer: "bank" },
        { service: "orders", methods: ["POST"], paths: ["/payments"] },
      ],
      denyFrom: [{ gateway: true, paths: ["/payments/internal*"] }],
    },
  ],
});
const outside = { kind: "outside" } as const;
const orders = { kind: "service", service: "orders" } as const;
const ask = (call: Partial<Call>): string => {
  const decision = decide(s, {
    from: outside,
    service: "payments",
    method: "GET",
    path: "/payments",
    ...call,
  });
  return decision.allowed ? "allowed" : decision.at;
};
const token = (claims: Record<string, unknown> = {}, issuer = "bank") => ({
  issuer,
  claims: { sub: "ann", ...claims },
});

test("decide says so when a token lacks nothing but a subject", () => {
  const why = (role: string, call: Partial<Call> = {}) => {
    const bare = { issuer: "bank", claims: { role } };
    const asked = { from: outside, service: "payments", method: "POST", path: "/payments" };
    const decision = decide(s, { ...asked, token: bare, ...call });
    return decision.allowed ? "allowed" : decision.why;
  };
  const noRule = "no rule of allowFrom for the gateway matches it";
  const subject = "its token has no subject (sub), without which rules about tokens and claims";
  assert.equal(why("admin"), `${noRule}: ${subject} take none`);
  assert.equal(why("teller"), noRule);
  const inside = settings({
    ...{ authorization: "enforce", authentication: s.authentication },
    services: [{ name: "users", allowFrom: [{ service: "orders", claims: { role: "admin" } }] }],
  });
  const answer = decide(inside, {
    ...{ from: orders, service: "users", method: "GET", path: "/" },
    token: { issuer: "bank", claims: { role: "admin" } },
  });
  assert.ok(!answer.allowed && answer.at === "service" && answer.why.includes(subject));
});

describe("decide", () => {
  for (const [what, call, expected] of [
    ["reading with a token", { token: token() }, "allowed"],
    ["with one that has no subject", { token: token({ sub: undefined }) }, "gateway"],
    ["reading without one", {}, "gateway"],
    ["an exempt path without one", { path: "/payments/health" }, "allowed"],
    ["its neighbour", { path: "/payments/healthz" }, "gateway"],
    ["writing with any token", { method: "POST", token: token() }, "gateway"],
    ["with the scope", { method: "POST", token: token({ scope: "payments:write" }) }, "allowed"],
    ["among others", { method: "POST", token: token({ scope: "a payments:write b" }) }, "allowed"],
    ["in a list", { method: "POST", token: token({ scope: ["payments:write"] }) }, "allowed"],
    ["a look-alike", { method: "POST", token: token({ scope: "payments:write2" }) }, "gateway"],
    ["its begin", { method: "POST", token: token({ scope: "xpayments:write" }) }, "gateway"],
    ["wrong case", { method: "POST", token: token({ scope: "PAYMENTS:WRITE" }) }, "gateway"],
    ["an admin", { method: "POST", token: token({ role: "admin" }) }, "allowed"],
    [
      "an admin in a list",
      { method: "POST", token: token({ role: ["clerk", "admin"] }) },
      "allowed",
    ],
    ["roles are no words", { method: "POST", token: token({ role: "clerk admin" }) }, "gateway"],
    [
      "a partner's admin",
      { method: "POST", token: token({ role: "admin" }, "partner") },
      "gateway",
    ],
    ["another method", { method: "DELETE", token: token({ role: "admin" }) }, "gateway"],
    ["a path of no route", { path: "/paymentsX", token: token() }, "gateway"],
    ["deny comes first", { path: "/payments/internal/1", token: token() }, "gateway"],
    ["orders pays", { from: orders, method: "POST" }, "allowed"],
    ["orders pays elsewhere", { from: orders, method: "POST", path: "/payments/1" }, "service"],
    ["orders reads", { from: orders }, "service"],
    [
      "no token helps a caller that is not named",
      {
        from: { kind: "service", service: "users" },
        method: "POST",
        token: token({ role: "admin" }),
      },
      "service",
    ],
    ["plaintext", { from: { kind: "plaintext" }, method: "POST" }, "service"],
    [
      "a namespace",
      { from: { kind: "workload", namespace: "shop", account: "x" }, service: "orders", path: "/" },
      "allowed",
    ],
    [
      "another",
      { from: { kind: "workload", namespace: "mall", account: "x" }, service: "orders", path: "/" },
      "service",
    ],
    [
      "an account of the same name elsewhere",
      {
        from: { kind: "workload", namespace: "shop", account: "orders-sa" },
        service: "users",
        path: "/",
      },
      "service",
    ],
    ["no token asked", { service: "users", path: "/users/1?x=1" }, "allowed"],
  ] as const)
    test(`${what}: ${expected}`, () => assert.equal(ask(call as Partial<Call>), expected));

  describe("the client's address", () => {
    const office = ["203.0.113.0/28", "2001:db8::/32"];
    const guarded = settings({
      authorization: "enforce",
      trustedProxies: 1,
      services: [
        {
          name: "payments",
          allowFrom: [{ gateway: true, remoteIpBlocks: office }],
          denyFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.9"] }],
        },
      ],
    });
    const at = (clientAddress?: string) => {
      const call = { from: outside, service: "payments", method: "GET", path: "/payments" };
      const decision = decide(guarded, { ...call, ...(clientAddress && { clientAddress }) });
      return decision.allowed ? "allowed" : decision.at;
    };
    for (const [address, expected] of [
      ["203.0.113.0", "allowed"],
      ["203.0.113.15", "allowed"],
      ["203.0.113.16", "gateway"],
      ["203.0.112.255", "gateway"],
      ["2001:db8:1::1", "allowed"],
      ["2001:db9::1", "gateway"],
      // deny comes first
      ["203.0.113.9", "gateway"],
      [undefined, "gateway"],
    ] as const)
      test(`${address ?? "unknown"}: ${expected}`, () => assert.equal(at(address), expected));
  });

  test("* asks for a header, which may be empty; other values for what stands in it", () => {
    const allowFrom = [
      { gateway: true, methods: ["GET"], headers: { "X-Any": "*" } },
      { gateway: true, methods: ["POST"], headers: { "X-Any": "a*" } },
    ];
    const one = settings({ authorization: "enforce", services: [{ name: "users", allowFrom }] });
    const at = (method: string, value?: string) => {
      const headers: Record<string, string> = value === undefined ? {} : { "x-any": value };
      const call = { from: outside, service: "users", method, path: "/users", headers };
      return decide(one, call).allowed;
    };
    assert.deepEqual([at("GET", ""), at("GET", "b"), at("GET")], [true, true, false]);
    assert.deepEqual([at("POST", ""), at("POST", "ab"), at("POST")], [false, true, false]);
  });

  test("a claim's path leads into maps, and not into lists", () => {
    const at = (claim: string, roles: unknown) => {
      const allowFrom = [{ gateway: true, claims: { [claim]: "x" } }];
      const { authorization, authentication } = s;
      const one = settings({
        authorization,
        authentication,
        services: [{ name: "users", allowFrom }],
      });
      const call = { from: outside, service: "users", method: "GET", path: "/users" };
      return decide(one, { ...call, token: token({ roles }) }).allowed;
    };
    assert.equal(at("roles.0", ["x"]), false);
    assert.equal(at("roles.0", { 0: "x" }), true);
    assert.equal(at("roles.length.x", [{ x: "x" }]), false);
    assert.equal(at("roles", ["x"]), true);
  });

  test("a rollout by namespaces: the gateway and the services each on their own", () => {
    const bare = { service: "payments", method: "DELETE", path: "/payments" };
    const inside = { from: { kind: "service", service: "users" } as const, ...bare };
    const at = (mode: "only" | "all-but", namespaces: string[]) =>
      [{ from: outside, ...bare }, inside].map((call) => {
        const decision = decide({ ...s, rollout: { mode, services: [], namespaces } }, call);
        return decision.allowed || decision.at;
      });
    assert.deepEqual(at("only", ["istio-system"]), ["gateway", true]);
    assert.deepEqual(at("all-but", ["istio-system"]), ["service", "service"]);
    assert.deepEqual(at("only", [s.namespace]), ["service", "service"]);
    assert.deepEqual(at("all-but", [s.namespace]), ["gateway", true]);
    assert.deepEqual(at("only", [s.namespace, "istio-system"]), ["gateway", "service"]);
  });

  test("what the rollout has not reached is open", () => {
    const partly = {
      ...s,
      rollout: { mode: "all-but" as const, services: ["payments"], namespaces: [] },
    };
    const call = { from: outside, service: "payments", method: "DELETE", path: "/payments" };
    assert.deepEqual(decide(partly, call), { allowed: true });
  });
});
