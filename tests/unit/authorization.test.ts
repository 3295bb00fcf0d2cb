import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  allowNothing,
  gatewayAllow,
  gatewayDeny,
  serviceAllow,
  serviceDeny,
  servicePolicies,
} from "../../policies/authorization.ts";
import { needsToken } from "../../policies/token-needs.ts";
import { validateSpec } from "../../policies/schema.ts";
import type { Settings } from "../../settings/index.ts";
import { settings } from "./support/settings.ts";

const gateway = "cluster.local/ns/istio-system/sa/istio-ingressgateway";
const issuers = [
  { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] },
  { name: "partner", issuer: "https://partner", audiences: ["bank"] },
];
const all = ["https://issuer.bank/*", "https://partner/*"];
const stack = (payments: object, more: object = {}): Settings =>
  settings({
    authentication: { issuers },
    services: [{ name: "payments", ...payments }, { name: "orders" }],
    ...more,
  });
const allow = (rule: object) => {
  const s = stack({ allowFrom: [rule] });
  const spec = serviceAllow(s, s.services[0]!);
  assert.deepEqual(validateSpec("AuthorizationPolicy", spec), []);
  return spec.rules;
};

describe("a rule of allowFrom, inside", () => {
  for (const [what, rule, expected] of [
    [
      "a service, with method and path, in one rule",
      { service: "orders", methods: ["POST"], paths: ["/payments"] },
      {
        from: [{ source: { principals: ["cluster.local/ns/bank/sa/orders-sa"] } }],
        to: [{ operation: { methods: ["POST"], paths: ["/payments"] } }],
      },
    ],
    [
      "the gateway: its identity, and the routed prefix as whole segments",
      { gateway: true },
      {
        from: [{ source: { principals: [gateway] } }],
        to: [{ operation: { paths: ["/payments", "/payments/*"] } }],
      },
    ],
    [
      "any valid token: a subject of any issuer",
      { gateway: true, methods: ["GET"], token: true },
      {
        from: [{ source: { principals: [gateway], requestPrincipals: all } }],
        to: [{ operation: { methods: ["GET"], paths: ["/payments", "/payments/*"] } }],
      },
    ],
    [
      "claims of one issuer, nested ones too",
      {
        gateway: true,
        issuer: "partner",
        claims: { "realm.roles": ["clerk", "boss"], scope: "x:y" },
      },
      {
        from: [{ source: { principals: [gateway], requestPrincipals: ["https://partner/*"] } }],
        to: [{ operation: { paths: ["/payments", "/payments/*"] } }],
        when: [
          { key: "request.auth.claims[realm][roles]", values: ["clerk", "boss"] },
          { key: "request.auth.claims[scope]", values: ["x:y"] },
        ],
      },
    ],
    [
      "a claim whose name is a URL keeps its dots",
      { namespace: "shop", claims: { "https://x.y/role": "a" } },
      {
        from: [{ source: { namespaces: ["shop"], requestPrincipals: all } }],
        when: [{ key: "request.auth.claims[https://x.y/role]", values: ["a"] }],
      },
    ],
    [
      "an identity, a port, a header",
      { principal: "cluster.local/ns/shop/sa/web", ports: [8080], headers: { "X-Team": "red" } },
      {
        from: [{ source: { principals: ["cluster.local/ns/shop/sa/web"] } }],
        to: [{ operation: { ports: ["8080"] } }],
        when: [{ key: "request.headers[x-team]", values: ["red"] }],
      },
    ],
    [
      "methods of gRPC are paths of POST",
      { service: "orders", rpcs: ["/bank.Payments/Pay", "/bank.Payments/*"] },
      {
        from: [{ source: { principals: ["cluster.local/ns/bank/sa/orders-sa"] } }],
        to: [
          { operation: { methods: ["POST"], paths: ["/bank.Payments/Pay", "/bank.Payments/*"] } },
        ],
      },
    ],
  ] as const)
    test(what, () => assert.deepEqual(allow(rule), [expected]));

  test("nobody named: an ALLOW without rules", () => {
    const s = stack({});
    assert.deepEqual(serviceAllow(s, s.services[0]!), {
      selector: { matchLabels: { app: "payments" } },
      action: "ALLOW",
      rules: [],
    });
    assert.deepEqual(validateSpec("AuthorizationPolicy", allowNothing), []);
  });
});

describe("the gateway", () => {
  const rules = (s: Settings) => {
    const spec = gatewayAllow(s);
    assert.deepEqual(validateSpec("AuthorizationPolicy", spec), []);
    return spec.rules;
  };
  const redirect = { to: [{ operation: { ports: ["80"] } }] };

  test("lets in what the services' rules for it allow, and the redirect of port 80", () => {
    const s = stack({
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { gateway: true, methods: ["POST"], claims: { scope: "payments:write" } },
        { service: "orders" },
      ],
    });
    const paths = ["/payments", "/payments/*"];
    const from = [{ source: { requestPrincipals: all } }];
    assert.deepEqual(rules(s), [
      redirect,
      { from, to: [{ operation: { methods: ["GET"], paths } }] },
      {
        from,
        to: [{ operation: { methods: ["POST"], paths } }],
        when: [{ key: "request.auth.claims[scope]", values: ["payments:write"] }],
      },
    ]);
  });

  test("without TLS, port 80 is no way round", () => {
    const s = stack({ allowFrom: [{ gateway: true }] }, { gatewayTls: "NONE" });
    assert.deepEqual(rules(s), [{ to: [{ operation: { paths: ["/payments", "/payments/*"] } }] }]);
  });

  test("exempt paths need no token, at the gateway and inside", () => {
    const authentication = { issuers, exempt: ["/payments/health", "*.css", "/orders/health"] };
    const s = stack({ allowFrom: [{ gateway: true, token: true }] }, { authentication });
    assert.deepEqual(rules(s)![1], { to: [{ operation: { paths: authentication.exempt } }] });
    assert.deepEqual(serviceAllow(s, s.services[0]!).rules!.at(-1), {
      from: [{ source: { principals: [gateway] } }],
      to: [{ operation: { paths: ["/payments/health", "*.css"] } }],
    });
  });

  test("asks for no port of the services, which are not its own", () => {
    const s = stack({ allowFrom: [{ gateway: true, ports: [8080] }] }, { gatewayTls: "NONE" });
    assert.deepEqual(rules(s), [{ to: [{ operation: { paths: ["/payments", "/payments/*"] } }] }]);
    assert.deepEqual(serviceAllow(s, s.services[0]!).rules![0]!.to, [
      { operation: { paths: ["/payments", "/payments/*"], ports: ["8080"] } },
    ]);
  });

  test("refuses first what denyFrom says of it", () => {
    const deny = { gateway: true, paths: ["/payments/admin*"] };
    const s = stack({ allowFrom: [{ gateway: true }], denyFrom: [deny, { service: "orders" }] });
    assert.deepEqual(gatewayDeny(s), {
      selector: { matchLabels: { istio: "ingressgateway" } },
      action: "DENY",
      rules: [{ to: [{ operation: { paths: ["/payments/admin*"], notPorts: ["15090"] } }] }],
    });
    assert.deepEqual(serviceDeny(s, s.services[0]!)!.rules, [
      {
        from: [{ source: { principals: [gateway] } }],
        to: [{ operation: { paths: ["/payments/admin*"], notPorts: ["15090"] } }],
      },
      {
        from: [{ source: { principals: ["cluster.local/ns/bank/sa/orders-sa"] } }],
        to: [{ operation: { notPorts: ["15090"] } }],
      },
    ]);
    assert.equal(gatewayDeny(stack({ denyFrom: [{ service: "orders" }] })), undefined);
  });

  test("is one policy more for rules about a version, whose selector asks for it", () => {
    const s = stack({
      version: "V_2",
      allowFrom: [{ gateway: true }, { service: "orders", version: "V_2" }],
      denyFrom: [{ gateway: true, methods: ["DELETE"], version: "V_2" }],
    });
    const policies = servicePolicies(s, s.services[0]!);
    assert.deepEqual(
      policies.map(([name, { selector, action, rules }]) => [
        name,
        selector!.matchLabels,
        action,
        rules!.length,
      ]),
      [
        ["allow-payments", { app: "payments" }, "ALLOW", 1],
        ["allow-payments.v-2", { app: "payments", version: "V_2" }, "ALLOW", 1],
        ["deny-payments.v-2", { app: "payments", version: "V_2" }, "DENY", 1],
      ],
    );
    // the gateway knows no versions, and would refuse it for all of them
    assert.equal(gatewayDeny(s), undefined);
    const none = stack({});
    const [only, ...more] = servicePolicies(none, none.services[0]!);
    assert.deepEqual([only![0], only![1].rules, more], ["allow-payments", [], []]);
  });

  test("leaves what denyFrom says of a port to the service, instead of refusing its whole prefix", () => {
    const s = stack({
      allowFrom: [{ gateway: true }],
      denyFrom: [{ gateway: true, ports: [9090] }],
    });
    assert.equal(gatewayDeny(s), undefined);
    assert.deepEqual(serviceDeny(s, s.services[0]!)!.rules![0]!.to![0]!.operation!.ports, ["9090"]);
  });

  test("alone knows clients' addresses: the service asks for none", () => {
    const remoteIpBlocks = ["203.0.113.0/28"];
    const s = stack({
      allowFrom: [{ gateway: true, remoteIpBlocks, token: true }],
      denyFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.9"] }],
    });
    const paths = ["/payments", "/payments/*"];
    const at = gatewayAllow(s).rules!.at(-1);
    const source = { remoteIpBlocks, requestPrincipals: all };
    assert.deepEqual(at, { from: [{ source }], to: [{ operation: { paths } }] });
    assert.deepEqual(gatewayDeny(s)!.rules, [
      {
        from: [{ source: { remoteIpBlocks: ["203.0.113.9"] } }],
        to: [{ operation: { paths, notPorts: ["15090"] } }],
      },
    ]);
    for (const spec of [gatewayAllow(s), gatewayDeny(s)!])
      assert.deepEqual(validateSpec("AuthorizationPolicy", spec), []);
    assert.deepEqual(serviceAllow(s, s.services[0]!).rules![0]!.from, [
      { source: { principals: [gateway], requestPrincipals: all } },
    ]);
    // without the address it would refuse whatever the gateway lets in
    assert.equal(serviceDeny(s, s.services[0]!), undefined);
  });

  test("a service that the rollout has not reached stays open at the gateway, and has no rules of its own", () => {
    const rollout = { mode: "only", services: ["orders"] };
    const s = stack({ allowFrom: [{ gateway: true, token: true }] }, { rollout });
    assert.deepEqual(rules(s)![1], {
      to: [{ operation: { paths: ["/payments", "/payments/*"] } }],
    });
    assert.equal(needsToken(s, s.services[0]!), false);
    assert.equal(
      needsToken(
        { ...s, rollout: { mode: "all-but", services: ["orders"], namespaces: [] } },
        s.services[0]!,
      ),
      true,
    );
  });
});

test("200 services with ten rules each: one policy a service, each rule in it, and one for the gateway", () => {
  const services = Array.from({ length: 200 }, (_, i) => ({
    name: `s${i}`,
    allowFrom: Array.from({ length: 10 }, (_, j) => ({
      service: `s${(i + j) % 200}`,
      methods: ["GET"],
      paths: [`/p${j}`],
      claims: { scope: [`a:${j}`] },
    })),
  }));
  const s = settings({ authentication: { issuers }, services });
  const specs = [gatewayAllow(s), ...s.services.map((service) => serviceAllow(s, service))];
  assert.equal(specs.flatMap((spec) => spec.rules ?? []).length, 2001);
});
