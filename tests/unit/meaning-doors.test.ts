import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, gatewayObjects, injected, manifest, service } from "./support/manifests.ts";

const base = [injected(), deployment("users"), service("users"), ...gatewayObjects()];
const destination = { host: "users", port: { number: 80 } };
const server = (number: number, protocol: string, host: string, tls?: object) => ({
  ...{ port: { number, name: `p-${number}-${host.replace(/\W/g, "")}`, protocol }, hosts: [host] },
  ...(tls && { tls }),
});
const gateway = (...servers: object[]) =>
  manifest("Gateway", "gw", { selector: { istio: "ingressgateway" }, servers });
const secure = (host: string, mode = "SIMPLE") =>
  server(443, "HTTPS", host, { mode, credentialName: "c" });
const routes = (host: string, spec: object = { http: [{ route: [{ destination }] }] }) =>
  manifest("VirtualService", `vs-${host.replace(/\W/g, "")}`, {
    ...{ hosts: [host], gateways: ["gw"] },
    ...spec,
  });
const atGateway = (action: string, ...rules: object[]) =>
  manifest(
    "AuthorizationPolicy",
    action.toLowerCase(),
    { selector: { matchLabels: { istio: "ingressgateway" } }, action, rules },
    { namespace: "istio-system" },
  );

function between(before: readonly Manifest[], after: readonly Manifest[]): Comparison {
  return compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
}
const edge = (c: Comparison) =>
  c.changes
    .filter((x) => x.about.startsWith("istio-system/"))
    .map((x) => `${x.effect} ${x.who} → ${x.about.split(":")[1]}: ${x.what}`);
const some = (c: Comparison, part: RegExp) =>
  assert.ok(
    edge(c).some((l) => part.test(l)),
    edge(c).join("\n") || "nothing changed",
  );

describe("servers by their names", () => {
  test("a host is asked for at the server whose name is the nearest", () => {
    const [door, route] = [gateway(secure("*.local")), routes("app.local")];
    const c = between([door], [door, route]);
    some(c, /^opens outside → 443: GET app\.local\/$/);
  });

  test("hosts that rules name by patterns become hosts", () => {
    const [door, route] = [gateway(secure("*.local")), routes("*.local")];
    const deny = atGateway("DENY", {
      to: [{ operation: { hosts: ["*.shop.local", "*.shop.local:*"], methods: ["PUT"] } }],
    });
    some(between([door, route, deny], [door, route]), /PUT any\.shop\.local\//);
  });

  test("a rule about a host that no server has is asked about all the same", () => {
    const [door, route] = [gateway(secure("app.local")), routes("app.local")];
    const allow = (...hosts: string[]) => atGateway("ALLOW", { to: [{ operation: { hosts } }] });
    const c = between([door, route, allow("app.local")], [door, route, allow("else.where")]);
    assert.equal(c.leftOut, 0);
    some(c, /differs .*: GET else\.where\/, server name app\.local$/);
  });

  test("a host may be asked for at another one's server", () => {
    const before = gateway(secure("app.local", "MUTUAL"), secure("other.local"));
    const after = gateway(secure("app.local", "MUTUAL"), secure("*.local"));
    const all = [routes("app.local"), routes("other.local")];
    // whoever says other.local needs no certificate, and asks for what asks for one
    some(
      between([before, ...all], [after, ...all]),
      /^opens outside.* → 443: GET app\.local\/, server name any\.local$/,
    );
  });

  test("names that a rule asks the handshake for", () => {
    const [door, route] = [gateway(secure("*.local")), routes("*.local")];
    const deny = atGateway("DENY", {
      when: [{ key: "connection.sni", values: ["bad.local"] }],
    });
    some(between([door, route, deny], [door, route]), /server name bad\.local$/);
  });
});

describe("doors for bytes", () => {
  const tcp = gateway(server(9000, "TCP", "*"));
  const route = { route: [{ destination }] };

  test("TCP", () => {
    const c = between([tcp], [tcp, routes("*", { tcp: [{ match: [{ port: 9000 }], ...route }] })]);
    some(c, /^opens outside, without TLS → 9000: connect$/);
  });

  test("TCP, by address", () => {
    const open = [tcp, routes("*", { tcp: [route] })];
    const deny = atGateway("DENY", { from: [{ source: { ipBlocks: ["10.1.0.0/16"] } }] });
    some(between([...open, deny], open), /^opens .* → 9000: connect, from 10\.1\.0\.0$/);
  });

  test("TLS that is handed on, by each server name", () => {
    const door = gateway(server(443, "TLS", "*.local", { mode: "PASSTHROUGH" }));
    const named = (...sniHosts: string[]) =>
      routes("*.local", { tls: sniHosts.map((h) => ({ match: [{ sniHosts: [h] }], ...route })) });
    const c = between([door, named("a.local")], [door, named("a.local", "b.local")]);
    some(c, /^opens outside → 443: connect, server name b\.local$/);
  });
});

describe("handshakes with a gateway that cannot be judged", () => {
  const door = (tls: object) =>
    gateway(server(443, "HTTPS", "app.local", { mode: "MUTUAL", credentialName: "c", ...tls }));
  const shaken = (after: Manifest) => {
    const c = between([door({}), routes("app.local")], [after, routes("app.local")]);
    const of = (all: readonly { readonly what: string }[]) =>
      all.filter((x) => x.what.startsWith("shake hands")).length;
    return [of(c.changes), of(c.notJudged)];
  };

  test("have no certain answer", () => {
    const [changes, notJudged] = shaken(door({ unheardOf: 1 }));
    assert.equal(changes, 0);
    assert.ok(notJudged! > 0);
  });

  test("have one where it can be", () => {
    const [changes, notJudged] = shaken(door({ mode: "SIMPLE" }));
    assert.ok(changes! > 0);
    assert.equal(notJudged, 0);
  });
});

describe("cuts at a gateway", () => {
  const [door, route] = [gateway(server(80, "HTTP", "app.local")), routes("app.local")];
  const methods = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ to: [{ operation: { methods: [`M${i}`] } }] }));

  test("rules without paths beyond a number are counted, those that changed are asked first", () => {
    const more = { to: [{ operation: { methods: ["PUT"] } }] };
    const c = between(
      [door, route, atGateway("ALLOW", ...methods(60))],
      [door, route, atGateway("ALLOW", ...methods(60), more)],
    );
    assert.ok(c.leftOut > 0);
    some(c, /^opens outside, over plain HTTP → 80: PUT app\.local\/$/);
  });

  test("few rules leave nothing out", () => {
    const few = [door, route, atGateway("ALLOW", ...methods(9)), atGateway("DENY", ...methods(3))];
    assert.equal(between(few, few).leftOut, 0);
  });
});
