import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare, judged } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { revisionOf } from "../../meaning/manifests/revision.ts";
import { deployment, injected, manifest, service } from "./support/manifests.ts";

const base = [injected(), deployment("users"), service("users")];
const istiod = (name = "istiod", ...env: object[]): Manifest => {
  const made = deployment(name, { labels: { istio: "pilot" } }, "istio-system");
  const template = { metadata: { labels: { istio: "pilot" } }, spec: { containers: [{ env }] } };
  return { ...made, spec: { template } };
};
const named = (value: string) => istiod(`istiod-${value}`, { name: "REVISION", value });
const tag = (name: string, of: string) =>
  manifest(
    "MutatingWebhookConfiguration",
    name,
    {},
    {
      ...{ apiVersion: "admissionregistration.k8s.io/v1" },
      labels: { "istio.io/tag": name, "istio.io/rev": of },
    },
  );
/** A policy that keeps everybody out, for a revision. */
const deny = (revision?: string) =>
  manifest(
    "AuthorizationPolicy",
    "nobody",
    {},
    {
      ...(revision !== undefined && { labels: { "istio.io/rev": revision } }),
    },
  );

/** What becomes of requests without such a policy. */
function without(policy: Manifest, ...more: Manifest[]): string {
  const before = platformOf([...base, ...more, policy]);
  const c = compare(before, platformOf([...base, ...more]));
  if (!judged(c)) return "unknown";
  return [...new Set(c.changes.map((x) => x.effect))].join();
}

describe("an object for one revision of istiod", () => {
  test("counts where it is that one's, and for nothing where it is another's", () => {
    assert.equal(without(deny(), istiod()), "opens");
    assert.equal(without(deny("default"), istiod()), "opens");
    assert.equal(without(deny("canary"), named("default")), "");
    assert.equal(without(deny("canary"), named("canary")), "opens");
    assert.equal(without(deny("default"), named("canary")), "");
    // an istiod without a name reads all
    assert.equal(without(deny("canary"), istiod()), "opens");
    assert.equal(
      without(deny("canary"), istiod("istiod", { name: "REVISION", value: "" })),
      "opens",
    );
  });

  test("cannot be judged where nobody says which istiod there is, or more than one", () => {
    assert.equal(without(deny("canary")), "unknown");
    assert.equal(without(deny()), "opens");
    assert.equal(without(deny("canary"), named("canary"), named("stable")), "unknown");
    const elsewhere = istiod("istiod", { name: "REVISION", valueFrom: {} });
    assert.equal(without(deny("canary"), elsewhere), "unknown");
  });

  test("cannot be judged where the label is a tag of it", () => {
    const objects = [named("1-31"), tag("prod", "1-31"), tag("next", "1-32")];
    assert.deepEqual(revisionOf(objects), { name: "1-31", tags: ["prod"] });
    assert.equal(without(deny("prod"), ...objects), "unknown");
    assert.equal(without(deny("next"), ...objects), "");
  });

  test("its label moves it from one to another", () => {
    const of = (revision: string) => platformOf([...base, named("default"), deny(revision)]);
    assert.ok(compare(of("default"), of("canary")).changes.some((c) => c.effect === "opens"));
    assert.ok(compare(of("canary"), of("default")).changes.every((c) => c.effect === "closes"));
  });
});
