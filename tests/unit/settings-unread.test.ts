import assert from "node:assert/strict";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/index.ts";
import { root } from "./support/settings.ts";

const official = { BANKMESH_SOURCES: path.join(root, "sources/official.json") };
const bank = { name: "bank", issuer: "https://bank", audiences: ["bank"], keyIds: ["k1"] };
const a = { name: "a", allowFrom: [{ gateway: true }] };
const rules = (allowFrom: unknown[], more: object = {}) => ({
  services: [{ name: "a", allowFrom, ...more }, { name: "b" }],
});

const rows: readonly [what: string, raw: Record<string, unknown>, keys: string[]][] = [
  [
    "a rule that is a text",
    rules(["b", { service: "zz" }, { gateway: true, paths: ["/nope"] }]),
    ["allowFrom[0]", "allowFrom[1].service", "allowFrom[2].paths[0]"].map(
      (k) => `services[0].${k}`,
    ),
  ],
  [
    "a path that is a number",
    rules([{ gateway: true, paths: [5, "/nope"] }]),
    ["services[0].allowFrom[0].paths[0]", "services[0].allowFrom[0].paths[1]"],
  ],
  [
    "a mode of a workload that is a text",
    { workloadMtls: ["x", { service: "nobody", mode: "STRICT" }] },
    ["workloadMtls[0]", "workloadMtls[1].service"],
  ],
  [
    "an issuer without audiences",
    {
      ...rules([{ gateway: true, issuer: "x" }]),
      authentication: {
        issuers: [
          { name: "other", issuer: "https://other" },
          { ...bank, keyIds: ["k1", "k1"] },
        ],
        exempt: ["/zzz"],
      },
    },
    [
      "authentication.exempt[0]",
      "authentication.issuers[0].audiences",
      "authentication.issuers[1].keyIds[1]",
      "services[0].allowFrom[0].issuer",
    ],
  ],
  [
    "a switch with a slip is read as what was meant",
    { authorization: "enforced", services: [a, { name: "b" }] },
    ["authorization", "services[1].allowFrom"],
  ],
  [
    "a switch that nobody can guess invents nothing",
    { authorization: "on", meshDefaultDeny: true, services: [a] },
    ["authorization"],
  ],
  [
    "a mode of the rollout with a slip",
    { rollout: { mode: "onlyy", services: ["a"] }, services: [a] },
    ["rollout.mode"],
  ],
  [
    "a mode of the rollout that nobody can guess",
    { rollout: { mode: "zzzzzz", services: ["a"] }, services: [a] },
    ["rollout.mode"],
  ],
  [
    "a key with a slip",
    { authorization: "enforce", services: [{ name: "a", alowFrom: [{ gateway: true }] }] },
    ["services[0].alowFrom"],
  ],
  [
    "a refusal that cannot be read closes nothing",
    rules([{ gateway: true }], { denyFrom: [{ gateway: true, methods: ["1"] }] }),
    ["services[0].denyFrom[0].methods[0]"],
  ],
];

describe("what cannot be read hides nothing else, and makes nothing else look wrong", () => {
  for (const [what, raw, keys] of rows)
    test(what, () => {
      const { problems } = parseSettings("dev", raw, official);
      assert.deepEqual(problems.map((p) => p.key).sort(), keys);
    });
});
