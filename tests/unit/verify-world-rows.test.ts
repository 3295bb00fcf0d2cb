import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unnamedAddress } from "../../meaning/evaluate/request.ts";
import { addressMatches } from "../../policies/decide.ts";
import { type Settings, modeOf } from "../../settings/index.ts";
import { fallbackKey } from "../../verify/fallback-key.ts";
import {
  type HostRequest,
  type PodRequest,
  type Probe,
  type ProbeTarget,
  controlOf,
} from "../../verify/probe.ts";
import { rowsOf } from "../../verify/rows.ts";
import { worldGateway } from "../../verify/worlds/gateway-objects.ts";
import { worldHosts, worlds } from "../../verify/worlds/index.ts";
import { keySetOf, worldKeys } from "../../verify/worlds/keys.ts";
import { worldObjects } from "../../verify/worlds/objects.ts";
import type { WorldArgs } from "../../verify/worlds/world.ts";
import { settings as stack } from "./support/settings.ts";

const keys = worldKeys(worldHosts.gateway, worldHosts.backend);

/** A world, its objects, and how it asks a probe. */
function worldOf(name: string) {
  const world = worlds.find((w) => w.name === name)!;
  const namespace = `verify-abc123-${name}`;
  const args: WorldArgs = {
    place: {
      ...{ run: "abc123", namespace, gateway: worldGateway(namespace) },
      edge: { address: "172.18.0.2", httpPort: 30_001, httpsPort: 30_002 },
    },
    ...{ keys, images: { echo: "echo:1", curl: "curl:1", nginx: "nginx:1" } },
  };
  const asks = world.steps(args).flatMap((step) => step.asks());
  const ask = (id: string) => {
    const { settings, probes } = asks.find((a) => a.probes.some((p) => p.id === id))!;
    const probe = probes.find((p) => p.id === id)!;
    const target: ProbeTarget = { settings, podAddresses: {} };
    const items = probe.applies(settings) ? (probe.each?.(settings) ?? [""]) : [];
    return { settings, probe, target, items };
  };
  return { world, args, ask, objects: worldObjects(world, args, stack()) };
}

interface Policy {
  readonly action: string;
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly rules: readonly {
    readonly from?: readonly { readonly source: Fields }[];
    readonly to?: readonly { readonly operation: Fields }[];
  }[];
}

type Fields = Readonly<Record<string, readonly string[]>>;

/** Fields of rules that refuse, for those that have a certain one, with the labels that they are about. */
function refusals(objects: ReturnType<typeof worldOf>["objects"], field: string) {
  return objects
    .filter((o) => o.kind === "AuthorizationPolicy")
    .map((o) => o.spec as Policy)
    .filter(({ action, selector }) => action === "DENY" && selector !== undefined)
    .flatMap(({ rules, selector }) =>
      rules.map(({ from = [], to = [] }) => {
        const parts = [...from.map((f) => f.source), ...to.map((t) => t.operation)];
        const fields: Fields = Object.fromEntries(parts.flatMap((part) => Object.entries(part)));
        return { labels: selector!.matchLabels, fields };
      }),
    )
    .filter(({ fields }) => field in fields);
}

function requests<T>(probe: Probe, target: ProbeTarget, item: string): readonly [T, T] {
  const control = controlOf(probe, target.settings, item)!;
  return [probe.send(target, item), control.send(target, item)] as unknown as [T, T];
}

describe("rules about hosts (A25)", () => {
  const { args, ask, objects } = worldOf("rules");
  const rules = refusals(objects, "hosts");
  const knows = ({ fields }: { readonly fields: Fields }, host: string) =>
    fields.hosts!.some((h) => h.toLowerCase() === host.toLowerCase());

  it("are asked at the gateway with the host in every case, beside a path that they do not name", () => {
    const { probe, target, items } = ask("A25");
    const rule = rules.find((r) => "istio" in r.labels)!;
    assert.deepEqual(rule.labels, args.place.gateway.selector);
    const hosts = items.map((item) => {
      const [sent, control] = requests<HostRequest>(probe, target, item);
      assert.ok(knows(rule, sent.host), sent.host);
      assert.ok(rule.fields.paths!.includes(sent.path));
      assert.ok(!rule.fields.paths!.includes(control.path));
      assert.deepEqual({ ...sent, path: "" }, { ...control, path: "" });
      return sent.host;
    });
    assert.equal(new Set(hosts).size, 3);
    assert.ok(hosts.includes(target.settings.host));
    assert.ok(hosts.includes(target.settings.host.toUpperCase()));
  });

  it("are asked at a service, beside another name of it", () => {
    const { probe, target, items } = ask("A25-inside");
    const rule = rules.find((r) => "app" in r.labels)!;
    const host = (request: PodRequest) => request.headers!.Host as string;
    const hosts = items.map((item) => {
      const [sent, control] = requests<PodRequest>(probe, target, item);
      assert.ok(knows(rule, host(sent)), host(sent));
      assert.ok(!knows(rule, host(control)), host(control));
      assert.ok(host(sent).toLowerCase().startsWith(host(control).toLowerCase()));
      assert.ok(rule.fields.paths!.some((path) => sent.url.endsWith(path)));
      const bare = (r: PodRequest) => ({ ...r, headers: { ...r.headers, Host: "" } });
      assert.deepEqual(bare(sent), bare(control));
      return host(sent);
    });
    assert.equal(new Set(hosts).size, 3);
  });
});

describe("callers beside those that rules name (A10, A13)", () => {
  it("stand in the place of the gateway and of a workload", () => {
    const { settings, probe, target, items } = worldOf("rules").ask("A-graph");
    for (const row of ["A10", "A13"]) {
      const controls = items
        .filter((item) => rowsOf(probe, settings, item).includes(row))
        .map((item) => controlOf(probe, settings, item)!.send(target, item).from);
      assert.deepEqual([...new Set(controls)].sort(), ["host", "mesh"], row);
    }
  });
});

describe("addresses where no proxy is trusted (E27)", () => {
  const { ask, objects } = worldOf("modes");
  const { settings, probe, target, items } = ask("E27-direct");

  it("are refused by what the connection says, whatever the client wrote", () => {
    assert.equal(settings.trustedProxies, 0);
    assert.equal(items.length, 1);
    const rules = refusals(objects, "notRemoteIpBlocks");
    const blocks = (path: string) =>
      rules.find(({ fields }) => fields.paths!.includes(path))!.fields.notRemoteIpBlocks!;
    const [sent, control] = requests<HostRequest>(probe, target, "");
    const written = sent.headers!["X-Forwarded-For"] as string;
    // believed, it would be in the block, and let in
    assert.ok(addressMatches(blocks(sent.path), written));
    assert.ok(!addressMatches(blocks(sent.path), unnamedAddress));
    assert.ok(addressMatches(blocks(control.path), unnamedAddress));
    assert.deepEqual({ ...sent, path: "" }, { ...control, path: "" });
    assert.deepEqual(rowsOf(probe, settings, ""), ["E27"]);
  });
});

describe("the kubelet's questions (M17)", () => {
  it("are asked of those services of the world that take mTLS alone", () => {
    const { settings, probe, items } = worldOf("modes").ask("M17");
    const strict = settings.services.filter((x) => modeOf(settings, x) === "STRICT");
    assert.deepEqual(
      items,
      strict.map((x) => x.name),
    );
    assert.ok(items.length > 0);
    for (const item of items) assert.deepEqual(rowsOf(probe, settings, item), ["M17"]);
  });
});

describe("the key that Istio fell back to (J21)", () => {
  const { world, args, ask, objects } = worldOf("modes");

  it("is refused of an issuer whose keys are gone, and taken of one that has it", () => {
    const { settings, probe, target } = ask("J21");
    const [sent, control] = requests<HostRequest>(probe, target, "");
    assert.deepEqual({ ...sent, token: {} }, { ...control, token: {} });
    assert.deepEqual({ ...sent.token, issuer: "" }, { ...control.token, issuer: "" });
    assert.deepEqual(world.signingKeys(keys)[control.token!.key!], fallbackKey);
    const issuer = (s: Settings, name: string) =>
      s.authentication.issuers.find((i) => i.name === name)!;
    assert.ok(issuer(settings, sent.token!.issuer).jwksUri);
    const careless = issuer(settings, control.token!.issuer);
    const published = world.keySets(args.keys)[careless.name]!;
    assert.ok(JSON.stringify(objects).includes(careless.issuer));
    assert.equal(published, keySetOf(fallbackKey));
  });
});
