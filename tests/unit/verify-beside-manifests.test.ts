import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { agreementLines } from "../../verify/agreement.ts";
import type { ProbeTarget } from "../../verify/probe.ts";
import { probesFor } from "../../verify/probes/index.ts";
import type { Outcome } from "../../verify/runner.ts";
import {
  type AskedOfManifests,
  changed,
  namesIn,
  worldsBesideManifests,
} from "../../verify/worlds/beside-manifests.ts";
import { gatewayService, worldGateway } from "../../verify/worlds/gateway-objects.ts";
import { worldHosts, worlds } from "../../verify/worlds/index.ts";
import { worldKeys } from "../../verify/worlds/keys.ts";
import { worldNamespace, worldObjects } from "../../verify/worlds/objects.ts";
import type { World } from "../../verify/worlds/world.ts";
import { stackObjects } from "./support/manifests.ts";
import { settings } from "./support/settings.ts";

const keys = worldKeys(worldHosts.gateway, worldHosts.backend);
const images = { echo: "echo:1", curl: "curl:1", nginx: "nginx:1" };
const stack = settings({ mtlsMode: "STRICT", authorization: "enforce" });

/** Every question of a world, answered as it should be, with the objects that are there when it is asked. */
function askedOf(world: World): AskedOfManifests[] {
  const namespace = `verify-run-${world.name}`;
  const gateway = worldGateway(namespace);
  const edge = { address: "127.0.0.1", httpPort: 30080, httpsPort: 30443, secondHttpsPort: 30444 };
  const place = { run: "run", namespace, gateway, edge };
  const args = { place, keys, images };
  let objects = [
    ...[worldNamespace(place, stack), gatewayService(gateway, "run")],
    ...worldObjects(world, args, stack),
  ];
  const manifests = namesIn(place, objects, stack.namespace);
  return world.steps(args).flatMap((step) => {
    objects = changed(objects, step);
    return step.asks().map(({ settings: s, probes }) => {
      const target: ProbeTarget = {
        ...{ settings: s, manifests, callerHost: world.ruleless?.(place) ?? "nobody" },
        podAddresses: Object.fromEntries(s.services.map((x, i) => [x.name, `10.0.0.${i + 1}`])),
        ...(world.twinService && {
          twin: { service: world.twinService, namespace, podAddress: "10.0.1.1" },
        }),
      };
      const outcomes = probesFor(s, probes).flatMap((probe) =>
        (probe.each?.(s) ?? [""]).map((item) => {
          const [request, got] = [probe.send(target, item), probe.expect(s, item).reason];
          return { id: probe.id, item, probe, request, got, world: world.name } as Outcome;
        }),
      );
      return { outcomes, target, objects };
    });
  });
}

describe("fixtures beside manifests", () => {
  for (const world of worlds)
    test(`manifests decide what ${world.name} is asked as traffic should`, async () => {
      const running = await stackObjects(stack);
      const agreement = worldsBesideManifests(running, askedOf(world));
      assert.deepEqual(agreement.apart, [], agreementLines(agreement).join("\n"));
      assert.deepEqual(agreement.unjudged, [], agreementLines(agreement).join("\n"));
      assert.ok(agreement.compared > 40, String(agreement.compared));
    });

  for (const [kind, world, id] of [
    ["DestinationRule", "modes", "M13"],
    ["PeerAuthentication", "modes", "M10"],
    ["AuthorizationPolicy", "rules", "A22"],
    ["VirtualService", "rules", "P9-deny"],
  ] as const)
    test(`and ${id} is told apart where no ${kind} is read`, async () => {
      const asked = askedOf(worlds.find(({ name }) => name === world)!).map((one) => ({
        ...one,
        objects: one.objects.filter((o) => o.kind !== kind),
      }));
      const { apart } = worldsBesideManifests(await stackObjects(stack), asked);
      assert.ok(
        apart.some((a) => a.id === id),
        apart.map((a) => a.id).join(),
      );
    });
});
