import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Settings } from "../../settings/index.ts";
import { kindsIn } from "../../verify/caller-kinds.ts";
import { judge } from "../../verify/judge.ts";
import { type PodRequest, controlOf } from "../../verify/probe.ts";
import { allProbes, probesFor } from "../../verify/probes/index.ts";
import { rowsOf } from "../../verify/rows.ts";
import { settings } from "./support/settings.ts";

const addresses = { users: "10.0.0.1", orders: "10.0.0.2", payments: "10.0.0.3" };
const target = (s: Settings) => ({
  settings: s,
  podAddresses: addresses,
  twin: { service: "users", namespace: "verify-1", podAddress: "10.0.0.4" },
});
const probe = (id: string) => allProbes.find((p) => p.id === id)!;
const asked = (id: string, s: Settings, item: string) => {
  const control = controlOf(probe(id), s, item)!;
  return {
    request: probe(id).send(target(s), item) as PodRequest,
    control: control.send(target(s), item) as PodRequest,
    succeeds: control.succeeds ?? "ok",
  };
};

const enforced = (more: object = {}) =>
  settings({
    ...{ authorization: "enforce", mtlsMode: "STRICT" },
    authentication: {
      issuers: [
        { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] },
      ],
    },
    services: [
      { name: "users", allowFrom: [{ service: "orders", methods: ["GET"] }] },
      // nobody inside may call it
      { name: "orders", allowFrom: [{ gateway: true, token: true }] },
      { name: "payments", allowFrom: [{ service: "orders", methods: ["POST"] }] },
    ],
    ...more,
  });
const apart = (a: object, b: object) =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (key) =>
      JSON.stringify((a as Record<string, unknown>)[key]) !==
      JSON.stringify((b as Record<string, unknown>)[key]),
  );

const stacks: Readonly<Record<string, Settings>> = {
  "without rules": settings({ mtlsMode: "STRICT" }),
  "with rules": enforced(),
};

describe("the control of plaintext that is refused", () => {
  for (const [name, s] of Object.entries(stacks)) {
    it(`is about the same service, ${name}`, () => {
      for (const service of ["orders", "payments"] as const) {
        const byName = asked("M4", s, service);
        assert.equal(byName.control.url, byName.request.url);
        assert.equal(byName.control.method, byName.request.method);
        const byAddress = asked("M5", s, service);
        assert.ok(byAddress.request.url.startsWith(`http://${addresses[service]}:8080/`));
        assert.equal(byAddress.control.url, byAddress.request.url.replace("http:", "https:"));
        assert.equal(byAddress.control.method, byAddress.request.method);
      }
    });
  }

  it("is the first service's twin for that one alone", () => {
    for (const s of Object.values(stacks)) {
      assert.equal(asked("M5", s, "users").control.url.split("/")[2], "10.0.0.4:8080");
      for (const service of ["orders", "payments"])
        assert.doesNotMatch(asked("M5", s, service).control.url, /10\.0\.0\.4/);
    }
  });

  it("is let in by the rules where they name somebody, and else reaches them", () => {
    const s = enforced();
    const payments = asked("M5", s, "payments");
    assert.deepEqual([payments.control.as, payments.succeeds], ["orders", "ok"]);
    for (const id of ["M4", "M5"]) {
      const { request, control, succeeds } = asked(id, s, "orders");
      assert.deepEqual([control.as, succeeds], [undefined, "rbac-denied"]);
      const seen = { at: "", seconds: 0, body: "", message: "" };
      const reset = { ...seen, exitCode: 56, message: "Recv failure: Connection reset by peer" };
      const denied = { ...seen, exitCode: 0, status: 403, body: "RBAC: access denied" };
      const judged = (evidence: object) =>
        judge(
          { reason: "tls-required" },
          { request, evidence: { ...seen, ...reset } },
          { request: control, evidence: { ...seen, ...evidence }, succeeds },
          {} as never,
        ).verdict;
      assert.equal(judged(denied), "holds");
      assert.equal(judged(reset), "inconclusive");
    }
  });

  it("shows a certificate of the run's own where only a client of the stack may call", () => {
    const s = enforced({
      clients: [{ name: "web", namespace: "shop", injection: "pod" }],
      services: [
        { name: "users" },
        { name: "orders", allowFrom: [{ namespace: "shop" }] },
        { name: "payments" },
      ],
    });
    const { control, succeeds } = asked("M5", s, "orders");
    assert.deepEqual([control.client, control.as], [undefined, undefined]);
    assert.deepEqual([control.clientCertificate, succeeds], ["mesh", "rbac-denied"]);
  });

  it("needs no more callers than there are accounts that rules name", () => {
    const kinds = kindsIn(enforced(), probesFor(enforced()));
    assert.deepEqual(kinds.filter((kind) => kind.startsWith("certificate")).sort(), [
      "certificate",
      "certificate as orders",
    ]);
  });
});

describe("the control of a handshake that the gateway refuses", () => {
  for (const gatewayTls of ["SIMPLE", "MUTUAL"]) {
    const s = settings({ gatewayTls });
    for (const [id, part] of [
      ["E21", "tlsVersion"],
      ["E22", "ciphers"],
    ] as const)
      it(`is the gateway's own answer to the same client, apart from ${part}: ${id}, ${gatewayTls}`, () => {
        for (const item of probe(id).each?.(s) ?? [""]) {
          const { request, control, succeeds } = asked(id, s, item);
          assert.deepEqual(apart(request, control), [part]);
          assert.equal(succeeds, "ok");
        }
      });

    it(`and that the client can ask so at all is a question of its own, ${gatewayTls}`, () => {
      for (const id of ["E21", "E22"]) {
        const client = probe(`${id}-client`);
        assert.deepEqual(client.each?.(s), probe(id).each?.(s));
        for (const item of client.each?.(s) ?? [""]) {
          assert.equal(client.expect(s, item).reason, "ok");
          const sent = client.send(target(s), item) as object;
          const same = probe(id).send(target(s), item) as object;
          assert.deepEqual(
            apart(same, sent).filter((key) => key !== "clientCertificate"),
            ["to"],
          );
          assert.deepEqual(rowsOf(client, s, item), [id]);
        }
      }
    });
  }
});

describe("what stands for a row", () => {
  it("M17 is asked of every service, and stands for the row where that is STRICT", () => {
    const s = settings({
      ...{ mtlsMode: "PERMISSIVE", services: [{ name: "users" }, { name: "orders" }] },
      workloadMtls: [{ service: "orders", mode: "STRICT" }],
    });
    const m17 = probe("M17");
    assert.deepEqual(
      m17.each!(s).map((name) => [name, ...rowsOf(m17, s, name)]),
      [["users"], ["orders", "M17"]],
    );
  });

  it("a host in capitals does not, where no rule names a host", () => {
    const routed = probe("A25-routed");
    assert.deepEqual(rowsOf(routed, enforced(), ""), []);
  });
});

describe("answers of the gateway", () => {
  it("are its own: a service behind it may have pages that are not found, and redirect by itself", () => {
    const s = settings({ gatewayTls: "SIMPLE" });
    const identities = { caller: "", gateway: "", service: () => "", client: () => "" };
    const evidence = { at: "", seconds: 0, body: "", message: "" };
    for (const id of ["E4", "E4-http", "E5", "E6", "E30", "E31"]) {
      const item = probe(id).each?.(s)[0] ?? "";
      const expected = probe(id).expect(s, item);
      const control = controlOf(probe(id), s, item)!;
      const verdict = (upstream: boolean) =>
        judge(
          expected,
          {
            request: probe(id).send(target(s), item),
            evidence: {
              ...{ ...evidence, upstream, status: expected.reason === "redirect" ? 301 : 404 },
              ...(expected.location && { location: expected.location }),
            },
          },
          {
            request: control.send(target(s), item),
            evidence: {
              ...{ ...evidence, status: control.succeeds === "redirect" ? 301 : 200 },
            },
            ...(control.succeeds && { succeeds: control.succeeds }),
          },
          identities,
        ).verdict;
      assert.equal(verdict(false), "holds", id);
      assert.equal(verdict(true), "fails", id);
    }
  });

  it("have controls that differ in one thing", () => {
    for (const gatewayTls of ["NONE", "SIMPLE", "MUTUAL"]) {
      const s = enforced({ gatewayTls });
      for (const p of probesFor(s).filter(({ id }) => id.startsWith("E"))) {
        for (const item of p.each?.(s) ?? [""]) {
          const control = controlOf(p, s, item)?.send(target(s), item);
          if (!control) continue;
          const request = p.send(target(s), item);
          // no token goes to the port for plain HTTP; a wrong host is asked for in the right handshake
          const more = { E5: ["to", "token"], E4: ["host", "serverName"] }[p.id];
          assert.deepEqual(
            apart(request, control),
            more ?? apart(request, control).slice(0, 1),
            p.id,
          );
        }
      }
    }
  });
});
