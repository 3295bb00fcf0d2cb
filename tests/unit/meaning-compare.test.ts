import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare, judged, opens } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { UnreadableManifests, platformOf, readPlatform } from "../../meaning/manifests/platform.ts";
import { groupsOf } from "../../meaning/report/groups.ts";
import { jsonReport } from "../../meaning/report/json.ts";
import { markdownReport } from "../../meaning/report/markdown.ts";
import { textReport } from "../../meaning/report/text.ts";
import {
  deployment,
  injected,
  manifest,
  meshSettings,
  service,
  stackObjects,
} from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";
import { settings } from "./support/settings.ts";

const stack = {
  ...{ mtlsMode: "STRICT", gatewayTls: "MUTUAL", authorization: "enforce" },
  authentication: {
    issuers: [{ name: "bank", issuer: "https://issuer", audiences: ["bank"], keyIds: ["k1"] }],
  },
  services: [
    {
      name: "users",
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { service: "orders", methods: ["GET"], paths: ["/users/*"] },
      ],
      denyFrom: [{ gateway: true, paths: ["/users/internal/*"] }],
    },
    {
      name: "orders",
      allowFrom: [{ gateway: true, methods: ["POST"], claims: { role: "admin" } }],
    },
  ],
};
type Stack = typeof stack;

async function changed(change: (s: Stack) => object, from: object = stack): Promise<Comparison> {
  const after = change(structuredClone(stack));
  const [base, head] = [
    await stackObjects(settings({ ...from })),
    await stackObjects(settings({ ...after })),
  ];
  return compare(platformOf(base), platformOf(head));
}

/** Changes as lines: effect, who, to whom, how many. */
const lines = (c: Comparison) =>
  groupsOf(c).map(
    (g) => `${g.effect}: ${g.who} → ${g.about}: ${g.what[0]} (${g.before} → ${g.after})`,
  );
const effects = (c: Comparison) => [...new Set(c.changes.map((x) => x.effect))].sort();
const door = "istio-system/istio-ingressgateway:443";

describe("what a change means", () => {
  test("no change", async () => {
    const c = await changed((s) => s);
    assert.deepEqual([c.changes, c.notJudged, c.blind, c.leftOut], [[], [], [], 0]);
    assert.ok(c.unchanged > 100);
    assert.equal(opens(c), false);
    assert.equal(judged(c), true);
    assert.match(
      textReport("prod", c),
      /^prod: nobody gets anything else than before, by \d+ questions/,
    );
  });

  test("STRICT → PERMISSIVE: plaintext is taken, though rules still refuse it", async () => {
    const c = await changed((s) => ({ ...s, mtlsMode: "PERMISSIVE" }));
    assert.deepEqual(effects(c), ["differs", "opens"]);
    assert.deepEqual(
      lines(c).filter((l) => l.startsWith("opens")),
      ["orders", "users"].map(
        (app) =>
          `opens: plaintext → bank/${app}:8080: connect, whatever rules say then (refused, mTLS required → taken)`,
      ),
    );
  });

  test("STRICT → PERMISSIVE without rules: plaintext reaches the containers", async () => {
    const off = { ...stack, authorization: "off" };
    const c = await changed((s) => ({ ...s, authorization: "off", mtlsMode: "PERMISSIVE" }), off);
    assert.ok(
      lines(c).includes(
        "opens: plaintext → bank/users:8080: GET / (refused, mTLS required → reaches bank/users (plaintext))",
      ),
    );
  });

  test("MUTUAL → SIMPLE: clients without a certificate come in", async () => {
    const c = await changed((s) => ({ ...s, gatewayTls: "SIMPLE" }));
    const opened = c.changes.filter((x) => x.effect === "opens");
    assert.ok(opened.length > 0);
    assert.ok(opened.every((x) => x.about === door && /without a|of another CA/.test(x.who)));
    assert.ok(
      opened.some((x) => x.after.reached === "bank/users" && x.before.reason === "cert-required"),
    );
  });

  test("a new caller", async () => {
    const c = await changed((s) => {
      s.services[1]!.allowFrom.push({ service: "users", methods: ["GET"] } as Json);
      return s;
    });
    assert.deepEqual(effects(c), ["opens"]);
    assert.ok(
      c.changes.every((x) => x.who === "bank/users" && x.about === "bank/orders:8080"),
      JSON.stringify(lines(c)),
    );
    assert.ok(c.changes.some((x) => x.what === "GET /"));
  });

  test("a claim dropped: any token will do", async () => {
    const c = await changed((s) => {
      s.services[1]!.allowFrom = [{ gateway: true, methods: ["POST"], token: true }];
      return s;
    });
    assert.deepEqual(effects(c), ["opens"]);
    const edge = c.changes.filter((x) => x.about === door);
    assert.ok(edge.some((x) => x.what.includes('"role":"admin2"')));
    assert.ok(edge.some((x) => x.what === "POST app.local/orders, token of https://issuer"));
    assert.ok(edge.every((x) => x.after.reached === "bank/orders"));
  });

  test("a refusal dropped", async () => {
    const c = await changed((s) => {
      s.services[0]!.denyFrom = [];
      return s;
    });
    const opened = c.changes.filter((x) => x.effect === "opens");
    assert.ok(
      opened.some((x) => x.about === door && x.what.startsWith("GET app.local/users/internal/1")),
    );
    assert.ok(opened.every((x) => x.what.includes("/users/internal/")));
  });

  test("a new service, and the same taken away", async () => {
    const more = { name: "ledger", allowFrom: [{ service: "orders" }] } as Json;
    const added = await changed((s) => ({ ...s, services: [...s.services, more] }));
    assert.ok(
      lines(added).some(
        (l) => l.startsWith("opens: bank/orders → bank/ledger:8080: ") && l.includes("not there →"),
      ),
    );
    const gone = await changed((s) => s, { ...stack, services: [...stack.services, more] });
    assert.ok(effects(gone).includes("closes") && !opens(gone));
  });

  test("an enforced stack in a dry run: everything opens", async () => {
    const c = await changed((s) => ({ ...s, authorization: "dry-run" }));
    const { changes } = c;
    for (const who of [
      "a workload of bank that no rule names",
      "outside, with a client certificate",
    ])
      assert.ok(
        changes.some((x) => x.effect === "opens" && x.who === who),
        who,
      );
  });

  test("a rule that names less paths closes the rest", async () => {
    const c = await changed((s) => {
      Object.assign(s.services[0]!.allowFrom[1]!, { paths: ["/users/1"] });
      return s;
    });
    assert.deepEqual(effects(c), ["closes"]);
    assert.ok(c.changes.every((x) => x.who === "bank/orders"));
  });

  test("a weaker normalization lets a refused path in, written otherwise", async () => {
    const objects = await stackObjects(settings(stack));
    const weak = objects.map((o) =>
      o.kind === "ConfigMap" ? meshSettings({ pathNormalization: { normalization: "NONE" } }) : o,
    );
    const c = compare(platformOf(objects), platformOf(weak));
    assert.ok(
      c.changes.some((x) => x.effect === "opens" && x.what.includes("/users/internal%2F1")),
      JSON.stringify(lines(c)),
    );
  });

  test("mTLS lost on the way, although the answer stays: weaker", () => {
    const base = [injected(), deployment("users"), service("users")];
    const plain = manifest("DestinationRule", "users", {
      host: "users",
      trafficPolicy: { tls: { mode: "DISABLE" } },
    });
    const c = compare(platformOf(base), platformOf([...base, plain]));
    assert.ok(effects(c).includes("weakens") && opens(c));
  });
});

describe("what cannot be judged", () => {
  const base = [
    injected(),
    deployment("users"),
    service("users"),
    deployment("orders"),
    service("orders"),
  ];
  const users = { selector: { matchLabels: { app: "users" } } };
  const against = (...more: Manifest[]) =>
    compare(platformOf(base), platformOf([...base, ...more]));
  const odd = (kind: string, spec: object, more: Json = {}) => manifest(kind, "odd", spec, more);
  const istio = { apiVersion: "extensions.istio.io/v1alpha1" };
  for (const [what, object, text] of [
    [
      "a newer version",
      odd("AuthorizationPolicy", users, { apiVersion: "security.istio.io/v2" }),
      /apiVersion is security.istio.io\/v2, known are v1, v1beta1/,
    ],
    [
      "an unknown field",
      odd("AuthorizationPolicy", { ...users, rulez: [] }),
      /spec\.rulez: there is no such field/,
    ],
    [
      "an unknown action",
      odd("AuthorizationPolicy", { ...users, action: "ALLOWED" }),
      /spec\.action: is "ALLOWED"/,
    ],
    [
      "an unknown condition",
      odd("AuthorizationPolicy", {
        ...users,
        rules: [{ when: [{ key: "source.labels[app]", values: ["x"] }] }],
      }),
      /rules\[0\]\.when\[0\]\.key: source\.labels\[app\] is no condition/,
    ],
    [
      "a block that is none",
      odd("AuthorizationPolicy", {
        ...users,
        rules: [{ from: [{ source: { ipBlocks: ["10.0.0.0/40"] } }] }],
      }),
      /ipBlocks\[0\]: 10\.0\.0\.0\/40 is neither/,
    ],
    [
      "a template that is none",
      odd("AuthorizationPolicy", {
        ...users,
        rules: [{ to: [{ operation: { paths: ["/{id}"] } }] }],
      }),
      /paths\[0\]: \/\{id\}: braces/,
    ],
    [
      "an EnvoyFilter",
      odd("EnvoyFilter", { workloadSelector: { labels: { app: "users" } }, configPatches: [] }),
      /EnvoyFilter/,
    ],
    ["a WasmPlugin", odd("WasmPlugin", users, istio), /what a WasmPlugin does cannot be read/],
    [
      "a kind of Istio's that is new",
      odd("CallerPolicy", users, { apiVersion: "security.istio.io/v1" }),
      /CallerPolicy/,
    ],
  ] as readonly (readonly [string, Manifest, RegExp])[])
    test(`${what} is named with its place, and counted for the pods that it is about`, () => {
      const c = against(object);
      assert.equal(judged(c), false);
      assert.deepEqual(
        c.blind.map((x) => [x.side, x.place]),
        [["after", "test.yaml:1"]],
      );
      assert.match(c.blind[0]!.text, text);
      assert.ok(c.notJudged.length > 0);
      assert.ok(c.notJudged.every((x) => x.about === "bank/users:8080"));
      assert.deepEqual(c.changes, []);
      for (const report of [textReport("x", c), markdownReport("x", c)]) {
        assert.match(report, /cannot be judged/i);
        assert.match(report, /as far as it can be judged/);
      }
    });

  test("what is the same on both sides is named once, and still not judged", () => {
    const filter = odd("EnvoyFilter", { configPatches: [] });
    const platform = platformOf([...base, filter]);
    const c = compare(platform, platform);
    assert.deepEqual(
      c.blind.map((x) => x.side),
      ["both"],
    );
    assert.equal(judged(c), false);
  });

  test("a NetworkPolicy that stays changes nothing, one that goes is named", () => {
    const policy = odd(
      "NetworkPolicy",
      { podSelector: {} },
      { apiVersion: "networking.k8s.io/v1" },
    );
    const with_ = platformOf([...base, policy]);
    assert.equal(judged(compare(with_, with_)), true);
    const gone = compare(with_, platformOf(base));
    assert.match(gone.blind[0]!.text, /is gone/);
  });

  test("files that are not YAML, or hold no objects, all at once with their lines", () => {
    const files = new Map([
      ["a.yaml", "kind: x\nmetadata:\n  - [\n"],
      [
        "b.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n---\nnothing\n---\nkind: Pod\n",
      ],
    ]);
    assert.throws(
      () => readPlatform(files),
      (e: UnreadableManifests) => {
        assert.ok(e instanceof UnreadableManifests);
        assert.deepEqual(
          e.problems.map(({ place }) => `${place.file}:${place.line}`),
          ["a.yaml:4", "b.yaml:5", "b.yaml:7"],
        );
        return true;
      },
    );
  });
});

describe("reports", () => {
  test("Markdown is read as it stands, whatever names are in it", () => {
    const hostile = (name: string) => [injected(), deployment(name), service(name)];
    const c = compare(platformOf([]), platformOf(hostile("a|b<img>@all`x")));
    const report = markdownReport("x", c);
    assert.match(report, /^### ⚠️ x: /);
    for (const row of report.split("\n").filter((l) => l.startsWith("|")))
      assert.equal(row.replaceAll("\\|", "").split("|").length, 8, row);
    assert.ok(!/[^\\]<img|@all/.test(report));
  });

  test("JSON has all of it", async () => {
    const c = await changed((s) => ({ ...s, mtlsMode: "PERMISSIVE" }));
    const json = JSON.parse(JSON.stringify(jsonReport("prod", c)));
    assert.equal(json.counts.opens, 2);
    assert.equal(json.changes.length, c.changes.length);
    assert.equal(json.asked, c.changes.length + c.unchanged + c.notJudged.length);
  });
});
