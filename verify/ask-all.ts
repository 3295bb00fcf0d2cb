import { UserError } from "../scripts/errors.ts";
import type { ParsedArguments } from "../scripts/arguments.ts";
import type { Settings } from "../settings/index.ts";
import { istioVersion } from "../versions.ts";
import { type Agreement, compare, runningObjects, together } from "./agreement.ts";
import type { Platform } from "./platform.ts";
import { allProbes } from "./probes/index.ts";
import { operationProbes } from "./probes/operations.ts";
import { inWorld, nameOf } from "./reports/report.ts";
import { type Outcome, type RunOptions, defaultLimit } from "./runner.ts";
import { stateProbe, unchanged } from "./state.ts";
import { type Edge, Verifier } from "./verifier.ts";
import { worldsBesideManifests } from "./worlds/beside-manifests.ts";
import { Fixtures } from "./worlds/fixtures.ts";

/** What came of a run. */
interface Asked {
  readonly outcomes: Outcome[];
  readonly leftOut: LeftOut[];
  /** What has not gone yet of what was brought; one sentence each. */
  readonly left: readonly string[];
  /** What manifests say of the questions. @default they cannot be read; `left` says why */
  readonly agreement?: Agreement;
}

/** A probe some of whose questions were not asked. */
interface LeftOut {
  readonly id: string;
  readonly questions: number;
}

/** Whether fixtures are wanted: on a cluster of the stack's own unless it is said otherwise, elsewhere only when asked for. */
export function fixturesOn(
  flags: ParsedArguments["flags"],
): (cluster: Settings["cluster"]) => boolean {
  if (flags.fixtures && flags["no-fixtures"])
    throw new UserError("--fixtures and --no-fixtures cannot both be meant: leave one out");
  return (cluster) => !flags["no-fixtures"] && (flags.fixtures === true || cluster === "kind");
}

/**
 * Asks the stack, and its fixtures beside it. Fixtures come up while the stack is asked.
 *
 * @param withFixtures whether fixtures are brought beside it
 * @param edge where this machine reaches the gateway; undefined on kind, whose ports are this machine's, or where it does not
 * @throws UserError when fixtures are wanted and do not come up
 */
export async function askAll(
  { kubectl, settings, outputs, subject, curlImage, stack }: Omit<Platform, "name">,
  withFixtures: boolean,
  progress: (text: string) => void,
  edge?: Edge,
): Promise<Asked> {
  const images = outputs.images as { curl: string; echo: string; nginx: string };
  const route = String(outputs.route);
  const leftOut: LeftOut[] = [];
  const options = { ...watched(progress), onLeftOut: noted(leftOut) };
  const fixtures = withFixtures
    ? // upstream's Envoy does not have Istio's metrics
      new Fixtures({ kubectl, stack: settings, images, withoutMetrics: route === "airgap" })
    : undefined;
  progress(withFixtures ? "bringing callers and fixtures" : "bringing callers");
  const opening = fixtures?.open();
  // told below, once the callers are there
  opening?.catch(() => undefined);
  let verifier: Verifier | undefined;
  try {
    const checks = { unchanged: unchanged(stack) };
    const asked = [...allProbes, stateProbe];
    verifier = await Verifier.open({
      ...{ kubectl, settings, curlImage, checks, asked },
      ...(edge && { edge }),
    });
    const lender = verifier;
    const limited = { ...options, endsAt: performance.now() + defaultLimit * 1000 };
    const askOwn = async () => {
      const own = await lender.ask(subject, limited, asked);
      const target = await lender.target(settings);
      // while fixtures are still asked; a kubeconfig may show less than all namespaces
      return { own, target, running: await runningObjects(kubectl).catch((e: Error) => e) };
    };
    const [{ own, target, running }, theirs] = await Promise.all([
      askOwn(),
      opening?.then(() => fixtures!.ask(lender, limited)),
    ]);
    if (withFixtures && route === "airgap") leftOut.push({ id: "T2", questions: 1 });
    const outcomes = [...own, ...(theirs ?? [])];
    progress("taking away what was brought");
    const left = await close(verifier, fixtures);
    if (running instanceof Error) {
      left.push(`not compared with what manifests say: ${running.message}`);
      return { outcomes, leftOut, left };
    }
    const beside = worldsBesideManifests(running, fixtures?.asked ?? []);
    return {
      outcomes,
      leftOut,
      left,
      agreement: together([compare(running, own, target), beside]),
    };
  } catch (e) {
    // what is still being made cannot be taken away
    await opening?.catch(() => undefined);
    await close(verifier, fixtures);
    throw e;
  }
}

/** Takes all away that was brought; returns what is said of what has not gone yet. */
async function close(verifier?: Verifier, fixtures?: Fixtures): Promise<string[]> {
  const closed = await Promise.allSettled([verifier?.close(), fixtures?.close()]);
  return closed.flatMap((c) =>
    c.status === "fulfilled" ? [] : [`still being taken away: ${(c.reason as Error).message}`],
  );
}

function noted(leftOut: LeftOut[]): NonNullable<RunOptions["onLeftOut"]> {
  return (id, questions) => leftOut.push({ id, questions });
}

/** Progress over all that is asked side by side. */
function watched(progress: (text: string) => void): RunOptions {
  const runs = new Map<unknown, number>();
  let settled = 0;
  return {
    onBegun: (questions) => runs.set({}, questions),
    onSettled: (o) => {
      // where each update is a line of its own, hundreds would hide the answers
      if (++settled % 25 !== 0) return;
      const all = [...runs.values()].reduce((sum, n) => sum + n, 0);
      const last = [nameOf(o), inWorld(o, o.item)].filter(Boolean).join(" ");
      progress(`${settled} of ${all}, last ${last}: ${o.verdict}`);
    },
  };
}

/** What is said of questions that were not asked. */
export function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  const tools = new Set([...operationProbes.map(({ id }) => id), "A23"]);
  const metrics = leftOut.filter(({ id }) => id === "T2");
  const rest = leftOut.filter(({ id }) => id !== "T2");
  const [byTool, others] = [true, false].map((is) =>
    rest
      .filter(({ id }) => tools.has(id) === is)
      .map(({ id, questions }) => `${id} (${questions})`)
      .join(", "),
  );
  const install = `istioctl ${istioVersion} on PATH: https://istio.io/latest/docs/setup/install/istioctl/`;
  return [
    ...(byTool ? [`not asked without istioctl: ${byTool}; fix: ${install}`] : []),
    ...(others ? [`not asked, for nobody here can: ${others}`] : []),
    ...(metrics.length > 0
      ? [
          "not asked on the air-gapped route: T2 (upstream's Envoy does not have istio_requests_total)",
        ]
      : []),
  ];
}

/** What is said where fixtures were left out. */
export function withoutFixtures(withFixtures: boolean): string[] {
  return withFixtures
    ? []
    : ["not asked without --fixtures: what this stack has not in it (docs/verification.md)"];
}
