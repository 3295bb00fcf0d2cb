import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { validateSpec } from "../../policies/schema.ts";
import { type Settings, settingsSchema } from "../../settings/index.ts";
import { type ProbeTarget, controlOf, isNegative } from "../../verify/probe.ts";
import { rows, rowsOf } from "../../verify/rows.ts";
import { stateProbe } from "../../verify/state.ts";
import { probesFor } from "../../verify/probes/index.ts";
import { gatewayService, nodePortsOf, worldGateway } from "../../verify/worlds/gateway-objects.ts";
import { worldHosts, worlds } from "../../verify/worlds/index.ts";
import { worldKeys } from "../../verify/worlds/keys.ts";
import { worldNamespace, worldObjects } from "../../verify/worlds/objects.ts";
import { perRow } from "../../verify/worlds/select.ts";
import type { World, WorldArgs } from "../../verify/worlds/world.ts";
import { askedRows } from "./support/asked-rows.ts";

const keys = worldKeys(worldHosts.gateway, worldHosts.backend);
const stack = settingsSchema.parse({});

function argsOf(world: World): WorldArgs {
  const namespace = `verify-abc123-${world.name}`;
  const ports = { httpPort: 30_001, httpsPort: 30_002, secondHttpsPort: 30_003 };
  return {
    place: {
      ...{ run: "abc123", namespace, gateway: worldGateway(namespace) },
      edge: { address: "172.18.0.2", ...ports },
    },
    keys,
    images: { echo: "echo:1", curl: "curl:1", nginx: "nginx:1" },
  };
}

function targetOf(world: World, settings: Settings): ProbeTarget {
  const { place } = argsOf(world);
  const podAddresses = Object.fromEntries(settings.services.map((s, i) => [s.name, `10.0.0.${i}`]));
  const service = world.twinService;
  return {
    ...{ settings, podAddresses, callerHost: world.ruleless?.(place) ?? "curl.bank" },
    ...(service && { twin: { service, namespace: place.namespace, podAddress: "10.0.0.9" } }),
  };
}

for (const world of worlds) {
  describe(`the world ${world.name}`, () => {
    const args = argsOf(world);
    const objects = worldObjects(world, args, stack);
    const { namespace } = args.place;

    it("keeps to its namespace, with each object once", () => {
      for (const o of objects) assert.equal(o.metadata.namespace, namespace, o.metadata.name);
      const names = objects.map((o) => `${o.kind}/${o.metadata.name}`);
      assert.deepEqual([...new Set(names)], names);
    });

    it("writes Istio's objects as their definitions have it", () => {
      const istio = objects.filter((o) => o.apiVersion.includes("istio.io/"));
      assert.ok(istio.length > 10);
      for (const o of istio)
        assert.deepEqual(validateSpec(o.kind as "Gateway", o.spec as object), [], o.metadata.name);
    });

    it("is about its own gateway, never the stack's", () => {
      const text = JSON.stringify(objects);
      assert.doesNotMatch(text, /ingressgateway|istio-system/);
      assert.match(text, new RegExp(`"istio":"${namespace}"`));
      assert.match(text, new RegExp(`ns/${namespace}/sa/gateway`));
    });

    it("ends by itself if nobody takes it away", () => {
      const pods = objects.filter((o) => o.kind === "Pod");
      assert.ok(pods.length > 3);
      for (const o of pods) {
        const { activeDeadlineSeconds } = o.spec as { activeDeadlineSeconds?: number };
        assert.equal(activeDeadlineSeconds, 3600, o.metadata.name);
      }
      assert.ok(!objects.some((o) => ["Deployment", "ReplicaSet"].includes(o.kind)));
    });

    it("makes every request that it asks with, and each refusal has a control", () => {
      let asked = 0;
      for (const step of world.steps(args))
        for (const { settings, probes } of step.asks())
          for (const probe of probes.filter((p) => p.applies(settings)))
            for (const item of probe.each?.(settings) ?? [""]) {
              const target = targetOf(world, settings);
              const request = probe.send(target, item);
              asked++;
              if (!isNegative(probe.expect(settings, item))) continue;
              const control = controlOf(probe, settings, item);
              assert.ok(control, `${probe.id} ${item} has no control`);
              assert.notDeepEqual(control.send(target, item), request, probe.id);
            }
      assert.ok(asked > 50);
    });

    it("takes nothing over that the stack says for the whole mesh", () => {
      const around = settingsSchema.parse({
        meshDefaultDeny: true,
        destinationRule: { scope: "mesh" },
        istio: { revision: "blue" },
      });
      const made = worldObjects(world, args, around);
      const names = made.map((o) => `${o.kind}/${o.metadata.name}`);
      // one rule of its own for the whole namespace, or one that says nothing
      const hosts = made
        .filter((o) => o.kind === "DestinationRule")
        .map((o) => (o.spec as { host: string }).host);
      assert.deepEqual([...new Set(hosts)], hosts);
      assert.ok(hosts.includes(`*.${namespace}.svc.cluster.local`));
      assert.equal(names.includes("DestinationRule/as-ever"), world.name === "modes");
      assert.equal(names.includes("AuthorizationPolicy/open"), world.name === "modes");
      const { labels } = worldNamespace(args.place, around).metadata as unknown as {
        labels: Record<string, string>;
      };
      assert.equal(labels["istio.io/rev"], "blue");
    });
  });
}

describe("client rules of worlds", () => {
  const rulesOf = (name: string) => {
    const world = worlds.find((w) => w.name === name)!;
    return worldObjects(world, argsOf(world), stack)
      .filter((o) => o.kind === "DestinationRule")
      .map((o) => o.spec as { host: string; trafficPolicy?: { tls: { mode: string } } })
      .map(({ host, trafficPolicy }) => `${host.split(".")[0]} ${trafficPolicy?.tls.mode}`);
  };

  it("are those that settings become, host by host and for a namespace, with an exception each", () => {
    assert.deepEqual(rulesOf("modes"), [
      "legacy-dialled ISTIO_MUTUAL",
      "strict-plain DISABLE",
      "mixed undefined",
    ]);
    assert.deepEqual(rulesOf("rules"), ["* ISTIO_MUTUAL", "naked-spared DISABLE"]);
  });
});

describe("worlds", () => {
  it("ask every row that is asked here, but what the cluster alone can answer", () => {
    const asked = new Set(worlds.flatMap((w) => askedRows(w, argsOf(w))));
    const wanted = [...rows].filter(([, where]) => where === "verify").map(([id]) => id);
    // Istio's own eyes are about the platform itself, and its state is at hand in `npm run verify` alone
    const platform = ["M20", "O6"];
    assert.deepEqual(
      wanted.filter((id) => !asked.has(id) && id !== stateProbe.id),
      platform,
    );
    const own = probesFor(stack).flatMap((p) =>
      (p.each?.(stack) ?? [""]).flatMap((item) => rowsOf(p, stack, item)),
    );
    assert.ok(platform.every((id) => own.includes(id)));
  });

  it("read node ports by name", () => {
    const service = gatewayService(worldGateway("verify-1-x"), "1");
    const spec = service.spec as { ports: { name: string; port: number }[] };
    const ports = spec.ports.map((p) => ({ ...p, nodePort: p.port + 30_000 }));
    assert.deepEqual(nodePortsOf({ ...service, spec: { ...spec, ports } }), {
      ...{ httpPort: 30_080, httpsPort: 30_443, secondHttpsPort: 30_444 },
    });
  });

  it("take so many items a row, and none without one", () => {
    const probe = probesFor(stack).find((p) => p.id === "M1")!;
    const three = { ...probe, each: () => ["a", "b", "c"] };
    assert.deepEqual(perRow(three, 2).each!(stack), ["a", "b"]);
    assert.deepEqual(perRow({ ...three, id: "X1" }, 2).each!(stack), []);
  });
});
