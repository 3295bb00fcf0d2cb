import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { root } from "../../scripts/paths.ts";
import type { ClientSettings } from "../../settings/index.ts";
import type { Kubectl } from "../../verify/kubectl.ts";
import { allProbes } from "../../verify/probes/index.ts";
import { table } from "../../verify/reports/terminal.ts";
import type { Subject, Verifier } from "../../verify/verifier.ts";
import { assertDialsMtls } from "./support/client-rule.ts";
import { assertAllCaught } from "./support/mutations.ts";
import { assertAllHold, idsOf, narrowed } from "./support/proof.ts";
import { TestStack, type Values } from "./support/stack.ts";

interface Deployment {
  readonly spec: { readonly template: Readonly<Record<string, unknown>> };
}

/** Values of an example, less what names a cluster and its ports. */
function example(name: string): Values {
  const file = path.join(root, "examples", name, `Pulumi.${name}.yaml`);
  const { config } = parse(fs.readFileSync(file, "utf8")) as { config: Values };
  const own = ["clusterName", "httpPort", "httpsPort"];
  return Object.fromEntries(
    Object.entries(config)
      .map(([key, value]) => [key.slice("bankmesh:".length), value] as const)
      .filter(([key]) => !own.includes(key)),
  );
}

describe("the examples", () => {
  let stack: TestStack;
  let verifier: Verifier | undefined;

  before(async () => {
    stack = await TestStack.create("examples", example("demo"));
    await stack.up();
  });

  after(async () => {
    await verifier?.close().catch(() => undefined);
    await stack?.remove();
  });

  /** Takes the stack to other values; what the old ones had is gone, with callers if they were in another namespace. */
  async function become(values: Values): Promise<void> {
    const old = values.namespace === stack.settings.namespace ? undefined : verifier;
    if (old) verifier = undefined;
    stack.replace(values);
    // both to their end: callers go while the update runs, which knows nothing of them
    const [updated, closed] = await Promise.allSettled([stack.up(), old?.close()]);
    for (const one of [updated, closed]) if (one.status === "rejected") throw one.reason;
  }

  async function asking<T>(work: (verifier: Verifier, subject: Subject) => Promise<T>): Promise<T> {
    verifier ??= await stack.verifier();
    return work(verifier, await stack.subject());
  }

  /** Asks everything, or what some step can have changed. */
  async function proof(probes = allProbes): Promise<string[]> {
    const outcomes = await asking((callers) => assertAllHold(callers, stack, probes));
    return [...idsOf(outcomes), ...outcomes.map((o) => o.item)];
  }

  /** What curl in a client's pod ends with, and prints. */
  async function ask(client: string, namespace: string, url: string): Promise<string> {
    const kubectl = await stack.kubectl();
    const curl = `curl -sS -m 5 -o /dev/null -w '%{http_code}' ${url} 2>&1; echo " exit $?"`;
    const pod = ["exec", `--namespace=${namespace}`, `deployment/${client}`, "--container=curl"];
    return (await kubectl.run([...pod, "--", "sh", "-c", curl])).trim();
  }

  /** The DestinationRule of the example that the stack is, and what it is without. */
  async function dialsMtls(name: string, service: string): Promise<void> {
    const { destinationRule, ...without } = example(name);
    assert.ok(destinationRule);
    await assertDialsMtls({
      ...{ kubectl: await stack.kubectl(), namespace: stack.settings.namespace, service },
      shell: (kind, script) => asking((verifier) => verifier.callers.shell(kind, script)),
      withoutRule: () => become(without),
    });
  }

  describe("demo", () => {
    const version = "http://backend.demo.svc.cluster.local:3000/api/version";
    const withClient = (injection: ClientSettings["injection"]): Values => ({
      ...example("demo"),
      clients: [{ name: "curl-test", namespace: "universe", injection }],
    });
    const fromUniverse = () => ask("curl-test", "universe", version);

    it("lets frontend and monitor do what any of their rules says, and no more", async () => {
      const asked = await proof();
      for (const text of [
        "monitor to backend: DELETE, /api/users/1, no token",
        "frontend to backend: OPTIONS, /api/register, no token",
      ])
        assert.ok(asked.includes(text), text);
    });

    it("resets who is outside the mesh", async () => {
      assert.match(await fromUniverse(), /reset by peer.*exit 56/s);
    });

    const name = "by-hand";
    /** The client's pod once more, with a sidecar that no webhook put in; waits until it is ready. */
    async function injectByHand(kubectl: Kubectl): Promise<void> {
      const original = await kubectl.json<Deployment>([
        ...["get", "deployment/curl-test", "--namespace=universe"],
      ]);
      const { template } = original.spec;
      const labels = { app: name };
      const plain = {
        ...{ apiVersion: "apps/v1", kind: "Deployment" },
        metadata: { name, namespace: "universe" },
        spec: {
          selector: { matchLabels: labels },
          template: { ...template, metadata: { labels } },
        },
      };
      const injected = execFileSync(
        "istioctl",
        ["kube-inject", "--kubeconfig", kubectl.file, "--filename", "-"],
        { input: JSON.stringify(plain), encoding: "utf8", env: stack.env },
      );
      await kubectl.run(["apply", "--filename", "-"], injected);
      const wait = ["rollout", "status", `deployment/${name}`, "--namespace=universe"];
      await kubectl.run([...wait, "--timeout=90s"]);
    }

    for (const injection of ["namespace", "pod"] as const)
      it(`answers the same client with a sidecar (by the ${injection}'s label), by its identity`, async () => {
        await become(withClient(injection));
        assert.equal(await fromUniverse(), "200 exit 0");
        const asked = await proof(narrowed((_, item) => item.startsWith("curl-test of ")));
        for (const path of ["/api/version", "/api/versionX"]) {
          const text = `curl-test of universe to backend: GET, ${path}, no token`;
          assert.ok(asked.includes(text), text);
        }
      });

    let byHand: Promise<void> | undefined;

    it("resets it again once its sidecar is gone", async () => {
      // for the next step, which says how it ended; the pod starts while the update runs
      byHand = injectByHand(await stack.kubectl());
      byHand.catch(() => undefined);
      await become(withClient("none"));
      assert.match(await fromUniverse(), /reset by peer.*exit 56/s);
    });

    it("answers it with a sidecar that istioctl kube-inject put in by hand, beside the one without", async () => {
      await byHand;
      assert.equal(await ask(name, "universe", version), "200 exit 0");
      assert.match(await fromUniverse(), /reset by peer.*exit 56/s);
      await (await stack.kubectl()).run(["delete", "deployment", name, "--namespace=universe"]);
    });
  });

  describe("fruits", () => {
    const [api, dns] = ["kubernetes.default", "kube-dns.kube-system"].map(
      (name) => `${name}.svc.cluster.local`,
    );

    it("lets learners read, in a mesh that dials mTLS for every host but those it excepts", async () => {
      await become(example("fruits"));
      const asked = await proof();
      const call = "outside to fruits-api: GET, /api/fruits, token of succinctly";
      for (const one of [`${call} {"role":"learner"}`, `${call} {"role":"learner2"}`, api!, dns!])
        assert.ok(asked.includes(one), one);
      assert.ok(asked.includes("M14-except"));
    });

    it("would put hosts without a sidecar out of reach without the exceptions", async () => {
      await become({ ...example("fruits"), destinationRule: { scope: "mesh" } });
      const m14 = allProbes.filter((p) => p.id === "M14");
      const outcomes = await asking((verifier, subject) => verifier.ask(subject, {}, m14));
      assert.deepEqual(
        outcomes.map((o) => [o.item, o.verdict]).sort(),
        [
          [dns, "holds"],
          [api, "holds"],
        ],
        table(outcomes),
      );
    });
  });

  describe("production", () => {
    it("proves rules about tokens, claims and addresses on servers as they come", async () => {
      await become(example("production"));
      const asked = await proof();
      for (const part of ["at 10.0.0.0", "at 9.255.255.255", "at 10.66.0.0"])
        assert.ok(
          asked.some((text) => text.startsWith("outside to frontend") && text.endsWith(part)),
          part,
        );
      for (const one of ["frontend to backend: POST, /, no token", "E27"])
        assert.ok(asked.includes(one), one);
      // past the gateway, whose rules are the only ones about frontend
      for (const caller of ["a stranger of the mesh", "backend"])
        assert.ok(
          asked.some((text) => text.startsWith(`${caller} to frontend`)),
          caller,
        );
    });

    it("runs nginx and httpd, neither as root nor on a writable image", async () => {
      const kubectl = await stack.kubectl();
      for (const [service, banner] of [
        ["frontend", /Welcome to nginx/],
        ["backend", /It works!/],
      ] as const) {
        const url = `http://localhost:80/`;
        const exec = [
          "exec",
          "--namespace=production",
          `deployment/${service}`,
          "-c",
          "istio-proxy",
        ];
        assert.match(await kubectl.run([...exec, "--", "curl", "-sS", url]), banner);
      }
    });

    it("dials mTLS for each name of its namespace: without its DestinationRule, a server without a sidecar answers", () =>
      dialsMtls("production", "backend"));
  });

  describe("namespaces", () => {
    it("lets one namespace and one service in, and nobody else of the mesh", async () => {
      await become(example("namespaces"));
      const asked = await proof();
      for (const text of [
        "frontend of frontend-ns to backend: GET, /api/1, no token",
        "other of test-ns to backend: GET, /api/1, no token",
        "worker to backend: POST, /api/1, no token",
        "A15-mesh",
      ])
        assert.ok(asked.includes(text), text);
    });

    it("is seen to be open where the mesh's own default-deny is gone, outside the namespace that has another", async () => {
      await asking((callers) => assertAllCaught(callers, stack, ["mesh-default-deny-deleted"]));
    });

    it("dials mTLS to the backend: without its DestinationRule, a server without a sidecar answers there", () =>
      dialsMtls("namespaces", "backend"));
  });
});
