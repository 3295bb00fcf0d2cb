import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, injected, manifest } from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

const root = "istio-system";

describe("who gets a sidecar", () => {
  const enabled = { "istio-injection": "enabled" };
  const webhook = (rev: string, prefixes = ["rev.namespace."]): Manifest => ({
    ...manifest("MutatingWebhookConfiguration", rev, {}, { labels: { "istio.io/rev": rev } }),
    webhooks: prefixes.map((p) => ({ name: `${p}sidecar-injector.istio.io` })),
  });
  const off: Manifest = {
    ...manifest("ConfigMap", "istio-sidecar-injector", {}, { namespace: root }),
    data: { config: "policy: disabled\n" },
  };
  const inject = (value: string) => ({ labels: { "sidecar.istio.io/inject": value } });
  const noted = (value: string) => ({ annotations: { "sidecar.istio.io/inject": value } });
  for (const [what, namespace, pod, more, expected] of [
    ["a namespace that says so", enabled, {}, [], "sidecar"],
    ["a namespace that says nothing", {}, {}, [], "none"],
    ["a namespace that says no", { "istio-injection": "disabled" }, inject("true"), [], "none"],
    ["a pod that says no", enabled, inject("false"), [], "none"],
    ["a pod that says so", {}, inject("true"), [], "sidecar"],
    ["an annotation that says no", enabled, noted("false"), [], "none"],
    ["an annotation that says so, and nobody asks", {}, noted("true"), [], "none"],
    [
      "the label before the annotation",
      enabled,
      { ...inject("true"), ...noted("false") },
      [],
      "sidecar",
    ],
    ["another word", enabled, noted("yes"), [], "sidecar"],
    ["a revision", { "istio.io/rev": "canary" }, {}, [], "sidecar"],
    ["a revision that is there", { "istio.io/rev": "canary" }, {}, [webhook("canary")], "sidecar"],
    [
      "a revision that is not there",
      { "istio.io/rev": "canary" },
      {},
      [webhook("default")],
      "none",
    ],
    [
      "the older label before the revision",
      { ...enabled, "istio.io/rev": "canary" },
      {},
      [webhook("canary")],
      "none",
    ],
    [
      "a pod's revision",
      {},
      { labels: { "istio.io/rev": "canary" } },
      [webhook("canary")],
      "sidecar",
    ],
    ["namespaces by default", {}, {}, [webhook("default", ["auto."])], "sidecar"],
    ["pods that say nothing where nobody is by default", enabled, {}, [off], "none"],
    ["pods that say so where nobody is by default", enabled, inject("true"), [off], "sidecar"],
  ] as readonly (readonly [string, object, Json, Manifest[], string])[])
    test(`${what}: ${expected}`, () => {
      const platform = platformOf([injected("bank", namespace), deployment("users", pod), ...more]);
      assert.equal(platform.workloads.get("bank/users")!.proxy, expected);
    });

  test("no pod of the node's own network, and none of Kubernetes' own namespaces", () => {
    const pod = deployment("users") as Json;
    pod.spec.template.spec.hostNetwork = true;
    const platform = platformOf([
      injected(),
      pod,
      injected("kube-system"),
      deployment("x", {}, "kube-system"),
    ]);
    assert.deepEqual(
      [...platform.workloads.values()].map((w) => w.proxy),
      ["none", "none"],
    );
  });
});
