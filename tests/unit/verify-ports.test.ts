import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Settings } from "../../settings/index.ts";
import { controlOf } from "../../verify/probe.ts";
import { allProbes, probesFor } from "../../verify/probes/index.ts";
import { settings } from "./support/settings.ts";

const target = (s: Settings) => ({ settings: s, podAddresses: { users: "10.0.0.1" } });

describe("modes of single ports", () => {
  const two = [80, 81].map((port) => ({ port, targetPort: port + 8000, protocol: "http" }));
  const asked = (values: object) => {
    const s = settings({
      services: [{ name: "users", ports: two }, { name: "orders" }],
      ...values,
    });
    return probesFor(s)
      .filter((p) => /^M(9|10|11)/.test(p.id))
      .map((p) => `${p.id} ${p.each!(s).join()} ${p.expect(s, p.each!(s)[0]!).reason}`);
  };
  const port = (mode: string, more: object = {}) => [
    { service: "users", ports: { "8081": mode }, ...more },
  ];

  it("are asked beside a first port of another mode", () => {
    assert.deepEqual(asked({ mtlsMode: "STRICT", workloadMtls: port("PERMISSIVE") }), [
      "M11 users:8081 ok",
      "M11-mesh users:8081 ok",
    ]);
    assert.deepEqual(asked({ mtlsMode: "STRICT", workloadMtls: port("DISABLE") }), [
      "M9 users:8081 ok",
      "M9-tls users:8081 plaintext-only",
    ]);
    assert.deepEqual(asked({ mtlsMode: "PERMISSIVE", workloadMtls: port("STRICT") }), [
      "M10 users:8081 tls-required",
    ]);
    assert.deepEqual(asked({ mtlsMode: "STRICT", workloadMtls: port("STRICT") }), []);
    assert.deepEqual(asked({ mtlsMode: "STRICT" }), []);
  });

  it("in STRICT, each port is sent plaintext to, whatever it speaks", () => {
    const ledger = (protocol: string, more: object = {}) => ({
      ...{ name: "ledger", ports: [{ port: 9000, targetPort: 9000, protocol }] },
      ...more,
    });
    const m4 = (values: object) => {
      const s = settings({ mtlsMode: "STRICT", ...values });
      const ports = allProbes.find((p) => p.id === "M4-ports")!;
      return ports.each!(s).map((item) => `${item} ${ports.expect(s, item).reason}`);
    };
    const users = { name: "users", ports: two, image: "ghcr.io/bank/users:1" };
    const services = [users, ledger("tcp")];
    assert.deepEqual(m4({ services }), ["users:8081 tls-required", "ledger:9000 closed"]);
    assert.deepEqual(m4({ services, workloadMtls: port("STRICT") }), m4({ services }));
    assert.deepEqual(m4({ services, workloadMtls: port("DISABLE") }), ["ledger:9000 closed"]);
    assert.deepEqual(m4({ services, mtlsMode: "PERMISSIVE" }), []);
    // nothing listens there
    assert.deepEqual(m4({ services: [{ name: "users", ports: two }, ledger("tcp")] }), [
      "ledger:9000 closed",
    ]);
    // what is not refused by transport has to be seen to be let in
    const grpc = (more: object) => m4({ services: [{ name: "users" }, ledger("grpc", more)] });
    assert.deepEqual(grpc({}), []);
    const rules = { authorization: "enforce", mtlsMode: "STRICT" };
    const rpc = [{ service: "users", rpcs: ["/bank.Quotes/Get"] }];
    const s = settings({
      ...rules,
      services: [{ name: "users" }, ledger("grpc", { allowFrom: rpc })],
    });
    const m4Ports = allProbes.find((p) => p.id === "M4-ports")!;
    assert.deepEqual(m4Ports.each!(s), ["ledger:9000"]);
    const [plain, named] = [m4Ports.send(target(s), "ledger:9000"), controlOf(m4Ports, s, "")!];
    const { from: plainly, ...request } = plain as { from: string };
    assert.equal(plainly, "plain");
    assert.deepEqual(named.send(target(s), "ledger:9000"), {
      ...{ from: "mesh", as: "users" },
      ...request,
    });
  });

  it("are asked where rules are enforced, beside somebody whom they let in", () => {
    const rules = (allowFrom: object[], mtlsMode: string, mode: string) => ({
      ...{ authorization: "enforce", mtlsMode, workloadMtls: port(mode) },
      services: [{ name: "users", ports: two, allowFrom }, { name: "orders" }],
    });
    const orders = [{ service: "orders", methods: ["PUT"] }];
    assert.deepEqual(asked(rules(orders, "STRICT", "PERMISSIVE")), [
      "M11 users:8081 rbac-denied",
      "M11-mesh users:8081 ok",
    ]);
    const s = settings(rules(orders, "PERMISSIVE", "STRICT"));
    assert.deepEqual(asked(rules(orders, "PERMISSIVE", "STRICT")), ["M10 users:8081 tls-required"]);
    const m10 = allProbes.find((p) => p.id === "M10")!;
    const url = "http://users.bank.svc.cluster.local:81/";
    const sent = { method: "PUT", url };
    assert.deepEqual(m10.send(target(s), "users:8081"), { from: "plain", ...sent });
    assert.deepEqual(controlOf(m10, s, "users:8081")!.send(target(s), "users:8081"), {
      ...{ from: "mesh", as: "orders" },
      ...sent,
    });
    // nobody is let in to that port, and in DISABLE nobody has an identity
    const first = [{ service: "orders", ports: [8080] }];
    assert.deepEqual(asked(rules(first, "PERMISSIVE", "STRICT")), []);
    assert.deepEqual(asked(rules(orders, "STRICT", "DISABLE")), []);
    const [m9] = asked(rules([{ methods: ["GET"] }], "STRICT", "DISABLE"));
    assert.equal(m9, "M9 users:8081 ok");
  });
});
