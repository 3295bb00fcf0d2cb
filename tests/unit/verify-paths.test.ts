import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pathNormalization } from "../../components/istio-values.ts";
import { normalizePath } from "../../meaning/evaluate/path-normalization.ts";
import { decide } from "../../policies/decide.ts";
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
    assert.equal(items("P11").length, 255);
    assert.ok(items("P12").includes("/payments/no-such-path#/payments/public"));
    assert.ok(items("P12-open").includes("/payments/public#x"));
    // beside an exact path all of it is refused
    assert.ok(!probe("P6-open").applies(s) && !probe("P7-open").applies(s));
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

describe("paths below an open one", () => {
  const folder = "/payments/batch";
  const s = settings({
    ...strict,
    services: [
      { name: "users", allowFrom: [{ gateway: true }] },
      { name: "payments", allowFrom: [{ gateway: true, paths: [`${folder}/*`] }] },
    ],
  });
  const target = { settings: s, podAddresses: {} };
  const call = (path: string) => ({
    ...{ from: { kind: "outside" as const }, service: "payments", method: "GET", path },
  });
  /** What is decided of a path that is compared as it comes, and as proxies read it. */
  const unread = (path: string) => decide(s, call(path)).allowed;
  const read = (path: string) => decide(s, call(normalizePath(path, pathNormalization)!)).allowed;

  it("lead out of it again, which a proxy that compares them as they come would let in", () => {
    for (const id of ["P1", "P2", "P3", "P5"]) {
      const items = probe(id).each!(s);
      assert.ok(items.length > 0, id);
      for (const item of items) {
        assert.ok(item.startsWith(`${folder}/`), item);
        assert.ok(unread(item) && !read(item), item);
        assert.equal(probe(id).expect(s, item).reason, "rbac-denied");
        const control = controlOf(probe(id), s, item)!;
        const sent = [probe(id).send(target, item), control.send(target, item)] as HostRequest[];
        assert.equal(sent[0]!.path, item);
        assert.ok(read(sent[1]!.path), sent[1]!.path);
        assert.deepEqual({ ...sent[0], path: "" }, { ...sent[1], path: "" });
      }
    }
    assert.ok(probe("P1").each!(s).includes(`${folder}/../no-such-path`));
  });

  it("are what they read like where they are decoded once, and closed to whoever decodes again", () => {
    const again = (path: string) => decodeURIComponent(path.replace(/%c0%ae/g, "."));
    for (const id of ["P6-open", "P7-open"]) {
      const items = probe(id).each!(s);
      assert.ok(items.length > 0, id);
      for (const item of items) {
        assert.ok(read(item), item);
        assert.equal(probe(id).expect(s, item).reason, "ok");
        assert.equal((probe(id).send(target, item) as HostRequest).path, item);
      }
    }
    for (const item of probe("P6-open").each!(s)) assert.ok(!read(again(item)), item);
    assert.ok(probe("P7-open").each!(s).some((item) => !read(again(item))));
  });

  it("are not asked for where what is beside them is as open, or belongs to nobody", () => {
    const of = (paths: string[]) =>
      settings({
        ...strict,
        services: [{ name: "users" }, { name: "payments", allowFrom: [{ gateway: true, paths }] }],
      });
    for (const paths of [["/payments/*"], ["/payments/batch/*", "/payments/*"]])
      assert.ok(!probe("P1").applies(of(paths)), paths.join());
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

  it("are other paths as well where they would have to be decoded twice, and are let in", () => {
    assert.ok(probe("P6-open").each!(s).includes("/orders/x/%252e%252e/internal/1"));
    assert.ok(probe("P7-open").each!(s).includes("/orders/x/%c0%ae%c0%ae/internal/1"));
    for (const id of ["P6-open", "P7-open"])
      for (const item of probe(id).each!(s)) {
        const path = normalizePath(item, pathNormalization)!;
        const call = { from: { kind: "outside" }, service: "orders", method: "GET", path } as const;
        assert.equal(decide(s, call).allowed, probe(id).expect(s, item).reason === "ok", item);
      }
    assert.deepEqual(probe("P6").each!(s), []);
  });

  it("are refused with a query or a fragment behind them", () => {
    assert.deepEqual(probe("P12").each!(s), ["/orders/internal/1?x=1", "/orders/internal/1#x"]);
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
