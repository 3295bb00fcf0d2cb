// npm run bench: the program beside a plain shell route that does the same work, A B A B in one run.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { createReporter } from "../scripts/progress.ts";
import { prepareDocker, prepareTools } from "../scripts/setup/index.ts";
import { parseSettings, type ServiceSettings } from "../settings/index.ts";
import { writeManifests } from "./manifests.ts";
import { type Figure, median, table } from "./report.ts";

const root = path.resolve(import.meta.dirname, "..");
const rounds = Number(process.env.BENCH_ROUNDS ?? 2);
const stack = "e2e-bench";
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

async function measure(env: Env, folder: string): Promise<Figure[]> {
  const programUp: number[] = [];
  const shellUp: number[] = [];
  const figures: Figure[] = [];
  for (let round = 1; round <= rounds; round++) {
    const last = round === rounds;
    writeStack(three);
    programUp.push(await time(() => up(env)));
    console.log(`round ${round}: up of the program ${programUp.at(-1)!.toFixed(1)} s`);
    if (last) figures.push(...(await programFigures(env)));
    const programDown = await time(() => destroy(env));
    shellUp.push(await time(() => shell(env, "up", folder)));
    console.log(`round ${round}: up of the shell route ${shellUp.at(-1)!.toFixed(1)} s`);
    const shellGrowth = last ? await time(() => shell(env, "add", folder)) : 0;
    const shellDown = await time(() => shell(env, "down"));
    if (last) {
      const growth = figures.find((f) => f.what === "up, growth per service")!;
      figures.splice(figures.indexOf(growth), 1, { ...growth, shell: shellGrowth / more.length });
      figures.push({ what: "destroy", program: programDown, shell: shellDown, atMost: 15 });
    }
  }
  const first = { what: "up from no cluster", program: median(programUp), shell: median(shellUp) };
  return [first, ...figures];
}

async function programFigures(env: Env): Promise<Figure[]> {
  const previews: number[] = [];
  const noops: number[] = [];
  for (let i = 0; i < 3; i++) {
    previews.push(await time(() => preview(env)));
    noops.push(await time(() => up(env)));
  }
  writeStack([...three, ...more]);
  const growth = await time(() => up(env));
  const grown = [
    await time(() => preview(env)),
    await time(() => preview(env)),
    await time(() => preview(env)),
  ];
  return [
    { what: "up, nothing to do", program: median(noops), atMost: 8 },
    { what: "preview", program: median(previews), atMost: 6 },
    { what: "up, growth per service", program: (growth - median(noops)) / more.length },
    {
      what: "preview, growth per service",
      program: (median(grown) - median(previews)) / more.length,
      atMost: 0.03,
    },
  ];
}

export async function main(): Promise<number> {
  const report = createReporter();
  const { env: tools, route } = await prepareTools(report);
  await prepareDocker(report);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-bench-"));
  const state = path.join(home, "state");
  fs.mkdirSync(state);
  const env: Env = {
    ...tools,
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE: "",
  };
  const { settings, sources } = parseSettings(
    "bench",
    { httpPort: 18180, httpsPort: 18543, services: three },
    env,
  );
  const folder = path.join(home, "manifests");
  writeManifests(folder, settings!, sources!, more);
  try {
    await execa("pulumi", ["stack", "init", stack], { cwd: root, env, extendEnv: false });
    const figures = await measure(env, folder);
    console.log(table(figures, route.sources));
    return figures.some((f) => f.program > Math.min(f.shell ?? Infinity, f.atMost ?? Infinity))
      ? 1
      : 0;
  } finally {
    await destroy(env).catch(() => undefined);
    await shell(env, "down").catch(() => undefined);
    fs.rmSync(path.join(root, `Pulumi.${stack}.yaml`), { force: true });
    fs.rmSync(home, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  void main().then((code) => {
    process.exitCode = code;
  });
}
