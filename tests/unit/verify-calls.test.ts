import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { closedFromHere, decisionOf, graphQuestions, textOf, unasked } from "../../verify/calls.ts";
import { type HostRequest, controlOf, isNegative } from "../../verify/probe.ts";
import { messageOf } from "../../verify/probes/edge-requests.ts";
import { allProbes, probesFor } from "../../verify/probes/index.ts";
import { settings } from "./support/settings.ts";

const bank = {
  authorization: "enforce",
  mtlsMode: "STRICT",
  authentication: {
    issuers: [{ name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] }],
    exempt: ["/users/health"],
  },
  services: [
    {
      name: "users",
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { service: "orders", methods: ["GET"] },
      ],
    },
    { name: "orders", allowFrom: [{ gateway: true, token: true }] },
    {
      name: "payments",
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { gateway: true, methods: ["POST"], claims: { scope: "payments:write" } },
        { gateway: true, methods: ["POST"], claims: { role: "admin" } },
        { service: "orders", methods: ["POST"], paths: ["/payments"] },
      ],
      denyFrom: [{ headers: { "x-blocked": "yes" } }],
    },
  ],
};
const s = settings(bank);
const target = (of = s) => ({
  settings: of,
  podAddresses: { users: "10.0.0.1", orders: "10.0.0.2", payments: "10.0.0.3" },
  twin: { service: "users", namespace: "verify-1", podAddress: "10.0.0.4" },
});

describe("ports", () => {
  const two = [
    { port: 80, targetPort: 8080, protocol: "http" },
    { port: 9100, targetPort: 9100, protocol: "http" },
  ];
  const ported = settings({
    ...{ authorization: "enforce", mtlsMode: "STRICT" },
    services: [
      { name: "users", ports: two, allowFrom: [{ service: "ledger", ports: [8080] }] },
      {
        name: "ledger",
        ports: [{ port: 9000, targetPort: 9000, protocol: "tcp" }],
        allowFrom: [{ service: "users" }],
      },
      { name: "orders", allowFrom: [{ gateway: true }] },
    ],
  });
  const asked = [...graphQuestions(ported).values()];
  const of = (service: string) => asked.filter(({ call }) => call.service === service);

  it("beside the one that a rule names are asked, and refused", () => {
    const other = of("users").filter(({ call }) => call.port === 9100);
    assert.equal(other.length, 1);
    assert.deepEqual(other[0]!.decision.allowed, false);
    assert.match(textOf(other[0]!.call), /^ledger to users: GET, \/, port 9100, no token$/);
  });

  it("that hand bytes on are about callers alone", () => {
    const found = of("ledger").map(({ call, decision }) => [call.from.kind, decision.allowed]);
    assert.deepEqual(found, [
      ["service", true],
      ["service", false],
      ["workload", false],
      ["plaintext", false],
    ]);
    const probe = allProbes.find((p) => p.id === "A-graph")!;
    const reasons = of("ledger")
      .filter(({ call }) => call.from.kind !== "plaintext")
      .map(({ call }) => {
        const request = probe.send({ settings: ported, podAddresses: {} }, textOf(call));
        assert.ok("url" in request && request.opaque && request.url.includes(":9000/"));
        return probe.expect(ported, textOf(call)).reason;
      });
    assert.deepEqual(reasons, ["ok", "closed", "closed"]);
  });

  it("of bytes have no prefix at the gateway", () => {
    assert.ok(asked.every(({ call }) => call.service !== "ledger" || call.from.kind !== "outside"));
  });
});

describe("gRPC", () => {
  const ports = [
    { port: 80, targetPort: 8080, protocol: "http" },
    { port: 7070, targetPort: 7070, protocol: "grpc" },
  ];
  const rpcs = ["/bank.Quotes/Get"];
  const spoken = settings({
    ...{ authorization: "enforce", mtlsMode: "STRICT" },
    services: [
      {
        ...{ name: "quotes", sourceImage: "istio-app", prefix: false, ports: ports.slice(1) },
        allowFrom: [{ service: "orders", rpcs }],
      },
      {
        ...{ name: "both", sourceImage: "istio-app", ports },
        allowFrom: [{ service: "orders", rpcs }],
      },
      { name: "orders", allowFrom: [{ gateway: true }] },
    ],
  });
  const of = (service: string) =>
    [...graphQuestions(spoken).values()].filter(({ call }) => call.service === service);

  it("is asked by callers and methods of its own, all by POST", () => {
    const asked = of("quotes").map(({ call, decision }) => [textOf(call), decision.allowed]);
    assert.deepEqual(asked, [
      ["orders to quotes: POST, /bank.Quotes/Get, no token", true],
      ["both to quotes: POST, /bank.Quotes/Get, no token", false],
      ["a stranger of the mesh to quotes: POST, /bank.Quotes/Get, no token", false],
      ["plaintext to quotes: POST, /bank.Quotes/Get, no token", false],
      ["orders to quotes: POST, /bank.Quotes/GetX, no token", false],
      ["orders to quotes: POST, /bank.Quotes/Get/1, no token", false],
      ["orders to quotes: POST, /no-such-path, no token", false],
    ]);
  });

  it("goes to the port that speaks it", () => {
    const probe = allProbes.find((p) => p.id === "A-graph")!;
    for (const { call } of [...of("quotes"), ...of("both")].filter((q) => q.decision.allowed)) {
      const request = probe.send({ settings: spoken, podAddresses: {} }, textOf(call));
      assert.ok("url" in request && request.grpc);
      assert.match(request.url, /:7070\/bank\.Quotes\/Get$/);
    }
  });
});

describe("services that only others reach", () => {
  const open = (allowFrom: object[], values: object = {}) =>
    closedFromHere(
      settings({
        authorization: "enforce",
        authentication: {
          issuers: [
            { name: "bank", issuer: "https://a", audiences: ["bank"], keyIds: ["k1"] },
            { name: "other", issuer: "https://b", audiences: ["bank"], jwksUri: "https://b/keys" },
          ],
        },
        services: [{ name: "users", allowFrom }],
        ...values,
      }),
    );
  const foreign = { gateway: true, issuer: "other" };

  it("are named: those for tokens of other issuers, and for addresses that nobody here has", () => {
    assert.deepEqual(open([foreign]), ["users"]);
    assert.deepEqual(open([{ gateway: true, remoteIpBlocks: ["203.0.113.0/24"] }]), ["users"]);
  });

  it("and those that no question is about, are named", () => {
    const h2 = settings({
      authorization: "enforce",
      services: [
        {
          ...{ name: "users", sourceImage: "istio-app", prefix: false },
          ports: [{ port: 80, targetPort: 8080, protocol: "http2" }],
          allowFrom: [{ service: "orders" }],
        },
        { name: "orders", allowFrom: [{ gateway: true }] },
        { name: "ledger", prefix: false, allowFrom: [{ namespace: "elsewhere" }] },
      ],
    });
    assert.deepEqual(unasked(h2), ["users", "ledger"]);
    assert.deepEqual(unasked({ ...h2, authorization: "off" }), []);
  });

  it("are none where a rule lets somebody in who can be brought, where no rule is about the gateway, and without rules", () => {
    assert.deepEqual(open([foreign, { gateway: true, token: true }]), []);
    assert.deepEqual(open([{ namespace: "other" }]), []);
    assert.deepEqual(open([foreign], { authorization: "off" }), []);
  });
});

describe("clients' addresses", () => {
  const rule = { gateway: true, methods: ["GET"], remoteIpBlocks: ["203.0.113.16/28"] };
  const guarded = settings({
    authorization: "enforce",
    trustedProxies: 2,
    services: [{ name: "users", allowFrom: [rule] }],
  });

  it("are those of the rules, their neighbours and one that no rule names", () => {
    const at = [...graphQuestions(guarded).values()].map(({ call, decision }) => [
      call.clientAddress,
      decision.allowed,
    ]);
    for (const [address, allowed] of [
      ["203.0.113.16", true],
      ["203.0.113.15", false],
      ["192.0.2.77", false],
    ])
      assert.ok(
        at.some(([a, ok]) => a === address && ok === allowed),
        String(address),
      );
  });

  it("written by the client himself count for nothing, and the control changes their places", () => {
    const e27 = allProbes.find((p) => p.id === "E27")!;
    const target = { settings: guarded, podAddresses: {} };
    const of = (send: typeof e27.send) =>
      (send(target, "") as HostRequest).headers!["X-Forwarded-For"];
    assert.ok(e27.applies(guarded) && !e27.applies(s));
    assert.equal(of(e27.send), "203.0.113.16, 192.0.2.77, 198.18.0.1");
    const control = controlOf(e27, guarded, "")!;
    assert.equal(of(control.send), "192.0.2.77, 203.0.113.16, 198.18.0.1");
  });

  it("stand in front of those of the proxies between", () => {
    const call = [...graphQuestions(guarded).values()][0]!.call;
    assert.deepEqual(messageOf(guarded, call), {
      headers: { "X-Forwarded-For": "203.0.113.16, 198.18.0.1" },
    });
  });
});

describe("the calls of a graph", () => {
  const texts = [...graphQuestions(s).keys()];

  it("are one for each rule, and the neighbours of each", () => {
    for (const text of [
      "outside to payments: GET, /payments, token of bank",
      "outside to payments: GET, /payments, no token",
      'outside to payments: POST, /payments, token of bank {"scope":"payments:write"}',
      'outside to payments: POST, /payments, token of bank {"scope":"payments:write2"}',
      'outside to payments: POST, /payments, token of bank {"scope":"PAYMENTS:WRITE"}',
      'outside to payments: POST, /payments, token of bank {"role":"admin"}',
      'outside to payments: POST, /payments, token of bank {"role":["other","admin"]}',
      "orders to payments: POST, /payments, no token",
      "orders to payments: POST, /paymentsX, no token",
      "orders to payments: POST, /payments/1, no token",
      "orders to payments: GET, /payments, no token",
      "users to payments: POST, /payments, no token",
      "a stranger of the mesh to payments: POST, /payments, no token",
      "orders to payments: POST, /payments, no token, x-blocked: yes",
      "outside to users: GET, /users/health, no token",
    ])
      assert.ok(texts.includes(text), `${text}\nis not among\n${texts.join("\n")}`);
  });

  it("are by HEAD too where a rule names GET, and only there", () => {
    const heads = [...graphQuestions(s).values()].filter(({ call }) => call.method === "HEAD");
    assert.deepEqual(
      heads.map(({ call, decision, control }) => [
        textOf(call),
        decision.allowed,
        control?.differs,
      ]),
      [
        ["outside to users: HEAD, /users, token of bank", false, "method: GET"],
        ["orders to users: HEAD, /, no token", false, "method: GET"],
        // whatever the method, an exempt path asks for nothing
        ["outside to users: HEAD, /users/health, no token", true, undefined],
        ["outside to payments: HEAD, /payments, token of bank", false, "method: GET"],
      ],
    );
  });

  it("are just outside of what a path begins with, so that one letter less is noticed", () => {
    const begins = settings({
      authorization: "enforce",
      services: [
        { name: "users", allowFrom: [{ gateway: true, paths: ["/users/in*"] }] },
        { name: "orders", allowFrom: [{ service: "users", paths: ["/a/*", "/in*"] }] },
      ],
    });
    const refused = (to: string) =>
      [...graphQuestions(begins).values()]
        .filter(({ call, decision }) => call.service === to && !decision.allowed)
        .map(({ call }) => call.path);
    assert.ok(refused("users").includes("/users/i"));
    for (const path of ["/i", "/a", "/aX"]) assert.ok(refused("orders").includes(path), path);
  });

  it("have a control for each that is refused, let in and different in one thing", () => {
    const refused = [...graphQuestions(s).values()].filter((q) => !q.decision.allowed);
    assert.ok(refused.length > 30, `${refused.length} refusals`);
    for (const { call, control } of refused) {
      assert.ok(control, textOf(call));
      assert.deepEqual(decisionOf(s, control.call), { allowed: true }, textOf(control.call));
      const apart = (["from", "method", "path", "token", "headers"] as const).filter(
        (part) => JSON.stringify(call[part]) !== JSON.stringify(control.call[part]),
      );
      assert.equal(apart.length, 1, `${textOf(call)} beside ${textOf(control.call)}`);
    }
  });

  it("never lead from outside to another service", () => {
    for (const { call } of graphQuestions(s).values()) {
      if (call.from.kind !== "outside") continue;
      const others = ["users", "orders", "payments"].filter((x) => x !== call.service);
      assert.ok(!others.some((x) => call.path.startsWith(`/${x}/`) || call.path === `/${x}`));
    }
  });
});

describe("the catalogue where rules apply", () => {
  for (const mtlsMode of ["PERMISSIVE", "STRICT"])
    for (const gatewayTls of ["NONE", "SIMPLE", "MUTUAL"])
      for (const authorization of ["dry-run", "enforce"])
        it(`asks in ${mtlsMode}, ${gatewayTls}, ${authorization}, each refusal with a control`, () => {
          const own = settings({ ...bank, mtlsMode, gatewayTls, authorization });
          for (const probe of probesFor(own))
            for (const item of probe.each?.(own) ?? [""]) {
              const expected = probe.expect(own, item);
              if (!isNegative(expected)) continue;
              const control = controlOf(probe, own, item);
              assert.ok(control, `${probe.id} ${item} has no control`);
              const request = probe.send(target(own), item);
              assert.notDeepEqual(control.send(target(own), item), request, `${probe.id} ${item}`);
            }
        });

  it("expects of callers without a name in the rules that they are refused", () => {
    const own = settings({ ...bank, mtlsMode: "PERMISSIVE" });
    for (const id of ["M1", "M2"]) {
      const probe = allProbes.find((p) => p.id === id)!;
      assert.deepEqual(probe.each!(own), ["users", "payments"], "orders has nobody inside");
      assert.deepEqual(probe.expect(own, "users"), { reason: "rbac-denied" });
      const off = settings({ ...bank, mtlsMode: "PERMISSIVE", authorization: "off" });
      assert.equal(probe.expect(off, "users").reason, "ok");
    }
  });
});
