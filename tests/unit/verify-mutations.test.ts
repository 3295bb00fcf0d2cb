import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { before, describe, it } from "node:test";
import { parse } from "yaml";
import { type IstioKind, validateSpec } from "../../policies/schema.ts";
import { type Settings, parseSettings } from "../../settings/index.ts";
import type { KubernetesObject } from "../../verify/callers/objects.ts";
import { changeCalls, touched } from "../../verify/mutations/breakage.ts";
import { itemsOf } from "../../verify/mutations/expectations.ts";
import { allMutations, reasonAgainst } from "../../verify/mutations/index.ts";
import { keyOf } from "../../verify/mutations/objects.ts";
import { optionsIn } from "../../verify/mutations/options.ts";
import { allProbes } from "../../verify/probes/index.ts";
import { makeStrangers } from "../../verify/strangers.ts";
import { authentication, services } from "../e2e/support/access-stack.ts";
import type { Registration } from "./support/mocks.ts";
import { type Config, run } from "./support/program.ts";
import { root } from "./support/settings.ts";

const valuesOf = (file: string): Config => {
  const { config } = parse(fs.readFileSync(path.join(root, file), "utf8")) as { config: Config };
  return config;
};
const prefixed = (values: Config): Config =>
  Object.fromEntries(Object.entries(values).map(([key, v]) => [`bankmesh:${key}`, v]));
const example = (name: string) => valuesOf(`examples/${name}/Pulumi.${name}.yaml`);

const strict = { mtlsMode: "STRICT", gatewayTls: "MUTUAL", authorization: "enforce", services };
const access = (more: object = {}) => prefixed({ ...strict, ...authenticated(more) });
const authenticated = (more: object) => ({
  authentication: { ...authentication("k1"), ...more },
});

/** Stacks that between them have everything that is broken. */
const stacks: Readonly<Record<string, Config>> = {
  dev: valuesOf("Pulumi.dev.yaml"),
  staging: valuesOf("Pulumi.staging.yaml"),
  prod: valuesOf("Pulumi.prod.yaml"),
  demo: example("demo"),
  fruits: example("fruits"),
  namespaces: example("namespaces"),
  production: example("production"),
  access: access(),
  "access with an expiry": access({ requireExpiry: true, inside: "namespace" }),
  "access in a dry run": { ...access(), "bankmesh:authorization": "dry-run" },
};

function settingsOf(config: Config): Settings {
  const raw = Object.fromEntries(
    Object.entries(config).map(([key, v]) => [key.replace("bankmesh:", ""), v]),
  );
  const { settings, problems } = parseSettings("dev", raw, {});
  assert.deepEqual(problems, []);
  return settings!;
}

const { otherCa, namesakeCa } = makeStrangers();

describe("mutations", () => {
  it("have each id once, and words for what they break", () => {
    const ids = allMutations.map(({ id }) => id);
    assert.deepEqual([...new Set(ids)], ids);
    for (const { id, breaks } of allMutations) {
      assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.ok(breaks.length > 10 && !breaks.endsWith("."), id);
    }
  });

  const all = Object.values(stacks).map(settingsOf);
  it("are each for one of these stacks at least, and say why not for the others", () => {
    for (const mutation of allMutations) {
      const reasons = all.map((s) => reasonAgainst(mutation, s));
      assert.ok(
        reasons.some((reason) => reason === undefined),
        `${mutation.id}: ${reasons[0]}`,
      );
    }
  });

  for (const [name, config] of Object.entries(stacks)) {
    describe(`on stack ${name}`, () => {
      const s = settingsOf(config);
      const mine = allMutations.filter((m) => reasonAgainst(m, s) === undefined);
      let live: KubernetesObject[];

      before(async () => {
        live = [...objectsIn((await run("dev", config)).recording.resources), ...ofCharts(s)];
      });

      it("are seen by probes that exist, with questions that they ask of it", () => {
        for (const { id, expected } of mine) {
          const wanted = expected(s);
          assert.ok(wanted.length > 0, id);
          for (const { probe, items } of wanted) {
            assert.ok(
              allProbes.some((p) => p.id === probe),
              `${id}: ${probe}`,
            );
            const known = itemsOf(probe, s);
            assert.ok(items!.length > 0, `${id}: ${probe}`);
            for (const item of items!) assert.ok(known.includes(item), `${id}: ${probe} ${item}`);
          }
        }
      });

      it("really change what is there, and to what Istio takes", () => {
        for (const mutation of mine) {
          const read = mutation.reads(s).map((ref) => {
            const found = live.find((o) => keyOf(o) === keyOf(ref));
            assert.ok(found, `${mutation.id} reads ${keyOf(ref)}, which the program does not make`);
            return found;
          });
          const original = structuredClone(read);
          const change = mutation.change(read, { settings: s, otherCa, namesakeCa });
          assert.deepEqual(read, original, `${mutation.id} changes the original itself`);
          const { changed = [], deleted = [], added = [] } = change;
          assert.ok(changed.length + deleted.length + added.length > 0, mutation.id);
          for (const object of changed) {
            const before = read.find((o) => keyOf(o) === keyOf(object));
            assert.ok(before, `${mutation.id} changes ${keyOf(object)} without reading it`);
            assert.notDeepEqual(object, before, mutation.id);
          }
          for (const ref of deleted)
            assert.ok(
              read.some((o) => keyOf(o) === keyOf(ref)),
              mutation.id,
            );
          for (const object of added)
            assert.ok(!live.some((o) => keyOf(o) === keyOf(object)), mutation.id);
          for (const object of [...changed, ...added].filter(isIstios))
            assert.deepEqual(
              validateSpec(object.kind as IstioKind, object.spec as object),
              [],
              mutation.id,
            );
          // what is made and what is undone is about the same objects
          const originals = touched(
            read.map((object) => ({ manager: "somebody", object })),
            change,
          );
          assert.equal(originals.length, changed.length + deleted.length, mutation.id);
          const calls = changeCalls(change, originals);
          assert.ok(calls.length > 0 && !JSON.stringify(calls).includes("undefined"), mutation.id);
        }
      });
    });
  }
});

describe("paths that are compared as they come", () => {
  const s = settingsOf(access());
  const none = allMutations.find(({ id }) => id === "normalization-none")!;

  it("are seen where they lead back out of an open folder, and let in", () => {
    const seen = none.expected(s);
    const folder = /\/batch\//;
    for (const probe of ["P1", "P2", "P3", "P5"]) {
      const below = itemsOf(probe, s).filter((item) => folder.test(item));
      assert.ok(below.length > 0, probe);
      for (const item of below) {
        const expected = seen.filter((e) => e.probe === probe && e.items!.includes(item));
        assert.deepEqual(
          expected.map(({ got }) => got),
          ["ok"],
          item,
        );
      }
    }
    // what is decoded once at most is the same without any normalization
    assert.ok(!seen.some(({ probe }) => probe.endsWith("-open") && probe !== "P12-open"));
  });
});

describe("the options of verify:mutate", () => {
  it("are read", () => {
    assert.deepEqual(optionsIn({ only: "old-tls, weak-cipher", "all-probes": true }), {
      ...{ only: ["old-tls", "weak-cipher"], everyProbe: true },
      ...{ existing: false, yes: false, fixtures: true },
    });
    assert.equal(optionsIn({ unbroken: "10" }).unbroken, 10);
    assert.equal(optionsIn({ unbroken: "10", "no-fixtures": true }).fixtures, false);
  });

  it("are refused with what is allowed", () => {
    assert.throws(() => optionsIn({ only: "old-tsl" }), /unknown mutation old-tsl.*old-tls/);
    for (const rounds of ["0", "ten", "-1", "1000"])
      assert.throws(() => optionsIn({ unbroken: rounds }), /--unbroken is .*1 to 999/);
    assert.throws(() => optionsIn({ "no-fixtures": true }), /--no-fixtures goes with --unbroken/);
  });
});

function isIstios({ apiVersion }: KubernetesObject): boolean {
  return apiVersion.includes("istio.io/");
}

/** Objects as they would be on the cluster. */
function objectsIn(resources: readonly Registration[]): KubernetesObject[] {
  return resources
    .filter((r) => r.type.startsWith("kubernetes:") && "metadata" in r.inputs)
    .map(({ type, inputs }) => {
      const [, group, kind] = type.split(":") as [string, string, string];
      const { stringData, ...rest } = inputs;
      return {
        ...{ apiVersion: group.replace(/^core\//, ""), kind },
        ...(rest as object),
        ...(stringData && { data: encoded(stringData as Record<string, string>) }),
      } as KubernetesObject;
    });
}

function encoded(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, v]) => [key, Buffer.from(v).toString("base64")]),
  );
}

/** What the charts make of Istio, as far as it is broken. */
function ofCharts(s: Settings): KubernetesObject[] {
  const namespace = "istio-system";
  const template = {
    metadata: {
      annotations: {
        "proxy.istio.io/config": JSON.stringify({
          gatewayTopology: { numTrustedProxies: s.trustedProxies },
        }),
      },
    },
    spec: {},
  };
  return [
    {
      ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio", namespace } },
      data: {
        mesh: "pathNormalization:\n  normalization: DECODE_AND_MERGE_SLASHES\ntrustDomain: x\n",
      },
    },
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment" },
      ...{ metadata: { name: "istio-ingressgateway", namespace }, spec: { template } },
    },
  ];
}
