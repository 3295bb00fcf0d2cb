// npm run bench -- speed: the program beside a plain shell route that does the same work, A B A B in one run.
import * as path from "node:path";
import { execa } from "execa";
import { UserError } from "../scripts/errors.ts";
import { createReporter } from "../scripts/progress.ts";
import { prepareDocker, prepareTools } from "../scripts/setup/index.ts";
import { onPath } from "../scripts/setup/tools.ts";
import { parseSettings, type ServiceSettings } from "../settings/index.ts";
import { buildAll, manyRules, manyRulesConfig } from "./builders.ts";
import { writeManifests } from "./manifests.ts";
import { measureMeaning } from "./meaning.ts";
import { type Figure, holds, median, table } from "./report.ts";
import {
  type Env,
  type Stack,
  destroy,
  init,
  preview,
  up,
  workplace,
  writeStack,
} from "./stack.ts";

const rounds = Math.max(1, Number(process.env.BENCH_ROUNDS ?? 3));
/** Whether the shell route is timed once more, doing at once what the program does at once. */
const withAtOnce = process.env.BENCH_AT_ONCE === "1";
const stack: Stack = {
  name: "e2e-bench",
  config: { clusterName: "bankmesh-bench-a", httpPort: 18080, httpsPort: 18443 },
};
/** 3 services beside the 50, so that their previews are asked for in turn, in the same minute. */
const beside: Stack = {
  name: "e2e-bench-beside",
  config: { clusterName: "bankmesh-bench-c", httpPort: 18280, httpsPort: 18643 },
};
const shellCluster = "bankmesh-bench-b";
const few: ServiceSettings[] = ["users", "orders", "payments"].map((name) => ({ name }));
const more: ServiceSettings[] = Array.from({ length: 47 }, (_, i) => ({ name: `extra-${i + 1}` }));
/** What is brought up: 3 services, without the gate and with it, 50, and 50 with ten rules each. */
const banks = {
  few: { services: few },
  gated: { services: few, enforcementGate: { enabled: true } },
  many: { services: [...few, ...more] },
  ruled: manyRulesConfig(50),
};
type Size = keyof typeof banks;
const counts: Readonly<Record<Size, string>> = {
  few: `${few.length} services`,
  gated: `${few.length} services with the gate`,
  many: `${banks.many.services.length} services`,
  ruled: "50 services with ten rules each",
};

/** Seconds that a piece of work takes. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function shell(env: Env, ...args: string[]) {
  const script = path.join(import.meta.dirname, "shell-route.sh");
  return execa("bash", [script, ...args], {
    env: { ...env, CLUSTER: shellCluster },
    extendEnv: false,
  });
}

/** Seconds of each run of the same work. */
interface Times {
  readonly up: number[];
  readonly destroy: number[];
  readonly noop: number[];
  /** Another mtlsMode. */
  readonly change: number[];
  readonly preview: number[];
  /** In turn with those of the other size, both clusters up. */
  readonly previewInTurn: number[];
  /** The shell route, one step after the other: what the bounds are held against. */
  readonly plain: number[];
  /** The shell route, doing at once what the program does at once: no script that somebody writes, but the harder match. */
  readonly atOnce: number[];
}

const noTimes = (): Times => ({
  up: [],
  destroy: [],
  noop: [],
  change: [],
  preview: [],
  previewInTurn: [],
  plain: [],
  atOnce: [],
});

/** The program and the shell route in turn, with 3 services and with 50, each from no cluster to none. */
async function measure(env: Env, folder: string): Promise<Figure[]> {
  const times = { few: noTimes(), gated: noTimes(), many: noTimes(), ruled: noTimes() };
  for (let round = 1; round <= rounds; round++)
    for (const size of Object.keys(banks) as Size[]) {
      const { up: ups, destroy: downs, noop, change, preview: looks, plain, atOnce } = times[size];
      const note = async (what: string, into: number[], work: () => Promise<unknown>) => {
        into.push(await time(work));
        console.log(
          `round ${round} of ${rounds}, ${counts[size]}, ${what}: ${into.at(-1)!.toFixed(1)} s`,
        );
      };
      writeStack(stack, banks[size]);
      await note("up of the program", ups, () => up(env, stack));
      if (size === "few") {
        await note("up, nothing to do", noop, () => up(env, stack));
        for (let i = 0; i < 3; i++) await note("preview", looks, () => preview(env, stack));
      }
      if (size === "few" || size === "gated") {
        writeStack(stack, { ...banks[size], mtlsMode: "STRICT" });
        await note("change of mtlsMode", change, () => up(env, stack));
      }
      if (size === "many") await previewsInTurn(env, times, round);
      await note("destroy of the program", downs, () => destroy(env, stack));
      if (size === "gated") continue;
      const objects = path.join(folder, size);
      await note("up of the shell route", plain, () => shell(env, "up", objects));
      await shell(env, "down");
      if (size === "ruled" || !withAtOnce) continue;
      await note("the same, at once what can be", atOnce, () =>
        shell(env, "up", objects, "side-by-side"),
      );
      await shell(env, "down");
    }
  return figures(times);
}

/** Previews of the 50 services that are up, and of 3 on a cluster beside them. */
async function previewsInTurn(env: Env, times: Record<Size, Times>, round: number): Promise<void> {
  writeStack(beside, banks.few);
  await up(env, beside);
  // the first of each warms up, and lets the new pods settle
  for (let i = 0; i <= 4; i++)
    for (const [size, of] of [["few", beside] as const, ["many", stack] as const]) {
      const seconds = await time(() => preview(env, of));
      if (i === 0) continue;
      times[size].previewInTurn.push(seconds);
      console.log(
        `round ${round} of ${rounds}, ${counts[size]}, preview in turn: ${seconds.toFixed(1)} s`,
      );
    }
  await destroy(env, beside);
}

function figures({ few, gated, many, ruled }: Record<Size, Times>): Figure[] {
  // within each round, for a machine that others use too is another one some minutes later
  const growth = (what: "up" | "previewInTurn" | "plain" | "atOnce") =>
    median(many[what].map((seconds, i) => (seconds - few[what][i]!) / more.length));
  const atOnce: Figure[] = withAtOnce
    ? [
        {
          what: "up, beside a shell route that does at once what it can",
          program: median(few.up),
          shell: median(few.atOnce),
          atMost: false,
        },
        {
          what: "up, growth per service, beside such a route",
          program: growth("up"),
          shell: growth("atOnce"),
          atMost: false,
        },
      ]
    : [];
  const toCompare = (what: string, times: number[]): Figure => ({
    ...{ what, program: median(times), atMost: false },
  });
  return [
    { what: "up from no cluster", program: median(few.up), shell: median(few.plain) },
    toCompare("up from no cluster, with the gate", gated.up),
    toCompare("change of mtlsMode", few.change),
    toCompare("change of mtlsMode, with the gate", gated.change),
    { what: "up, nothing to do", program: median(few.noop), atMost: 8 },
    { what: "preview", program: median(few.preview), atMost: 6 },
    { what: "destroy", program: median(few.destroy), atMost: 15 },
    { what: "up, growth per service", program: growth("up"), shell: growth("plain") },
    { what: "preview, growth per service", program: growth("previewInTurn"), atMost: 0.03 },
    {
      what: `up, ${counts.ruled}`,
      program: median(ruled.up),
      shell: median(ruled.plain),
      atMost: 1.5 * median(ruled.plain),
    },
    ...atOnce,
  ];
}

/** Seconds that the objects of many rules take, in a process that made none before. */
function builders(): number {
  const settings = manyRules(200);
  const start = performance.now();
  buildAll(settings);
  return (performance.now() - start) / 1000;
}

export async function run(): Promise<number> {
  const report = createReporter();
  const { env: tools, route } = await prepareTools(report, process.env, ["helm"]);
  await prepareDocker(report);
  if (!onPath("helm", tools))
    throw new UserError("the shell route needs helm on PATH: https://helm.sh/docs/intro/install");
  const place = workplace(tools, [stack, beside], [shellCluster]);
  const { env } = place;
  const folder = path.join(place.home, "manifests");
  for (const [size, bank] of Object.entries(banks)) {
    if (size === "gated") continue;
    const ports = { httpPort: 18180, httpsPort: 18543 };
    const { settings, sources } = parseSettings("bench", { ...ports, ...bank }, env);
    writeManifests(path.join(folder, size), settings!, sources!);
  }
  // before anything else keeps the machine busy
  const what = "all builders, 200 services and 2,000 rules";
  const built: Figure = { what, program: builders(), atMost: 0.05 };
  const meant: Figure = {
    what: "meaning of a change, 50 services with ten rules each",
    program: measureMeaning(50).seconds,
    atMost: 2,
  };
  try {
    for (const each of [stack, beside]) {
      writeStack(each, banks.few);
      await init(env, each);
    }
    const measured = [...(await measure(env, folder)), built, meant];
    console.log(table(measured, route.sources));
    return measured.every(holds) ? 0 : 1;
  } finally {
    place.clear();
  }
}
