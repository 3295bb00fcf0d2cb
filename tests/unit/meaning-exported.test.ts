import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, gatewayObjects, injected, service, usersRoute } from "./support/manifests.ts";

const routes = usersRoute();
const base = [injected(), deployment("users"), ...gatewayObjects(), ...routes];
const exported = (exportTo?: string, name = "networking.istio.io/exportTo"): Manifest => {
  const made = service("users");
  const annotations = { ...(exportTo !== undefined && { [name]: exportTo }) };
  return { ...made, metadata: { ...made.metadata, annotations } };
};

/** What becomes of requests at the gateway, and what cannot be judged. */
function change(before: Manifest, after: Manifest) {
  const c = compare(platformOf([...base, before]), platformOf([...base, after]));
  const outside = c.changes.filter((x) => x.who.startsWith("outside"));
  const effects = [...new Set(outside.map((x) => x.effect))].join();
  return { effects, blind: c.blind.map((b) => `${b.object}: ${b.text}`) };
}

describe("a Service that some namespaces alone know", () => {
  const [all, named] = [exported(), exported("bank, istio-system")];

  test("is not reached by a gateway of another one", () => {
    for (const to of [".", "~", "bank", "bank,shop"]) {
      assert.equal(change(exported(to), all).effects, "opens", to);
      assert.equal(change(all, exported(to)).effects, "closes", to);
    }
  });

  test("is reached where the gateway's namespace is among them", () => {
    for (const after of [named, exported("*"), exported("istio-system")])
      assert.equal(change(all, after).effects, "");
    assert.deepEqual(change(named, named).blind, []);
  });

  test("is named where that changes: what callers inside get is not read", () => {
    const what = (name: string) =>
      `Service bank/users: metadata.annotations.${name} changed, and what it does is not read here`;
    assert.deepEqual(change(all, named).blind, [what("networking.istio.io/exportTo")]);
    const other = "networking.istio.io/traffic-distribution";
    assert.deepEqual(change(all, exported("Any", other)).blind, [what(other)]);
    assert.deepEqual(change(all, exported("a", "example.com/note")).blind, []);
  });
});
