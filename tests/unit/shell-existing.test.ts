import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeTools } from "./support/fake-tools.ts";

describe("existing-cluster/ask.sh", () => {
  const env = { KUBECONTEXT: "work", OWNER: "me", NAMESPACES: "istio-system bank", ADOPT: "" };
  const existing = (namespaces = "default\n") =>
    new FakeTools().know("contexts", "home\nwork\n").know("namespaces", namespaces);
  const askWho = (tools: FakeTools, more: Partial<typeof env> = {}) =>
    tools.run("components/existing-cluster/ask.sh who", { ...env, ...more });

  test("nothing in the way: the cluster's uid", () => {
    const run = askWho(existing());
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, "uid-1\n", ""]);
  });

  test("its own namespaces and Istio are not in the way", () => {
    const tools = existing("istio-system me\nbank me\n")
      .know("istiods", "istio-system/istiod\n")
      .know("crd", "customresourcedefinition.apiextensions.k8s.io/gateways.networking.istio.io\n");
    const run = askWho(tools);
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, "uid-1\n", ""]);
  });

  const rows: [string, FakeTools, string, string[]][] = [
    ["a namespace without an owner", existing("bank\n"), "", ["namespace bank"]],
    ["another's namespace", existing("bank other\n"), "", ["namespace bank"]],
    [
      "both namespaces and an istiod",
      existing("istio-system\nbank\n").know("istiods", "istio-system/istiod\n"),
      "",
      ["namespace istio-system", "namespace bank", "Istio: deployment istio-system/istiod"],
    ],
    [
      "an istiod of another namespace beside one's own",
      existing("istio-system me\n").know("istiods", "istio-system/istiod\nmesh/istiod-1\n"),
      "",
      ["Istio: deployment mesh/istiod-1"],
    ],
    [
      "CRDs that an earlier Istio left",
      existing().know("crd", "crd/gateways\n"),
      "",
      ["Istio: its CustomResourceDefinitions (*.istio.io)"],
    ],
    [
      "an Istio, while only namespaces are adopted",
      existing("istio-system\nbank\n").know("istiods", "istio-system/istiod\n"),
      "namespaces",
      ["Istio: deployment istio-system/istiod"],
    ],
    [
      "the bank's namespace, while the other one is adopted",
      existing("istio-system\nbank\n"),
      "istio-system",
      ["namespace bank"],
    ],
    [
      "a namespace to be adopted that is not there",
      existing("istio-system\n"),
      "namespaces",
      ["namespace bank is to be adopted, and is not there"],
    ],
    [
      "the bank's namespace, while only Istio is adopted",
      existing("istio-system\nbank\n").know("istiods", "istio-system/istiod\n"),
      "istio",
      ["namespace bank"],
    ],
  ];
  for (const [what, tools, ADOPT, found] of rows) {
    test(`${what} is refused by name`, () => {
      const run = askWho(tools, { ADOPT });
      assert.equal(run.code, 1);
      assert.equal(run.stdout, "");
      const [first, ...rest] = run.stderr.trimEnd().split("\n");
      assert.match(
        first!,
        /context "work" holds what this stack did not make; nothing was touched:$/,
      );
      assert.deepEqual(
        rest.slice(0, -1).map((line) => line.trim()),
        found,
      );
      assert.match(rest.at(-1)!, /^fix: remove it, or use it: pulumi config set --path/);
    });
  }

  for (const ADOPT of ["namespaces istio", "istio namespaces"]) {
    test(`what is there is used when ${ADOPT} are adopted`, () => {
      const tools = existing("istio-system\nbank other\n")
        .know("istiods", "istio-system/istiod\n")
        .know("crd", "crd/gateways\n");
      const run = askWho(tools, { ADOPT });
      assert.deepEqual([run.code, run.stdout, run.stderr], [0, "uid-1\n", ""]);
    });
  }

  test("a context that does not exist is named, with those that do", () => {
    const run = askWho(existing(), { KUBECONTEXT: "nowhere" });
    assert.equal(run.code, 1);
    assert.match(run.stderr, /no kubeconfig context "nowhere"; there are: home work \nfix: /);
  });

  test("a cluster that does not answer is an error", () => {
    const run = askWho(existing().know("cluster-down", ""));
    assert.equal(run.code, 1);
    assert.equal(run.stdout, "");
    assert.match(run.stderr, /context "work" does not answer: connection refused\nfix: start it/);
  });

  test("kubeconfig: that of the one context", () => {
    const run = existing().run("components/existing-cluster/ask.sh kubeconfig", env);
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, "kubeconfig of work\n", ""]);
  });

  test("nothing is changed in the cluster", () => {
    for (const call of askWho(existing()).calls) assert.match(call, / get | get-contexts /);
  });
});

describe("istio-mesh/check-webhooks.sh", () => {
  const script = "components/istio-mesh/check-webhooks.sh";
  const denied =
    'Error from server: admission webhook "validation.istio.io" denied the request: invalid';
  const check = (tools: FakeTools) => tools.run(script, {}, "the kubeconfig");

  test("waits until istiod refuses the wrong object", () => {
    const answers = ["no endpoints available", "context deadline exceeded", denied];
    const tools = new FakeTools().know("answers", `${answers.join("\n")}\n`);
    const run = check(tools);
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, "", ""]);
    assert.equal(run.calls.length, 3);
  });

  test("an answer of anything else is not one of istiod's", () => {
    const tools = new FakeTools()
      .know("answers", 'admission webhook "other.example" denied the request\n')
      .shorten(script, "SECONDS + 60", "SECONDS + 1");
    const run = check(tools);
    assert.equal(run.code, 1);
    assert.match(
      run.stderr,
      /does not check objects after 60 s; the last answer was:\n.*other\.ex/,
    );
    assert.match(run.stderr, /\nfix: kubectl -n istio-system logs deploy\/istiod\n$/);
  });

  test("only asks: a server-side dry run of an object that no revision is named for", () => {
    const tools = new FakeTools().know("answers", `${denied}\n`);
    const [call] = check(tools).calls;
    assert.match(call!, / apply --server-side --dry-run=server /);
    const object = JSON.parse(tools.knows("applied")!) as { kind: string; metadata: object };
    assert.equal(object.kind, "Gateway");
    assert.deepEqual(Object.keys(object.metadata), ["name", "namespace"]);
  });

  test("the kubeconfig is a file of mode 0600 for as long as it runs, and never an argument", () => {
    const tools = new FakeTools().know("answers", `${denied}\n`);
    const run = check(tools);
    assert.equal(tools.knows("kubeconfig-seen"), "the kubeconfig");
    assert.equal(tools.knows("kubeconfig-mode"), "600\n");
    for (const text of [run.calls.join(), run.stdout, run.stderr]) {
      assert.ok(!text.includes("the kubeconfig"));
    }
    assert.deepEqual(tools.leftOver(), []);
  });
});
