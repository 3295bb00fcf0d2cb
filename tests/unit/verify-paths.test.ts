import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HostRequest, controlOf } from "../../verify/probe.ts";
import { allProbes } from "../../verify/probes/index.ts";
import { settings } from "./support/settings.ts";

const probe = (id: string) => allProbes.find((p) => p.id === id)!;
const strict = { authorization: "enforce", mtlsMode: "STRICT" };
const pathOf = (request: { readonly path?: string }) => request.path;

describe("paths that an exact rule does not name", () => {
  const s = settings({
    ...strict,
    services: [
      { name: "users", allowFrom: [{ gateway: true }] },
      { name: "payments", allowFrom: [{ gateway: true, paths: ["/payments/public"] }] },
    ],
  });
  const items = (id: string) => probe(id).each!(s);

  it("are written in every way that a proxy has to see through", () => {
    assert.deepEqual(items("P1"), [
      "/payments/public/../no-such-path",
      "/payments/public/./../no-such-path",
      "/payments/public/.././no-such-path",
    ]);
    assert.ok(items("P2").includes("/payments/public/%2e%2e/no-such-path"));
    assert.ok(items("P3").includes("//payments/no-such-path"));
    assert.ok(items("P5").includes("/payments/public\\..\\no-such-path"));
    assert.deepEqual(items("P9"), ["/payments/PUBLIC"]);
  });

  it("are sent as they are written, beside the path that the rule names", () => {
    const target = { settings: s, podAddresses: {} };
    for (const id of ["P1", "P2", "P3", "P5", "P6", "P7", "P9", "P11", "P12"])
      for (const item of items(id)) {
        assert.equal(probe(id).expect(s, item).reason, "rbac-denied");
        assert.equal(pathOf(probe(id).send(target, item) as object), item);
        const control = controlOf(probe(id), s, item)!;
        assert.equal(pathOf(control.send(target, item) as object), "/payments/public");
      }
  });

  it("are not asked for where every path below the prefix is open, or no rule applies", () => {
    const open = { services: [{ name: "users", allowFrom: [{ gateway: true }] }] };
    for (const other of [settings({ ...strict, ...open }), settings({})])
      assert.ok(["P1", "P3", "P12-open", "P9-deny"].every((id) => !probe(id).applies(other)));
  });
});

describe("paths that denyFrom names", () => {
  const s = settings({
    ...strict,
    services: [
      {
        name: "orders",
        allowFrom: [{ gateway: true, methods: ["GET"] }],
        denyFrom: [
          { gateway: true, paths: ["/orders/internal/*"] },
          { gateway: true, headers: { "x-blocked": ["yes"] } },
        ],
      },
    ],
  });
  const target = { settings: s, podAddresses: {} };

  it("are written in disguise, and the control asks for a path that is let in", () => {
    const p3 = probe("P3");
    assert.deepEqual(p3.each!(s), [
      "/orders//internal/1",
      "//orders/internal/1",
      "/orders/%2f/internal/1",
    ]);
    const control = controlOf(p3, s, "/orders//internal/1")!;
    assert.equal(pathOf(control.send(target, "/orders//internal/1") as object), "/orders");
  });

  it("are other paths in capitals, which is why rules that allow are safer", () => {
    assert.equal(probe("P9-deny").expect(s, "").reason, "ok");
    assert.equal(pathOf(probe("P9-deny").send(target, "") as object), "/orders/INTERNAL/1");
  });

  it("a header of denyFrom is sent behind another of its name", () => {
    const a20 = probe("A20");
    assert.ok(a20.applies(s));
    assert.deepEqual((a20.send(target, "") as HostRequest).headers, {
      "x-blocked": ["some", "yes"],
    });
    const control = controlOf(a20, s, "")!;
    assert.deepEqual((control.send(target, "") as HostRequest).headers, {
      "x-blocked": ["some", "other"],
    });
  });
});

describe("hosts without a sidecar", () => {
  const api = "kubernetes.default.svc.cluster.local";
  const dns = "kube-dns.kube-system.svc.cluster.local";
  const of = (destinationRule: object) => settings({ destinationRule });
  const items = (id: string, s: ReturnType<typeof of>) => probe(id).each!(s);

  it("are asked for where a rule says mTLS for the whole mesh", () => {
    const s = of({ scope: "mesh", except: [api] });
    assert.deepEqual([items("M14", s), items("M14-except", s)], [[dns], [api]]);
    assert.deepEqual(probe("M14").expect(s, dns), { reason: "no-upstream" });
    for (const other of [of({}), of({ scope: "services", services: ["users"] })])
      assert.ok(!probe("M14").applies(other) && !probe("M14-except").applies(other));
  });
});

describe("a workload without rules of its own", () => {
  const services = [
    { name: "users", allowFrom: [{ service: "orders" }] },
    { name: "orders", allowFrom: [{ gateway: true }] },
  ];
  const a15 = probe("A15");

  it("is called by somebody whom another workload's rules let in", () => {
    const s = settings({ ...strict, services });
    const target = { settings: s, podAddresses: {}, callerHost: "curl-1.bank.svc.cluster.local" };
    const url = "http://curl-1.bank.svc.cluster.local/";
    assert.deepEqual(a15.send(target, ""), { from: "mesh", as: "orders", method: "GET", url });
    const control = controlOf(a15, s, "")!.send(target, "") as { as?: string; url: string };
    assert.deepEqual(
      [control.as, control.url],
      ["orders", "http://users.bank.svc.cluster.local:80/"],
    );
  });

  it("is not asked for where default-deny does not stand", () => {
    const rollout = { mode: "only", services: ["users"] };
    for (const more of [{ rollout }, { authorization: "dry-run" }])
      assert.ok(!a15.applies(settings({ ...strict, services, ...more })));
  });

  it("outside the namespace is asked for where the mesh has a default-deny, beside a twin with a policy", () => {
    const mesh = probe("A15-mesh");
    const s = settings({ ...strict, services, meshDefaultDeny: true });
    const twin = { service: "users", namespace: "verify-1", podAddress: "10.0.1.1" };
    const target = { settings: s, podAddresses: {}, twin: { ...twin, ruleless: "users-ruleless" } };
    const send = (name: string) => ({
      ...{ from: "mesh", url: `http://${name}.verify-1.svc.cluster.local:80/` },
    });
    assert.deepEqual(mesh.send(target, ""), send("users-ruleless"));
    assert.deepEqual(controlOf(mesh, s, "")!.send(target, ""), send("users"));
    assert.throws(() => mesh.send({ ...target, twin }, ""), /no such twin/);
    for (const more of [{ meshDefaultDeny: false }, { authorization: "dry-run" }])
      assert.ok(!mesh.applies({ ...s, ...(more as Partial<typeof s>) }));
  });
});
