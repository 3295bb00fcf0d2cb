// npm run bench: the program beside a plain shell route that does the same work, A B A B in one run.
import * as fs from "node:fs";
import { spawnSync } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { UserError } from "../scripts/errors.ts";
import { createReporter } from "../scripts/progress.ts";
import { prepareDocker, prepareTools } from "../scripts/setup/index.ts";
import { onPath } from "../scripts/setup/tools.ts";
import { parseSettings, type ServiceSettings } from "../settings/index.ts";
import { writeManifests } from "./manifests.ts";
import { type Figure, median, table } from "./report.ts";

const root = path.resolve(import.meta.dirname, "..");
// one round for destroy, one for the growth
const rounds = Math.max(2, Number(process.env.BENCH_ROUNDS ?? 2));
const stack = "e2e-bench";
const growth = "up, growth per service";
const cluster = { program: "bankmesh-bench-a", shell: "bankmesh-bench-b" };
const three: ServiceSettings[] = ["users", "orders", "payments"].map((name) => ({ name }));
const more: ServiceSettings[] = Array.from({ length: 47 }, (_, i) => ({ name: `extra-${i + 1}` }));

type Env = NodeJS.ProcessEnv;

/** Seconds that a piece of work takes. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function pulumi(env: Env, ...args: string[]) {
  return execa("pulumi", [...args, "--stack", stack, "--non-interactive"], {
    cwd: root,
    env,
    extendEnv: false,
  });
}

const up = (env: Env) => pulumi(env, "up", "--yes", "--skip-preview", "--suppress-outputs");
const preview = (env: Env) => pulumi(env, "preview", "--suppress-outputs");
const destroy = (env: Env) => pulumi(env, "destroy", "--yes", "--skip-preview");

function shell(env: Env, ...args: string[]) {
  const script = path.join(import.meta.dirname, "shell-route.sh");
  return execa("bash", [script, ...args], {
    env: { ...env, CLUSTER: cluster.shell },
    extendEnv: false,
  });
}

function writeStack(services: readonly ServiceSettings[]): void {
  const config = {
    "bankmesh:clusterName": cluster.program,
    "bankmesh:httpPort": 18080,
    "bankmesh:httpsPort": 18443,
    "bankmesh:services": services,
  };
  const file = path.join(root, `Pulumi.${stack}.yaml`);
  const salt = fs.existsSync(file)
    ? /^encryptionsalt:.*$/m.exec(fs.readFileSync(file, "utf8"))?.[0]
    : undefined;
  fs.writeFileSync(file, `${salt ? `${salt}\n` : ""}${stringify({ config })}`);
}

/** Times of one figure on both sides. */
interface Times {
  readonly program: number[];
  readonly shell: number[];
}

async function measure(env: Env, folder: string): Promise<Figure[]> {
  const ups: Times = { program: [], shell: [] };
  const downs: Times = { program: [], shell: [] };
  const figures: Figure[] = [];
  const note = async (what: string, into: number[], work: () => Promise<unknown>) => {
    into.push(await time(work));
    console.log(`${what}: ${into.at(-1)!.toFixed(1)} s`);
  };
  for (let round = 1; round <= rounds; round++) {
    const last = round === rounds;
    const name = (what: string) => `round ${round} of ${rounds}, ${what}`;
    writeStack(three);
    await note(name("up of the program"), ups.program, () => up(env));
    if (last) figures.push(...(await programFigures(env)));
    // with 50 services in the last round, which is another piece of work
    await note(name("destroy of the program"), last ? [] : downs.program, () => destroy(env));
    await note(name("up of the shell route"), ups.shell, () => shell(env, "up", folder));
    const added: number[] = [];
    if (last) {
      await note(name("47 services more by kubectl"), added, () => shell(env, "add", folder));
      const at = figures.findIndex((f) => f.what === growth);
      figures[at] = { ...figures[at]!, shell: added[0]! / more.length };
    }
    await note(name("end of the shell route"), last ? [] : downs.shell, () => shell(env, "down"));
  }
  const both = (what: string, times: Times): Figure => {
    return { what, program: median(times.program), shell: median(times.shell) };
  };
  return [both("up from no cluster", ups), ...figures, { ...both("destroy", downs), atMost: 15 }];
}

async function programFigures(env: Env): Promise<Figure[]> {
  const times = async (what: string, count: number, work: () => Promise<unknown>) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push(await time(work));
    console.log(`${what}: ${all.map((t) => t.toFixed(1)).join(", ")} s`);
    return median(all);
  };
  const small = await times("preview", 3, () => preview(env));
  const noop = await times("up, nothing to do", 3, () => up(env));
  writeStack([...three, ...more]);
  const grown = await times("47 services more by the program", 1, () => up(env));
  const large = await times("preview of 50 services", 3, () => preview(env));
  return [
    { what: "up, nothing to do", program: noop, atMost: 8 },
    { what: "preview", program: small, atMost: 6 },
    { what: growth, program: (grown - noop) / more.length },
    {
      what: "preview, growth per service",
      program: (large - small) / more.length,
      atMost: 0.03,
    },
  ];
}

export async function main(): Promise<number> {
  const report = createReporter();
  const { env: tools, route } = await prepareTools(report);
  await prepareDocker(report);
  if (!onPath("helm", tools))
    throw new UserError("the shell route needs helm on PATH: https://helm.sh/docs/intro/install");
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-bench-"));
  const state = path.join(home, "state");
  fs.mkdirSync(state);
  const env: Env = {
    ...tools,
    // as the npm commands set it
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: "",
  };
  const { settings, sources } = parseSettings(
    "bench",
    { httpPort: 18180, httpsPort: 18543, services: three },
    env,
  );
  const folder = path.join(home, "manifests");
  writeManifests(folder, settings!, sources!, more);
  // for an end that waits for nothing, such as Ctrl-C; and what such an end of an earlier run left
  const clear = () => {
    for (const name of Object.values(cluster)) {
      spawnSync("kind", ["delete", "cluster", "--quiet", "--name", name], { env: tools });
      spawnSync("docker", ["volume", "rm", "-f", `bankmesh-${name}`], { env: tools });
    }
    fs.rmSync(path.join(root, `Pulumi.${stack}.yaml`), { force: true });
  };
  clear();
  const atExit = () => {
    clear();
    fs.rmSync(home, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  try {
    writeStack(three);
    await execa("pulumi", ["stack", "init", stack], { cwd: root, env, extendEnv: false });
    const figures = await measure(env, folder);
    console.log(table(figures, route.sources));
    return figures.some((f) => f.program > Math.min(f.shell ?? Infinity, f.atMost ?? Infinity))
      ? 1
      : 0;
  } finally {
    process.off("exit", atExit);
    atExit();
  }
}
