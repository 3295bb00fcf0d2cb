import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, gatewayObjects, injected, manifest, service } from "./support/manifests.ts";

const apps = ["users", "orders"].flatMap((app) => [deployment(app), service(app)]);
const base = [injected(), ...apps, ...gatewayObjects()];
const between = (before: readonly Manifest[], after: readonly Manifest[]): Comparison =>
  compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
const effects = (c: Comparison) => [...new Set(c.changes.map((x) => x.effect))].sort();
const mtls = (name: string, mode: string) =>
  manifest("PeerAuthentication", name, { mtls: { mode } });
const aged = (object: Manifest, creationTimestamp: string): Manifest => ({
  ...object,
  metadata: { ...object.metadata, creationTimestamp },
});

describe("of several objects of one scope the oldest counts", () => {
  const [permissive, strict] = [mtls("b", "PERMISSIVE"), mtls("a", "STRICT")];

  test("what both sides have is older than what is new, whatever it is called", () => {
    assert.deepEqual(effects(between([permissive], [permissive, strict])), []);
    // the same two, and nobody knows which came first: by name
    assert.deepEqual(effects(between([permissive], [mtls("b", "STRICT")])), ["closes"]);
    assert.deepEqual(effects(between([strict, permissive], [permissive])), ["opens"]);
  });

  test("ages that a cluster gave count before names", () => {
    const [old, young] = [
      aged(permissive, "2026-01-01T00:00:00Z"),
      aged(strict, "2026-02-02T00:00:00Z"),
    ];
    const first = (objects: readonly Manifest[]) =>
      platformOf(objects).peerAuthentications.map((p) => p.name);
    assert.deepEqual(first([young, old]), ["b", "a"]);
    assert.deepEqual(first([aged(strict, "2025-01-01T00:00:00Z"), old]), ["a", "b"]);
    assert.deepEqual(first([permissive, young]), ["a", "b"]);
    // what runs tells the ages of what a file has
    assert.deepEqual(effects(between([young, old], [strict, permissive])), []);
    assert.deepEqual(effects(between([strict, permissive], [young, old])), ["opens"]);
  });

  const door = (name: string, mode: string) =>
    manifest("Gateway", name, {
      selector: { istio: "ingressgateway" },
      servers: [
        {
          ...{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["app.local"] },
          tls: { mode, credentialName: "bank" },
        },
      ],
    });
  const routes = (name: string, gateway: string, ...http: object[]) =>
    manifest("VirtualService", name, { hosts: ["app.local"], gateways: [gateway], http });
  const to = (host: string) => ({ route: [{ destination: { host, port: { number: 80 } } }] });

  test("a new Gateway takes no host from an older one", () => {
    const [old, young] = [door("old", "MUTUAL"), door("new", "SIMPLE")];
    const main = routes("main", "old", to("users"));
    assert.deepEqual(effects(between([old, main], [young, old, main])), []);
    assert.notDeepEqual(effects(between([old, main], [door("old", "SIMPLE"), main])), []);
  });

  test("a new VirtualService comes after an older one of the same host", () => {
    const gateway = door("old", "SIMPLE");
    const admin = { match: [{ uri: { prefix: "/admin" } }] };
    const main = routes("main", "old", { ...admin, ...to("orders") }, to("users"));
    const block = { ...admin, directResponse: { status: 403 } };
    const first = [gateway, routes("block", "old", block), main];
    assert.deepEqual(effects(between([gateway, main], first)), []);
    assert.deepEqual(effects(between(first, [gateway, main])), ["opens"]);
  });
});
