import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { graphQuestions } from "../../verify/calls.ts";
import { allProbes } from "../../verify/probes/index.ts";
import { settings } from "./support/settings.ts";

describe("rules and the modes of single ports", () => {
  it("plaintext is asked of the ports that take it, whatever the first one does", () => {
    const ports = [8080, 8081].map((port) => ({ port, targetPort: port, protocol: "http" }));
    const plaintext = (mode: string, later: string) => {
      const of = settings({
        ...{ authorization: "enforce", mtlsMode: "STRICT" },
        workloadMtls: [{ service: "users", mode, ports: { "8081": later } }],
        services: [
          { name: "users", ports, allowFrom: [{ service: "orders", ports: [8081] }] },
          { name: "orders" },
        ],
      });
      const graph = allProbes.find((p) => p.id === "A-graph")!;
      const asked = graph.each!(of).filter((item) => item.startsWith("plaintext to users"));
      return new Set(asked.map((item) => graphQuestions(of).get(item)!.call.port ?? 8080));
    };
    assert.deepEqual(plaintext("PERMISSIVE", "STRICT"), new Set());
    assert.deepEqual(plaintext("STRICT", "PERMISSIVE"), new Set([8081]));
  });
});
