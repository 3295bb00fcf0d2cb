import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type EngineEvent, LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import type { TokenKey } from "../../../components/signing-keys.ts";
import { local, root } from "../../../scripts/paths.ts";
import { removeStackFiles } from "../../../scripts/stack/certificates.ts";
import { removeStackFile } from "../../../scripts/stack/files.ts";
import type { Stack as CliStack } from "../../../scripts/stack/pulumi.ts";
import type { Sources } from "../../../sources/index.ts";
import { type Settings, parseSettings } from "../../../settings/index.ts";
import { Kubectl } from "../../../verify/kubectl.ts";
import { type Edge, type Subject, Verifier } from "../../../verify/verifier.ts";
import { atEnd } from "./cleanup.ts";
import { killEngineOf } from "./engine.ts";
import { freePorts, removeCluster } from "./machine.ts";
import { type Step, changesIn, driftIn, errorsIn } from "./steps.ts";
import { toolbox } from "./toolbox.ts";

/** Values of a stack, as in its file but without `bankmesh:`. */
export type Values = Readonly<Record<string, unknown>>;

/** A resource as the state has it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly outputs?: Record<string, unknown>;
}

/** Every suite asks all that the gate asks, and more; it has a case of its own. */
const ungated: Values = { enforcementGate: { enabled: false } };

type OnEvent = (event: EngineEvent) => void;

/** A run of the engine that did not end well. */
export class RunFailed extends Error {
  /** What the engine told as errors. */
  readonly errors: string;

  constructor(message: string, errors: string) {
    super(message);
    this.errors = errors;
  }
}

/** A throw-away stack of the program as it is shipped, with a backend of its own. */
export class TestStack {
  /** By kubeconfig: the cluster may be made anew, and callers on the old one still have to be taken away. */
  private readonly kubectls = new Map<string, Kubectl>();
  /** Outputs, and the state that they were read from. */
  private known: { readonly state: string; readonly outputs: Record<string, unknown> } | undefined;

  public readonly name: string;
  public readonly clusterName: string;
  private values: Values;
  private readonly folder: string;
  private readonly engine: Stack;
  private readonly forget: () => void;

  private constructor(
    name: string,
    clusterName: string,
    values: Values,
    folder: string,
    engine: Stack,
    forget: () => void,
  ) {
    this.name = name;
    this.clusterName = clusterName;
    this.values = values;
    this.folder = folder;
    this.engine = engine;
    this.forget = forget;
  }

  /**
   * @param suite part of its name
   * @param values beside a cluster name and ports of its own
   */
  public static async create(suite: string, values: Values = {}): Promise<TestStack> {
    await toolbox();
    const random = randomBytes(2).toString("hex");
    const name = `e2e-${suite}-${random}`;
    const clusterName = `bm-${suite}-${random}`;
    const [httpPort, httpsPort] = await freePorts(2);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`));
    const file = path.join(root, `Pulumi.${name}.yaml`);
    const forget = atEnd(() => {
      killEngineOf(path.join(folder, "state"));
      removeCluster(clusterName);
      removeFiles(name, folder);
    });
    const own = values.cluster === "existing" ? {} : { clusterName, httpPort, httpsPort };
    const all = { ...ungated, ...own, ...values };
    fs.writeFileSync(file, stackFile(all));
    const engine = await LocalWorkspace.createStack(
      { stackName: name, workDir: root },
      { pulumiHome: pulumiHome(folder), envVars: environment(folder) },
    );
    return new TestStack(name, clusterName, all, folder, engine, forget);
  }

  /** Environment in which the CLI sees this stack. */
  public get env(): NodeJS.ProcessEnv {
    return { ...process.env, ...environment(this.folder), PULUMI_HOME: pulumiHome(this.folder) };
  }

  /** The same stack for the project's own commands. */
  public get cli(): CliStack {
    const configFile = path.join(root, `Pulumi.${this.name}.yaml`);
    return { name: this.name, configFile, env: this.env };
  }

  /** Settings as the program reads them. */
  public get settings(): Settings {
    const { settings, problems } = parseSettings(this.name, this.values, process.env);
    if (!settings) throw new Error(JSON.stringify(problems, undefined, 2));
    return settings;
  }

  /** Where charts and images come from on this route. */
  public get sources(): Sources {
    return parseSettings(this.name, this.values, process.env).sources!;
  }

  /** Folder of the state. */
  public get backend(): string {
    return path.join(this.folder, "state");
  }

  /** Takes other values in place of all but the cluster's name and ports. */
  public replace(values: Values): void {
    const { clusterName, httpPort, httpsPort } = this.values;
    this.values = {};
    this.set({ ...ungated, clusterName, httpPort, httpsPort, ...values });
  }

  /** Changes values in the stack's file. */
  public set(values: Values): void {
    this.values = { ...this.values, ...values };
    const file = path.join(root, `Pulumi.${this.name}.yaml`);
    const salt = (parse(fs.readFileSync(file, "utf8")) as Record<string, unknown>).encryptionsalt;
    fs.writeFileSync(file, stackFile(this.values, salt));
  }

  /** Steps that an update would take. */
  public async preview(): Promise<Step[]> {
    return changesIn(await this.run("preview", (onEvent) => this.engine.preview({ onEvent })));
  }

  /** @param refresh read the real objects first, as `pulumi up --refresh` */
  public async up(refresh = false): Promise<Step[]> {
    return changesIn(await this.run("up", (onEvent) => this.engine.up({ onEvent, refresh })));
  }

  /** What differs on the cluster from the state; the state stays as it is. */
  public async drift(): Promise<Step[]> {
    const refresh = (onEvent: OnEvent) => this.engine.previewRefresh({ onEvent });
    return driftIn(await this.run("refresh", refresh));
  }

  public async destroy(): Promise<void> {
    await this.run("destroy", (onEvent) => this.engine.destroy({ onEvent }));
  }

  /** Whether the backend has it. */
  public async exists(): Promise<boolean> {
    const stacks = await this.engine.workspace.listStacks();
    return stacks.some(({ name }) => name === this.name);
  }

  /** URNs in the state, without the stack itself. */
  public async resources(): Promise<string[]> {
    const { deployment } = await this.engine.exportStack();
    const resources = (deployment as { resources?: StateResource[] }).resources ?? [];
    return resources.filter((r) => r.type !== "pulumi:pulumi:Stack").map((r) => r.urn);
  }

  /** Changes what the state keeps of the stack itself, such as its outputs. */
  public async editState(edit: (root: StateResource) => void): Promise<void> {
    const state = await this.engine.exportStack();
    const { resources } = state.deployment as { resources: StateResource[] };
    edit(resources.find((r) => r.type === "pulumi:pulumi:Stack")!);
    await this.engine.importStack(state);
  }

  /** Plain values of the outputs, secrets included; two runs of the CLI, but only once somebody has written the state. */
  public async outputs(): Promise<Record<string, unknown>> {
    // before it is read: what is written meanwhile is read the next time
    const state = this.stateWritten();
    if (state !== undefined && this.known?.state === state) return this.known.outputs;
    const values = Object.entries(await this.engine.outputs());
    const outputs = Object.fromEntries(values.map(([key, { value }]) => [key, value]));
    this.known = state === undefined ? undefined : { state, outputs };
    return outputs;
  }

  /** kubectl on the stack's cluster. */
  public async kubectl(): Promise<Kubectl> {
    const kubeconfig = String((await this.outputs()).kubeconfig);
    const known = this.kubectls.get(kubeconfig);
    if (known) return known;
    const kubectl = new Kubectl(kubeconfig);
    this.kubectls.set(kubeconfig, kubectl);
    atEnd(() => kubectl.close());
    return kubectl;
  }

  /** Brings the callers of the probes to the cluster. */
  public async verifier(edge?: Edge): Promise<Verifier> {
    const { images } = await toolbox();
    const kubectl = await this.kubectl();
    const { settings } = this;
    return Verifier.open({ kubectl, settings, curlImage: images.curl, ...(edge && { edge }) });
  }

  /** What the probes ask about now. */
  public async subject(): Promise<Subject> {
    const { caCertPem, clientCertPem, clientKeyPem, signingKeys } = await this.outputs();
    return {
      settings: this.settings,
      caPem: String(caCertPem),
      client: { certPem: String(clientCertPem), keyPem: String(clientKeyPem) },
      signingKeys: signingKeys as Record<string, TokenKey>,
    };
  }

  /** Takes the stack away: orderly if that is possible, else by force. */
  public async remove(): Promise<void> {
    for (const kubectl of this.kubectls.values()) kubectl.close();
    try {
      if ((await this.exists()) && (await this.resources()).length > 0) await this.destroy();
    } finally {
      removeCluster(this.clusterName);
      removeFiles(this.name, this.folder);
      this.forget();
    }
  }

  /** Tells one writing of the state from another, be it by a run of this process or of a command; undefined without a file. */
  private stateWritten(): string | undefined {
    const file = path.join(this.backend, ".pulumi", "stacks", "bankmesh", `${this.name}.json`);
    const found = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
    return found && `${found.ino} ${found.mtimeNs} ${found.size}`;
  }

  private async run(
    what: string,
    operation: (onEvent: OnEvent) => Promise<unknown>,
  ): Promise<EngineEvent[]> {
    const events: EngineEvent[] = [];
    const started = performance.now();
    try {
      await operation((event) => events.push(event));
    } catch (e) {
      throw new RunFailed((e as Error).message, errorsIn(events));
    } finally {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(`    ${this.name}: ${what} ${seconds} s\n`);
    }
    return events;
  }
}

/** All that a stack has on disk, what `npm start` made of it included. */
function removeFiles(name: string, folder: string): void {
  removeStackFile(name);
  removeStackFiles(name);
  const logs = path.join(local, "logs");
  for (const log of fs.existsSync(logs) ? fs.readdirSync(logs) : []) {
    if (log.startsWith(`${name}-`)) fs.rmSync(path.join(logs, log), { force: true });
  }
  fs.rmSync(path.join(root, `Pulumi.${name}.yaml`), { force: true });
  fs.rmSync(folder, { recursive: true, force: true });
}

function environment(folder: string): Record<string, string> {
  fs.mkdirSync(path.join(folder, "state"), { recursive: true });
  return {
    PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}?metadata=skip`, // as the npm commands set it
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}

/**
 * A home of its own, with the plugins that the user has, and without the CLI's automatic log: it writes every property
 * of every object, some 40 MB a run, which takes longer than the run itself. Where it cannot, the CLI does without.
 */
function pulumiHome(folder: string): string {
  const home = path.join(folder, "home");
  const installed = path.join(
    process.env.PULUMI_HOME ?? path.join(os.homedir(), ".pulumi"),
    "plugins",
  );
  const link = path.join(home, "plugins");
  if (!fs.existsSync(home)) {
    fs.mkdirSync(home, { recursive: true });
    fs.writeFileSync(path.join(home, "logs"), "");
    if (fs.existsSync(installed)) fs.symlinkSync(installed, link);
  }
  return home;
}

function stackFile(values: Values, salt?: unknown): string {
  const config = Object.fromEntries(
    Object.entries(values).map(([key, v]) => [`bankmesh:${key}`, v]),
  );
  return stringify({ ...(salt !== undefined && { encryptionsalt: salt }), config });
}
