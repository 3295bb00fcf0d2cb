import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../scripts/errors.ts";
import type { KubernetesObject } from "../../manifests/object.ts";
import type { Settings } from "../../settings/index.ts";
import { takeAway } from "../callers/namespaces.ts";
import { runLabel } from "../callers/objects.ts";
import { nodeAddress, takes } from "../edge-address.ts";
import type { Kubectl } from "../kubectl.ts";
import type { Probe } from "../probe.ts";
import { probesFor } from "../probes/index.ts";
import type { Outcome, RunOptions } from "../runner.ts";
import { Verifier } from "../verifier.ts";
import { type AskedOfManifests, changed, namesIn } from "./beside-manifests.ts";
import { worldChecks } from "./checks.ts";
import { gatewayService, nodePortsOf, worldGateway } from "./gateway-objects.ts";
import { worldHosts, worlds as allWorlds } from "./index.ts";
import { type WorldKeys, worldKeys } from "./keys.ts";
import { worldNamespace, worldObjects } from "./objects.ts";
import type { Ask, Step, World, WorldArgs, WorldPlace } from "./world.ts";

export interface FixturesArgs {
  readonly kubectl: Kubectl;
  /** Settings of the stack beside which they stand. */
  readonly stack: Settings;
  readonly images: WorldArgs["images"];
  /** Leave out what only Istio's own Envoy counts. @default false */
  readonly withoutMetrics?: boolean;
  /** @default all */
  readonly worlds?: readonly World[];
}

/** How long their pods may take to come up. */
const readyTimeout = 75;
/** How long a gateway may take to be reached from this machine, in ms. */
const reachTimeout = 15_000;

/** Brings the worlds to a cluster, asks them, and takes them away. */
export class Fixtures {
  /** Names this run. */
  public readonly run = randomBytes(3).toString("hex");
  private readonly since = new Date().toISOString();
  private readonly args: FixturesArgs;
  private readonly worlds: readonly World[];
  private keys: WorldKeys | undefined;
  private readonly places = new Map<World, WorldPlace>();
  /** What was asked so far, with the objects that were there. */
  public readonly asked: AskedOfManifests[] = [];

  constructor(args: FixturesArgs) {
    this.args = args;
    this.worlds = args.worlds ?? allWorlds;
  }

  /**
   * Makes everything and waits until it is ready.
   *
   * @throws UserError that says what did not come up
   */
  public async open(): Promise<void> {
    // before the kubeconfig is taken away
    process.prependOnceListener("exit", this.closeAtExit);
    try {
      await this.makePlaces();
      this.keys = worldKeys(worldHosts.gateway, worldHosts.backend);
      await Promise.all(this.worlds.map((world) => this.make(world)));
    } catch (e) {
      throw new UserError(
        `the fixtures did not come up: ${(e as Error).message}\nfix: run it again, or leave them out: --no-fixtures`,
      );
    }
  }

  /** Asks all worlds side by side, each step by step. One that is done begins to go while the others are still asked. */
  public async ask(lender: Verifier, options: RunOptions = {}): Promise<Outcome[]> {
    const asked = this.worlds.map(async (world) => {
      const outcomes = await this.askWorld(world, lender, options);
      // `close` waits for all, and says what does not go
      await takeAway(this.args.kubectl, [this.namespaceOf(world)], { wait: false }).catch(
        () => undefined,
      );
      return outcomes;
    });
    return (await Promise.all(asked)).flat();
  }

  /** Takes everything away, and waits until it is gone. */
  public async close(): Promise<void> {
    await takeAway(this.args.kubectl, this.namespaces, { wait: true });
    process.off("exit", this.closeAtExit);
  }

  /** For a process that ends in another way: Ctrl-C, an error that nobody caught. */
  private readonly closeAtExit = () =>
    this.args.kubectl.runAtExit([
      ...["delete", "namespace", ...this.namespaces, "--ignore-not-found", "--wait=false"],
    ]);

  private get namespaces(): string[] {
    return this.worlds.map((world) => this.namespaceOf(world));
  }

  private namespaceOf({ name }: World): string {
    return `verify-${this.run}-${name}`;
  }

  /** Namespaces and the gateways' Services, whose node ports other objects have to name. */
  private async makePlaces(): Promise<void> {
    const { kubectl, stack } = this.args;
    const { run } = this;
    const names = this.worlds.map((world) => this.namespaceOf(world));
    const objects = names.flatMap((namespace) => [
      worldNamespace({ run, namespace }, stack),
      gatewayService(worldGateway(namespace), run),
    ]);
    await kubectl.run(["create", "--filename", "-"], list(objects));
    const [{ items }, address] = await Promise.all([
      kubectl.json<{ items: KubernetesObject[] }>([
        ...["get", "service", "--all-namespaces", `--selector=${runLabel}=${run}`],
      ]),
      nodeAddress(kubectl),
    ]);
    for (const world of this.worlds) {
      const namespace = this.namespaceOf(world);
      const service = items.find((o) => o.metadata.namespace === namespace)!;
      const edge = { address, ...nodePortsOf(service) };
      this.places.set(world, { run, namespace, gateway: worldGateway(namespace), edge });
    }
  }

  private argsOf(world: World): WorldArgs {
    return { place: this.places.get(world)!, keys: this.keys!, images: this.args.images };
  }

  private async make(world: World): Promise<void> {
    const { kubectl, stack } = this.args;
    const args = this.argsOf(world);
    const objects = worldObjects(world, args, stack);
    await kubectl.run(["create", "--filename", "-"], list(objects));
    const { namespace, edge } = args.place;
    await kubectl.run([
      ...["wait", "--for=condition=Ready", "pod", "--all", `--namespace=${namespace}`],
      `--timeout=${readyTimeout}s`,
    ]);
    await reached(edge.address, edge.httpPort);
  }

  private async askWorld(world: World, lender: Verifier, options: RunOptions): Promise<Outcome[]> {
    const { kubectl, stack, images } = this.args;
    const args = this.argsOf(world);
    const { place, keys } = args;
    const { run, namespace, gateway, edge } = place;
    const verifier = await Verifier.open({
      ...{
        kubectl,
        settings: world.settings(place),
        curlImage: images.curl,
        edge,
        gateway,
        lender,
      },
      ...{ twin: false, guest: { run, present: world.callers } },
      ...(world.twinService && { twinService: world.twinService }),
      ...(world.ruleless && { ruleless: world.ruleless(place) }),
      checks: worldChecks({
        ...{ kubectl, callers: lender.callers, place, keys, since: this.since },
        namespaces: [stack.namespace, namespace],
      }),
    });
    const outcomes: Outcome[] = [];
    let objects = [
      ...[worldNamespace(place, stack), gatewayService(gateway, run)],
      ...worldObjects(world, args, stack),
    ];
    const manifests = namesIn(place, objects, stack.namespace);
    const stands = { ...(await verifier.target(world.settings(place))), manifests };
    for (const step of world.steps(args)) {
      await this.change(namespace, step);
      objects = changed(objects, step);
      const asks = step.asks().map(async (ask) => {
        const stood = objects;
        const target = { ...stands, settings: ask.settings };
        const answers = await this.askOnce(verifier, world, args, ask, options);
        const named = answers.map((o) => ({ ...o, world: world.name }));
        this.asked.push({ outcomes: named, target, objects: stood });
        return named;
      });
      outcomes.push(...(await Promise.all(asks)).flat());
    }
    return outcomes;
  }

  private async change(namespace: string, { apply = [], remove = [] }: Step): Promise<void> {
    const { kubectl } = this.args;
    if (apply.length > 0) await kubectl.apply(apply);
    if (remove.length > 0)
      await kubectl.run(["delete", ...remove, `--namespace=${namespace}`, "--wait=true"]);
  }

  private askOnce(
    verifier: Verifier,
    world: World,
    { keys }: WorldArgs,
    { settings, probes, options: own }: Ask,
    options: RunOptions,
  ): Promise<Outcome[]> {
    const subject = {
      ...{ settings, caPem: keys.ca.certPem, client: keys.client },
      signingKeys: world.signingKeys(keys),
      clients: { revoked: keys.revoked },
      backendCaPem: keys.backend.certPem,
    };
    return verifier.ask(subject, { ...options, ...own }, probes.filter(this.isAsked));
  }

  private readonly isAsked = (probe: Probe): boolean => {
    const { withoutMetrics, stack } = this.args;
    if (probe.id === "T2") return !withoutMetrics;
    // hundreds of spellings, which a stack with such paths is asked itself
    return probe.id !== "P11" || probesFor(stack, [probe]).length === 0;
  };
}

function list(items: readonly KubernetesObject[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

/** Waits until a port takes connections. */
async function reached(host: string, port: number): Promise<void> {
  const until = Date.now() + reachTimeout;
  for (;;) {
    if (await takes(host, port, 2000)) return;
    if (Date.now() > until)
      throw new Error(`node ports cannot be reached from this machine (${host}:${port})`);
    await sleep(300);
  }
}
