import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, it } from "node:test";
import type { KubernetesObject } from "../../verify/callers/objects.ts";
import type { Kubectl } from "../../verify/kubectl.ts";
import { Breakage } from "../../verify/mutations/breakage.ts";
import { judgeMutation, probesToAsk } from "../../verify/mutations/judge.ts";
import type { Expected, Mutation } from "../../verify/mutations/mutation.ts";
import { istio } from "../../verify/mutations/objects.ts";
import { appliedBy } from "../../verify/mutations/owned.ts";
import { readRecord, writeRecord } from "../../verify/mutations/record.ts";
import { type MutationRun, runMutation } from "../../verify/mutations/run.ts";
import type { Outcome } from "../../verify/runner.ts";
import { makeStrangers } from "../../verify/strangers.ts";
import { settings } from "./support/settings.ts";

const s = settings({ mtlsMode: "STRICT" });
const materials = { settings: s, ...makeStrangers() };

const outcome = (part: Partial<Outcome>): Outcome =>
  ({
    ...{ id: "M4", item: "users", verdict: "fails", got: "ok", text: "it was let in" },
    evidence: { at: "", seconds: 0, body: "", message: "certificate has expired" },
    ...part,
  }) as Outcome;

describe("what somebody applied", () => {
  const live = (managedFields: readonly object[]): KubernetesObject => ({
    ...{ apiVersion: "apps/v1", kind: "Deployment" },
    metadata: {
      name: "users",
      namespace: "bank",
      uid: "u",
      labels: { app: "users" },
      managedFields,
    },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 10,
      template: {
        spec: {
          containers: [
            { name: "proxy", image: "p" },
            { name: "app", image: "a", imagePullPolicy: "Always", args: ["x", "y"] },
          ],
        },
      },
    },
    status: { replicas: 1 },
  });
  const ours = {
    ...{ manager: "pulumi", operation: "Apply", apiVersion: "apps/v1" },
    fieldsV1: {
      "f:metadata": { "f:labels": { "f:app": {} } },
      "f:spec": {
        "f:replicas": {},
        "f:template": {
          "f:spec": {
            "f:containers": {
              'k:{"name":"app"}': { ".": {}, "f:name": {}, "f:image": {}, "f:args": {} },
            },
          },
        },
      },
    },
  };
  const controller = {
    ...{ manager: "kcm", operation: "Update", apiVersion: "apps/v1", subresource: "status" },
    fieldsV1: { "f:status": { "f:replicas": {} } },
  };

  it("is the object without what the cluster and others wrote into it", () => {
    assert.deepEqual(appliedBy(live([controller, ours])), {
      manager: "pulumi",
      object: {
        ...{ apiVersion: "apps/v1", kind: "Deployment" },
        metadata: { name: "users", namespace: "bank", labels: { app: "users" } },
        spec: {
          replicas: 1,
          template: { spec: { containers: [{ name: "app", image: "a", args: ["x", "y"] }] } },
        },
      },
    });
  });

  it("keeps the order of lists, whatever the order of the fields", () => {
    const containers = { 'k:{"name":"proxy"}': { "f:image": {} }, 'k:{"name":"app"}': {} };
    const both = {
      ...ours,
      fieldsV1: {
        "f:spec": { "f:template": { "f:spec": { "f:containers": containers } } },
      },
    };
    const { object } = appliedBy(live([both]));
    assert.deepEqual(object.spec, {
      template: { spec: { containers: [{ name: "proxy", image: "p" }, { name: "app" }] } },
    });
  });

  it("is nothing where nobody applied it", () => {
    assert.throws(() => appliedBy(live([controller])), /Deployment bank\/users was not applied by/);
  });
});

describe("a mutation's expectation", () => {
  const expected: Expected[] = [{ probe: "M4", items: ["users", "orders"], got: "ok" }];

  it("is met by all of its items, with the reason", () => {
    const outcomes = [outcome({}), outcome({ item: "orders" }), outcome({ item: "payments" })];
    const { caught, missed } = judgeMutation(expected, outcomes);
    assert.deepEqual([caught.length, missed], [2, []]);
  });

  it("is not met by one that holds, or is red for another reason, or was not asked", () => {
    for (const [wrong, says] of [
      [outcome({ item: "orders", verdict: "holds", got: "tls-required" }), /M4 \(orders\) holds/],
      [outcome({ item: "orders", got: "timeout" }), /with timeout/],
      [outcome({ item: "orders", verdict: "inconclusive" }), /inconclusive/],
      [outcome({ item: "orders", id: "M5" }), /M4 \(orders\) was not asked/],
    ] as const) {
      const { missed } = judgeMutation(expected, [outcome({}), wrong]);
      assert.equal(missed.length, 1);
      assert.match(missed[0]!, says);
    }
  });

  it("may ask for words of the verdict or of the client, and names others that are red", () => {
    const expired = [{ probe: "M4", got: "ok", says: /expired/ }] as const;
    const other = outcome({ id: "E1", item: "" });
    const { caught, missed, others } = judgeMutation(expired, [outcome({}), other]);
    assert.deepEqual([caught.length, missed, others], [1, [], ["E1"]]);
    const altname = [{ probe: "M4", got: "ok", says: /altname/ }] as const;
    assert.equal(judgeMutation(altname, [outcome({})]).missed.length, 1);
  });

  it("is asked of its probes alone, and of their items", () => {
    const probes = probesToAsk([...expected, { probe: "E2", items: [""], got: "ok" }]);
    const asked = probes.map((p) => [p.id, p.each!(s)]);
    assert.deepEqual(asked, [
      ["M4", ["users", "orders"]],
      ["E2", [""]],
    ]);
  });
});

const policy = istio("PeerAuthentication", "default", "bank");
const mutation: Mutation = {
  ...{ id: "weakened", breaks: "the mode is another one", notFor: () => undefined },
  reads: () => [policy],
  change: ([live]) => ({
    changed: [{ ...live!, spec: { mtls: { mode: "PERMISSIVE" } } }],
    added: [{ ...istio("Gateway", "second", "bank"), spec: {} }],
  }),
  expected: () => [{ probe: "M4", items: ["users"], got: "ok" }],
};

describe("a run of one mutation", () => {
  const run = (
    answers: readonly Outcome[],
    more: Partial<MutationRun> = {},
  ): { run: MutationRun; log: string[] } => {
    const log: string[] = [];
    const waiting = [...answers];
    const ask = () => {
      log.push("ask");
      return Promise.resolve([waiting.shift() ?? answers.at(-1)!]);
    };
    const breaker = {
      make: () => Promise.resolve(void log.push("make")),
      undo: () => Promise.resolve(void log.push("undo")),
    };
    return { run: { ask, breaker, materials, patienceSeconds: 0.5, ...more }, log };
  };
  const holds = outcome({ verdict: "holds", got: "tls-required" });

  it("is caught once the probe is red, and holds again when it was undone", async () => {
    const { run: r, log } = run([holds, outcome({}), holds]);
    const result = await runMutation(mutation, s, r);
    assert.deepEqual(log, ["make", "ask", "ask", "undo", "ask"]);
    assert.equal(result.verdict, "caught");
    assert.equal(result.finding.caught[0]!.id, "M4");
  });

  it("is missed when nobody notices in time", async () => {
    const { run: r, log } = run([holds]);
    const result = await runMutation(mutation, s, r);
    assert.equal(result.verdict, "missed");
    assert.match(result.finding.missed[0]!, /M4 \(users\) holds/);
    assert.equal(log.at(-2), "undo");
  });

  it("is missed when the platform stays broken", async () => {
    const result = await runMutation(mutation, s, run([outcome({})]).run);
    assert.deepEqual([result.verdict, result.left.length], ["missed", 1]);
  });

  it("is undone whatever fails, and says what", async () => {
    const breaker = {
      made: false,
      make: () => Promise.reject(new Error("no such object")),
      undo: () => Promise.resolve(void (breaker.made = true)),
    };
    const result = await runMutation(mutation, s, run([holds], { breaker }).run);
    assert.deepEqual(
      [result.verdict, result.error, breaker.made],
      ["missed", "no such object", true],
    );
  });

  it("is not asked where its probes cannot be", async () => {
    const { run: r, log } = run([holds], { unasked: new Set(["M4"]) });
    const result = await runMutation(mutation, s, r);
    assert.deepEqual([result.verdict, log], ["not asked", []]);
  });
});

describe("a change of the cluster", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-mutations-"));
  after(() => fs.rmSync(folder, { recursive: true }));
  const managedFields = [
    {
      ...{ manager: "pulumi-1", operation: "Apply", apiVersion: policy.apiVersion },
      fieldsV1: { "f:spec": { "f:mtls": { "f:mode": {} } } },
    },
  ];
  const live = {
    ...policy,
    metadata: { ...policy.metadata, uid: "u", managedFields },
    spec: { mtls: { mode: "STRICT" } },
  };
  let file = 0;

  /** A cluster that answers, writes down what it is told, and fails where it is to. */
  function cluster(fails: (line: string) => boolean = () => false) {
    const record = path.join(folder, `${file++}.json`);
    const told: { line: string; recorded: boolean }[] = [];
    const answer = (args: readonly string[], input = "") => {
      if (args[0] === "get") return args.includes("namespace") ? "uid-1" : JSON.stringify(live);
      const [item] = (JSON.parse(input) as { items: KubernetesObject[] }).items;
      const manager = args.find((a) => a.startsWith("--field-manager="))?.split("=")[1];
      const mode = (item!.spec as { mtls?: { mode: string } } | undefined)?.mtls?.mode;
      const line = [args[0], item!.kind, manager, mode].filter(Boolean).join(" ");
      told.push({ line, recorded: fs.existsSync(record) });
      if (fails(line)) throw new Error(line);
      return "";
    };
    const run = (args: readonly string[], input?: string) =>
      new Promise<string>((resolve) => resolve(answer(args, input)));
    return { breakage: new Breakage({ run } as unknown as Kubectl, record), record, told };
  }

  it("is on disk before it is made, with what undoes it, for nobody else to read", async () => {
    const { breakage, record, told } = cluster();
    await breakage.make(mutation, materials);
    assert.deepEqual(told, [
      { line: "apply PeerAuthentication pulumi-1 PERMISSIVE", recorded: true },
      { line: "apply Gateway bankmesh-mutation", recorded: true },
    ]);
    assert.equal(fs.statSync(record).mode & 0o777, 0o600);
    const { originals, added, cluster: uid } = readRecord(record)!;
    assert.deepEqual(originals, [
      { manager: "pulumi-1", object: { ...policy, spec: { mtls: { mode: "STRICT" } } } },
    ]);
    assert.deepEqual([added[0]!.metadata.name, uid], ["second", "uid-1"]);
    await breakage.undo();
  });

  it("is undone under the name of who applied it, and forgotten", async () => {
    const { breakage, record, told } = cluster();
    await breakage.make(mutation, materials);
    told.length = 0;
    await breakage.undo();
    const lines = told.map(({ line }) => line);
    assert.deepEqual(lines, ["apply PeerAuthentication pulumi-1 STRICT", "delete Gateway"]);
    assert.equal(readRecord(record), undefined);
    await breakage.undo();
    assert.equal(told.length, lines.length);
  });

  it("is undone by the next run where this one could not", async () => {
    const first = cluster();
    await first.breakage.make(mutation, materials);
    const second = cluster();
    writeRecord(second.record, readRecord(first.record)!);
    await second.breakage.undo(readRecord(second.record));
    assert.equal(second.told[0]!.line, "apply PeerAuthentication pulumi-1 STRICT");
    assert.equal(readRecord(second.record), undefined);
    await first.breakage.undo();
  });

  it("is undone by making an object anew that cannot be applied over", async () => {
    let refused = false;
    const { breakage, told } = cluster((line) => {
      const first = line.endsWith("STRICT") && !refused;
      refused ||= first;
      return first;
    });
    await breakage.make(mutation, materials);
    told.length = 0;
    await breakage.undo();
    assert.deepEqual(
      told.map(({ line }) => line),
      [
        "apply PeerAuthentication pulumi-1 STRICT",
        "delete PeerAuthentication",
        "apply PeerAuthentication pulumi-1 STRICT",
        "delete Gateway",
      ],
    );
  });

  it("stays on disk while it cannot be undone", async () => {
    let broken = true;
    const { breakage, record } = cluster((line) => broken && line.includes("STRICT"));
    await breakage.make(mutation, materials);
    await assert.rejects(breakage.undo());
    assert.ok(readRecord(record));
    broken = false;
    await breakage.undo();
    assert.equal(readRecord(record), undefined);
  });
});
