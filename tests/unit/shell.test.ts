import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { FakeTools, type Run } from "./support/fake-tools.ts";
import { root } from "./support/settings.ts";

const hash = "0123456789ab";
const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const mine = `11111111-1111-1111-1111-111111111111-${hash}`;
const older = "11111111-1111-1111-1111-111111111111-ffffffffffff";
const who = { CLUSTER: "istio-poc", OWNER: "me" };
const claim = (owner: string, id: string) => `owner=${owner}\nid=${id}\n`;

const ask = (tools: FakeTools) =>
  tools.run("components/kind-cluster/ask.sh", { ...who, CONFIG_HASH: hash });
const create = (tools: FakeTools, images = "") =>
  tools.run(
    "components/kind-cluster/create.sh",
    { ...who, CREATION_ID: mine, PRELOAD_IMAGES: images },
    "kind: Cluster",
  );
const ready = (tools: FakeTools) => tools.run("components/kind-cluster/ready.sh", who);
const destroy = (tools: FakeTools) =>
  tools.run("components/kind-cluster/delete.sh", { ...who, CREATION_ID: mine });

/** A living or stopped cluster of somebody's. */
const cluster = (state: string, owner: string, id: string) =>
  new FakeTools().know("node", `${state}\n`).know("stamp", `${owner} ${id}\n`);

/** Tools that change something. */
const changes = ({ calls }: Run) =>
  calls.filter(
    (c) =>
      !/ (container inspect|volume inspect|cp|ps|get) |readyz|get pods|exec .* cat \/proc/.test(c),
  );

function refusesForeign(run: Run): void {
  assert.equal(run.code, 1);
  assert.equal(run.stdout, "");
  assert.match(run.stderr, /"istio-poc" exists that this stack's state does not know; nothing was/);
  assert.match(run.stderr, /fix: delete it \(kind delete cluster --name istio-poc\), or use/);
  assert.deepEqual(changes(run), []);
}

function saysThatDockerIsSilent(run: Run): void {
  assert.equal(run.code, 1);
  assert.equal(run.stdout, "");
  assert.match(run.stderr, /Docker does not answer, so nobody can say whether cluster "istio-poc"/);
  assert.match(run.stderr, /Cannot connect to the Docker daemon/);
  assert.match(run.stderr, /fix: start Docker \(npm run doctor says how\)/);
  assert.doesNotMatch(run.stderr, /does not know/);
  assert.deepEqual(changes(run), []);
}

const nodeStates = ["exited", "created"];

describe("kind-cluster/ask.sh", () => {
  test("no cluster: a fresh id of today's configuration, another each time", () => {
    const tools = new FakeTools();
    const [one, two] = [ask(tools), ask(tools)];
    for (const run of [one, two]) {
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stdout, new RegExp(`^${uuid}-${hash}\n$`));
      assert.deepEqual(changes(run), []);
    }
    assert.notEqual(one.stdout, two.stdout);
    assert.deepEqual(tools.leftOver(), []);
  });

  test("a living cluster of today's configuration: its id", () => {
    const run = ask(cluster("running", "me", mine));
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, `${mine}\n`, ""]);
    assert.deepEqual(changes(run), []);
  });

  test("a living cluster of another configuration: a fresh id, and nothing is touched", () => {
    const run = ask(cluster("running", "me", older));
    assert.match(run.stdout, new RegExp(`^${uuid}-${hash}\n$`));
    assert.deepEqual(changes(run), []);
  });

  for (const state of nodeStates) {
    test(`a node that is ${state}: started, then its id`, () => {
      const tools = cluster(state, "me", mine);
      const run = ask(tools);
      assert.deepEqual([run.code, run.stdout, run.stderr], [0, `${mine}\n`, ""]);
      assert.deepEqual(changes(run), ["docker start 0123"]);
      assert.equal(tools.knows("node"), "running\n");
    });
  }

  test("a paused node goes on", () => {
    const run = ask(cluster("paused", "me", mine));
    assert.deepEqual([run.code, run.stdout], [0, `${mine}\n`]);
    assert.deepEqual(changes(run), ["docker unpause 0123"]);
  });

  test("a stopped worker is started, though the control plane runs", () => {
    const run = ask(cluster("running", "me", mine).know("stopped-worker", "4567\n"));
    assert.deepEqual([run.code, run.stdout], [0, `${mine}\n`]);
    assert.deepEqual(changes(run), ["docker start 4567"]);
  });

  test("after a start the pods' containers have to be new, and ready", () => {
    const old = "True 2026-01-01T00:00:09Z";
    const mixed = "True 2026-01-01T00:00:11Z;True 2026-01-01T00:00:12Z 2026-01-01T00:00:09Z";
    const notReady = "False 2026-01-01T00:00:11Z";
    const good = "True 2026-01-01T00:00:11Z;True 2026-01-01T00:00:10Z 2026-01-01T00:00:12Z";
    const answers = [old, mixed, notReady, good];
    const run = ask(cluster("exited", "me", mine).know("pods", `${answers.join("\n")}\n`));
    assert.equal(run.code, 0, run.stderr);
    assert.equal(run.calls.filter((c) => c.includes("get pods")).length, answers.length);
  });

  test("a stopped cluster of another configuration is not started: it will be replaced", () => {
    const run = ask(cluster("exited", "me", older));
    assert.match(run.stdout, new RegExp(`^${uuid}-${hash}\n$`));
    assert.deepEqual(changes(run), []);
  });

  test("a stopped cluster that does not come up is an error", () => {
    const tools = cluster("exited", "me", mine)
      .know("never-ready", "")
      .shorten("components/kind-cluster/lib.sh", "SECONDS + 120", "SECONDS + 1");
    const run = ask(tools);
    assert.equal(run.code, 1);
    assert.equal(run.stdout, "");
    assert.match(run.stderr, /"istio-poc" was stopped and does not come up within 120 s\nfix: /);
  });

  for (const state of ["running", "exited"]) {
    test(`somebody else's ${state} cluster of that name is refused, and not even started`, () => {
      refusesForeign(ask(cluster(state, "other", mine)));
    });
  }

  test("a cluster that nobody stamped or claimed is refused", () => {
    refusesForeign(ask(new FakeTools().know("node", "running\n")));
  });

  test("one that this stack left half-made: a fresh id", () => {
    const tools = new FakeTools().know("node", "running\n").know("volume", claim("me", mine));
    const run = ask(tools);
    assert.match(run.stdout, new RegExp(`^${uuid}-${hash}\n$`));
    assert.notEqual(run.stdout, `${mine}\n`);
    assert.deepEqual(changes(run), []);
  });

  test("one that another stack is making is refused", () => {
    refusesForeign(
      ask(new FakeTools().know("node", "running\n").know("volume", claim("other", mine))),
    );
  });

  test("a Docker that does not answer is an error, never 'gone'", () => {
    saysThatDockerIsSilent(ask(cluster("running", "me", mine).know("docker-down", "")));
  });
});

describe("kind-cluster/create.sh", () => {
  test("no cluster: claimed, made, stamped, no longer claimed; the kubeconfig is printed", () => {
    const tools = new FakeTools();
    const run = create(tools);
    assert.deepEqual([run.code, run.stdout], [0, "kubeconfig of istio-poc\n"], run.stderr);
    // standard error is shown
    assert.ok(!run.stderr.includes("kubeconfig of"));
    assert.equal(tools.knows("config"), "kind: Cluster\n");
    assert.equal(tools.knows("stamp"), `me ${mine}\n`);
    assert.equal(tools.knows("volume"), undefined);
    const order = ["volume create", "create cluster", "bankmesh-creation"];
    const positions = order.map((part) => changes(run).findIndex((c) => c.includes(part)));
    assert.deepEqual(
      positions,
      [...positions].sort((a, b) => a - b),
    );
    assert.ok(!positions.includes(-1));
    assert.deepEqual(tools.leftOver(), []);
  });

  test("the claim names owner and creation, for as long as the node is not stamped", () => {
    const tools = new FakeTools().know("kind-fails-late", "");
    const run = create(tools);
    assert.equal(run.code, 1);
    assert.equal(tools.knows("volume"), claim("me", mine));
    assert.equal(tools.knows("stamp"), undefined);
  });

  test("images are loaded, each a word", () => {
    const run = create(new FakeTools(), "a:1 b:2");
    assert.equal(run.code, 0, run.stderr);
    assert.ok(run.calls.includes("kind load docker-image --quiet --name istio-poc a:1 b:2"));
  });

  test("no images: none is loaded", () => {
    assert.ok(!create(new FakeTools()).calls.some((c) => c.includes("load")));
  });

  test("run again after it was interrupted behind the stamp: nothing is made, the kubeconfig comes", () => {
    const run = create(cluster("running", "me", mine));
    assert.deepEqual([run.code, run.stdout], [0, "kubeconfig of istio-poc\n"]);
    assert.deepEqual(changes(run), []);
  });

  test("the same, and stopped since: started", () => {
    const run = create(cluster("exited", "me", mine));
    assert.deepEqual([run.code, run.stdout], [0, "kubeconfig of istio-poc\n"]);
    assert.deepEqual(changes(run), ["docker start 0123"]);
  });

  for (const [what, tools] of [
    ["of another configuration", cluster("running", "me", older)],
    ["half-made", new FakeTools().know("node", "created\n").know("volume", claim("me", older))],
  ] as const) {
    test(`a cluster of this stack's ${what}: removed first, then made`, () => {
      const run = create(tools);
      assert.equal(run.code, 0, run.stderr);
      const made = changes(run).map((c) => c.split(" ").slice(0, 3).join(" "));
      assert.deepEqual(made.slice(0, 4), [
        "kind delete cluster",
        "docker volume rm",
        "docker volume create",
        "kind create cluster",
      ]);
      assert.equal(tools.knows("stamp"), `me ${mine}\n`);
    });
  }

  test("somebody else's cluster is refused", () => {
    refusesForeign(create(cluster("running", "other", older)));
  });

  test("kind fails and takes its nodes back: an error, and no claim is left", () => {
    const tools = new FakeTools().know("kind-fails", "");
    const run = create(tools);
    assert.equal(run.code, 1);
    assert.equal(run.stdout, "");
    assert.match(run.stderr, /port is taken/);
    assert.match(run.stderr, /kind could not make cluster "istio-poc"; .*\nfix: npm run doctor/);
    assert.equal(tools.knows("volume"), undefined);
    assert.deepEqual(tools.leftOver(), []);
  });

  test("a Docker that does not answer is an error, never 'make it'", () => {
    saysThatDockerIsSilent(create(new FakeTools().know("docker-down", "")));
  });
});

describe("kind-cluster/ready.sh", () => {
  test("one CoreDNS, asked every second, and every node Ready", () => {
    const run = ready(cluster("running", "me", mine));
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, "", ""]);
    const [patch, wait] = changes(run);
    assert.deepEqual(JSON.parse(patch!.split("patch deployment/coredns --patch ")[1]!), {
      spec: {
        replicas: 1,
        template: {
          spec: {
            containers: [
              { name: "coredns", readinessProbe: { periodSeconds: 1, failureThreshold: 30 } },
            ],
          },
        },
      },
    });
    assert.match(wait!, /wait --for=condition=Ready node --all --timeout=120s$/);
  });

  test("a node that does not get Ready is an error that says where to look", () => {
    const run = ready(cluster("running", "me", mine).know("not-ready", ""));
    assert.equal(run.code, 1);
    assert.match(run.stderr, /"istio-poc" is made, but not every node is Ready after 120 s\nfix: /);
  });

  test("a machine that has too few inotify instances gets more, and says so", () => {
    const tools = cluster("running", "me", mine).know("inotify", "128\n");
    const run = ready(tools);
    assert.equal(run.code, 0, run.stderr);
    assert.equal(tools.knows("inotify"), "8192\n");
    assert.match(run.stderr, /raised fs.inotify.max_user_instances .* from 128 to 8192, until it/);
  });
});

describe("kind-cluster/delete.sh", () => {
  test("its own cluster is removed, with its claim", () => {
    const tools = cluster("running", "me", mine).know("volume", claim("me", mine));
    const run = destroy(tools);
    assert.equal(run.code, 0, run.stderr);
    assert.equal(tools.knows("node"), undefined);
    assert.equal(tools.knows("volume"), undefined);
    assert.deepEqual(tools.leftOver(), []);
  });

  test("a stopped one too, without a start", () => {
    const tools = cluster("exited", "me", mine);
    const run = destroy(tools);
    assert.equal(run.code, 0);
    assert.equal(tools.knows("node"), undefined);
    assert.ok(!run.calls.some((c) => c.startsWith("docker start")));
  });

  test("one that it left half-made is removed by its claim", () => {
    const tools = new FakeTools().know("node", "running\n").know("volume", claim("me", mine));
    assert.equal(destroy(tools).code, 0);
    assert.equal(tools.knows("node"), undefined);
    assert.equal(tools.knows("volume"), undefined);
  });

  test("none: done, and a left claim goes", () => {
    const tools = new FakeTools().know("volume", claim("me", mine));
    assert.equal(destroy(tools).code, 0);
    assert.equal(tools.knows("volume"), undefined);
  });

  for (const [what, owner, id] of [
    ["that replaced it", "me", `22222222-2222-2222-2222-222222222222-${hash}`],
    ["of somebody else's", "other", older],
  ] as const) {
    test(`a cluster ${what} stays`, () => {
      const tools = cluster("running", owner, id).know("volume", claim(owner, id));
      const run = destroy(tools);
      assert.equal(run.code, 0);
      assert.deepEqual(changes(run), []);
      assert.equal(tools.knows("node"), "running\n");
    });
  }

  test("a half-made cluster of another creation stays", () => {
    const tools = new FakeTools().know("node", "running\n").know("volume", claim("me", older));
    const run = destroy(tools);
    assert.equal(run.code, 0);
    assert.deepEqual(changes(run), []);
  });

  test("a Docker that does not answer is an error, never 'deleted'", () => {
    saysThatDockerIsSilent(destroy(cluster("running", "me", mine).know("docker-down", "")));
  });
});

test("every script stops at its first error", () => {
  const scripts = fs
    .readdirSync(path.join(root, "components"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sh"));
  assert.ok(scripts.length >= 6);
  for (const file of scripts) {
    const text = fs.readFileSync(path.join(root, "components", file), "utf8");
    // lib.sh is sourced by the others
    if (path.basename(file) !== "lib.sh") assert.match(text, /^set -euo pipefail$/m, file);
  }
});
