import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare, judged, opens } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { textReport } from "../../meaning/report/text.ts";
import { deployment, gatewayObjects, injected, manifest, service } from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const nobody = manifest("AuthorizationPolicy", "nobody", { rules: [] });
const base = [injected(), service("users"), nobody];
const between = (before: readonly Manifest[], after: readonly Manifest[]) =>
  compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
const opened = (c: Comparison) => [
  ...new Set(c.changes.filter((x) => x.effect === "opens").map((x) => x.about)),
];

const bare = { labels: { "sidecar.istio.io/inject": "false" } };
/** The same pods made by something else. */
function madeBy(kind: string, name: string, template: Json = {}): Manifest {
  const { spec, ...rest } = deployment(name, template);
  const batch = kind === "CronJob";
  return { ...rest, kind, spec: batch ? { jobTemplate: { spec } } : spec };
}

describe("workloads of one name", () => {
  const users = deployment("users");

  test("a DaemonSet without a sidecar beside a Deployment with one, in whatever order", () => {
    const second = madeBy("DaemonSet", "users", bare);
    for (const after of [
      [users, second],
      [second, users],
    ])
      assert.ok(opened(between([users], after)).includes("bank/users (DaemonSet):8080"));
  });

  test("a Job hides no Deployment that loses its sidecar", () => {
    const job = madeBy("Job", "users");
    const c = between([users, job], [deployment("users", bare), job]);
    assert.ok(opened(c).includes("bank/users:8080"), opened(c).join());
  });

  for (const kind of ["ReplicationController", "CronJob", "StatefulSet", "ReplicaSet"])
    test(`a ${kind} has pods, too`, () => {
      const c = between([], [madeBy(kind, "batch", bare)]);
      assert.ok(opened(c).includes(`bank/batch (${kind}):8080`), opened(c).join());
    });

  test("what changed in a CronJob's pods and is not read is named", () => {
    const noted = (annotations: object) => madeBy("CronJob", "batch", { annotations });
    assert.match(
      between([noted({})], [noted({ "proxy.istio.io/config": "{}" })]).blind[0]!.text,
      /^spec\.jobTemplate\.spec\.template\.metadata\.annotations\.proxy\.istio\.io\/config changed/,
    );
  });
});

describe("pods with a container of the injector's name", () => {
  const users = deployment("users");
  const own = (container: object, list = "containers", template: Json = {}): Manifest => {
    const made = structuredClone(deployment("users", template)) as Json;
    made.spec.template.spec[list] = [...(made.spec.template.spec[list] ?? []), container];
    return made as Manifest;
  };

  for (const [what, made] of [
    ["an istio-init of their own", own({ name: "istio-init", image: "busybox" }, "initContainers")],
    ["a proxy of their own", own({ name: "istio-proxy", image: "busybox" })],
    ["settings of the proxy", own({ name: "istio-proxy", image: "auto", args: ["x"] })],
    ["a proxy as initContainer", own({ name: "istio-proxy", image: "x" }, "initContainers")],
  ] as const)
    test(`${what} cannot be judged`, () => {
      const c = between([users], [made]);
      assert.equal(judged(c), false);
      assert.match(c.blind[0]!.text, /^its own container istio-\w+ stands in place/);
      assert.ok(c.notJudged.some((x) => x.about === "bank/users:8080"));
      assert.equal(c.unchanged, c.asked - c.notJudged.length - c.changes.length);
    });

  test("what the proxy may need, and pods without a sidecar, are as they were", () => {
    const needs = own({ name: "istio-proxy", image: "auto", resources: { limits: { cpu: "1" } } });
    assert.equal(judged(between([users], [needs])), true);
    const without = own({ name: "istio-init", image: "x" }, "initContainers", bare);
    assert.equal(judged(between([deployment("users", bare)], [without])), true);
  });

  test("a gateway's pods are proxies, whatever their containers say", () => {
    const [pods, ...others] = structuredClone(gatewayObjects()) as [Json, ...Manifest[]];
    pods.spec.template.spec.containers = [{ name: "istio-proxy", image: "auto", env: [{}] }];
    assert.equal(judged(between([], [pods as Manifest, ...others])), true);
  });
});

describe("pods that a Gateway selects", () => {
  const users = deployment("users");
  const strict = manifest("PeerAuthentication", "default", { mtls: { mode: "STRICT" } });
  const selecting = (app: string) =>
    manifest("Gateway", "gw", {
      selector: { app },
      servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    });
  const letIn = (app: string) =>
    manifest("AuthorizationPolicy", app, { selector: { matchLabels: { app } }, rules: [{}] });
  const anybody = letIn("users");
  const named = (c: Comparison) => c.blind.map((b) => `${b.object}: ${b.text}`);
  const said =
    "Gateway bank/gw: selects bank/users, whose pods are no gateway's proxy, and what it does there is not read here";

  test("and that have a sidecar stay behind it: whoever is let in then opens up", () => {
    const c = between([users, strict], [users, strict, anybody, selecting("users")]);
    assert.deepEqual(opened(c), ["bank/users:8080"]);
    assert.deepEqual([named(c), judged(c)], [[said], false]);
  });

  test("and that have no proxy at all are no gateway either", () => {
    const c = between([users, strict], [deployment("users", bare), strict, selecting("users")]);
    assert.ok(opened(c).includes("bank/users:8080"));
    assert.deepEqual(named(c), [said]);
  });

  test("and that are a gateway's proxy of somebody's own are one", () => {
    const own = structuredClone(deployment("door", bare)) as Json;
    own.spec.template.spec.containers[0].name = "istio-proxy";
    const there = [users, strict, selecting("door"), letIn("door"), own as Manifest];
    const routes = manifest("VirtualService", "vs", {
      ...{ hosts: ["app.local"], gateways: ["gw"] },
      http: [{ route: [{ destination: { host: "users", port: { number: 80 } } }] }],
    });
    const c = between([...there, anybody], [...there, anybody, routes]);
    assert.deepEqual([opened(c), c.blind], [["bank/door:8080"], []]);
  });
});

describe("Services that choose no pods", () => {
  const gateway = manifest("Gateway", "gw", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["app.local"] }],
  });
  const routes = (...more: object[]) =>
    manifest("VirtualService", "vs", {
      ...{ hosts: ["app.local"], gateways: ["gw"] },
      http: [
        ...more,
        {
          match: [{ uri: { exact: "/users" } }],
          route: [{ destination: { host: "users", port: { number: 80 } } }],
        },
      ],
    });
  const there = [...gatewayObjects(), gateway, deployment("users")];
  const to = (host: string) => ({
    match: [{ uri: { exact: "/new" } }],
    route: [{ destination: { host, port: { number: 80 } } }],
  });
  const ports = [{ port: 80 }];
  for (const [what, spec] of [
    ["without a selector", { ports }],
    ["with an empty one", { ports, selector: {} }],
    ["for another name", { type: "ExternalName", externalName: "db.example" }],
    ["for another name, with a selector", { type: "ExternalName", selector: { app: "users" } }],
  ] as const)
    test(`${what}: where a new route leads cannot be judged`, () => {
      const away = manifest("Service", "away", spec);
      const c = between([...there, away, routes()], [...there, away, routes(to("away"))]);
      const unknown = c.notJudged.find((x) => x.what.includes("/new"))!;
      assert.deepEqual([unknown.before.verdict, unknown.after.verdict], ["closed", "unknown"]);
      assert.match(unknown.after.by!, /^Service bank\/away chooses no pods/);
      assert.deepEqual([opens(c), judged(c)], [false, false]);
      const text = textReport("x", c);
      assert.doesNotMatch(text, /nothing opens up|nobody gets anything else/);
      assert.match(text, /^x: \d+ requests? may get more than before, which cannot be judged/);
    });

  test("what is no Service at all is refused still", () => {
    const c = between([...there, routes()], [...there, routes(to("nothing"))]);
    assert.deepEqual([opens(c), judged(c)], [false, true]);
  });
});

describe("accounts of pods", () => {
  const rules = manifest("AuthorizationPolicy", "users", {
    selector: { matchLabels: { app: "users" } },
    rules: [{ from: [{ source: { principals: ["cluster.local/ns/bank/sa/trusted"] } }] }],
  });
  const strict = manifest("PeerAuthentication", "default", { mtls: { mode: "STRICT" } });
  const there = [deployment("users"), rules, strict];
  const caller = (account: object) => {
    const made = structuredClone(deployment("orders")) as Json;
    const { serviceAccountName: _name, ...spec } = made.spec.template.spec;
    void _name;
    made.spec.template.spec = { ...spec, ...account };
    return made as Manifest;
  };

  for (const [what, account, opens_] of [
    ["by its name", { serviceAccountName: "trusted" }, true],
    ["by its older name", { serviceAccount: "trusted" }, true],
    [
      "by its older name beside an empty one",
      { serviceAccountName: "", serviceAccount: "trusted" },
      true,
    ],
    [
      "whose older name counts for nothing",
      { serviceAccountName: "x", serviceAccount: "trusted" },
      false,
    ],
  ] as const)
    test(`a caller takes on somebody's account, ${what}`, () => {
      const c = between([...there, caller({})], [...there, caller(account)]);
      const line = c.changes.find((x) => x.who === "bank/orders" && x.effect === "opens");
      assert.deepEqual([line !== undefined, opens(c)], [opens_, opens_]);
    });
});
