import { generateKeyPairSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** Stands in recorded inputs for what nobody knows before the update. */
export const unknown = "<unknown>";

/** Plain JSON as the engine gets it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests reach into nested inputs of every shape
export type Json = any;

/** One resource as the engine was asked to make it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  /** Inputs with secrets opened; what is unknown reads `unknown`. */
  readonly inputs: Record<string, Json>;
  /** Paths of the inputs that are secret. */
  readonly secrets: readonly string[];
  /** Names of the resources that it waits for. */
  readonly dependsOn: readonly string[];
  readonly parent?: string;
  readonly provider?: string;
  readonly deletedWith?: string;
  readonly replacementTrigger?: Json;
  readonly additionalSecretOutputs: readonly string[];
  /** Number of transforms that the engine runs on it and its children. */
  readonly transforms: number;
  readonly remote: boolean;
}

/** One call of a provider's function. */
export interface Invocation {
  readonly token: string;
  readonly inputs: Record<string, Json>;
}

export interface RecordOptions {
  readonly stack?: string;
  readonly preview?: boolean;
  /** Outputs by type token, beside what was put in. */
  readonly outputs?: Readonly<Record<string, (name: string) => Record<string, unknown>>>;
  /** What provider functions answer. */
  readonly invoke?: (call: Invocation) => Record<string, unknown> | undefined;
}

/** What a program asked the engine for. */
export class Recording {
  public readonly resources: Registration[] = [];
  public readonly invocations: Invocation[] = [];

  /** The one resource of this type and name. */
  public get(type: string, name: string): Registration {
    const found = this.resources.filter((r) => r.type === type && r.name === name);
    if (found.length !== 1) {
      throw new Error(
        `${found.length} resources ${type} ${name}; there are:\n${this.list().join("\n")}`,
      );
    }
    return found[0]!;
  }

  /** Type and name of every resource, sorted. */
  public list(): string[] {
    return this.resources.map((r) => `${r.type} ${r.name}`).sort();
  }

  /** Whether a resource is made after another: by its own dependencies, or by those of what it is a part of. */
  public comesAfter(type: string, name: string, other: string): boolean {
    const after = (r: Registration): boolean =>
      r.dependsOn.includes(other) ||
      [...r.dependsOn, r.parent].some((n) => this.resources.some((p) => p.name === n && after(p)));
    return after(this.get(type, name));
  }

  /** Type and name of what stands below a resource, itself left out; sorted. */
  public below(name: string): string[] {
    const within = (r: Registration): boolean => {
      const parent = this.resources.find((p) => p.name === r.parent);
      return r.parent === name || (parent !== undefined && within(parent));
    };
    return this.resources
      .filter(within)
      .map((r) => `${r.type} ${r.name}`)
      .sort();
  }
}

/** What plugins add to the inputs; values carry the resource's name, so that a test sees what went where. */
const outputsOfPlugins: NonNullable<RecordOptions["outputs"]> = {
  "random:index/randomId:RandomId": (name) => ({ hex: `hex of ${name}` }),
  "random:index/randomString:RandomString": () => ({ result: "x7k2p" }),
  "command:local:Command": (name) => ({ stdout: `stdout of ${name}` }),
  "tls:index/privateKey:PrivateKey": (name) => ({
    privateKeyPem: `key of ${name}`,
    publicKeyPem: somePublicKey(),
  }),
  "tls:index/certRequest:CertRequest": (name) => ({ certRequestPem: `request of ${name}` }),
  "tls:index/selfSignedCert:SelfSignedCert": certificate,
  "tls:index/locallySignedCert:LocallySignedCert": certificate,
};

let publicKeyPem: string | undefined;
/** A real one, for key sets are computed from it; the same for all, because making one takes time. */
function somePublicKey(): string {
  publicKeyPem ??= generateKeyPairSync("rsa", { modulusLength: 2048 })
    .publicKey.export({ type: "spki", format: "pem" })
    .toString();
  return publicKeyPem;
}

function certificate(name: string) {
  return { certPem: `certificate of ${name}`, validityEndTime: "2036-11-18T12:00:00Z" };
}

/** The part of the mock monitor's requests that a recording is made from. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject?(): { toJavaScript(): Json } | undefined;
  getProperties?(): { toJavaScript(): Json } | undefined;
  getDependenciesList(): string[];
  getProvider(): string;
  getProvidersMap?(): { get(name: string): string | undefined };
  getDeletedwith?(): string;
  getReplacementTrigger?(): { toJavaScript(): Json } | undefined;
  getAdditionalsecretoutputsList(): string[];
  getTransformsList?(): unknown[];
  getRemote?(): boolean;
}
type Answer = (error: unknown, response?: { getUrn(): string }) => void;
interface Monitor {
  registerResource(request: Request, answer: Answer): unknown;
  readResource(request: Request, answer: Answer): unknown;
}

/**
 * Runs a program under mocks and returns what it asked the engine for. Unlike bare mocks it keeps parents,
 * dependencies, providers and secrets, and marks the outputs secret that a resource names as such.
 *
 * @param program makes resources; errors that it throws come out of this function
 */
export async function record(
  program: () => unknown,
  options: RecordOptions = {},
): Promise<Recording> {
  const recording = new Recording();
  const secretOutputs: string[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => ({
        id: `id of ${name}`,
        state: stateOf(type, name, inputs, options, secretOutputs.splice(0)),
      }),
      call: ({ token, inputs }) => {
        const call = { token, inputs: open(inputs) };
        recording.invocations.push(call);
        return options.invoke?.(call) ?? { stdout: "answer of Docker" };
      },
    },
    "bankmesh",
    options.stack ?? "dev",
    options.preview ?? false,
    "organization",
  );
  listen(pulumi.runtime.getMonitor() as unknown as Monitor, recording, secretOutputs);
  await program();
  await drain();
  return recording;
}

/** Waits until no registration is under way; each may set off another. */
async function drain(): Promise<void> {
  const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs(): Promise<void> };
  await new Promise((resolve) => setImmediate(resolve));
  await waitForRPCs();
}

function stateOf(
  type: string,
  name: string,
  inputs: Json,
  options: RecordOptions,
  secretOutputs: readonly string[],
): Record<string, unknown> {
  // a preview knows the inputs only
  const known = options.preview !== true;
  const state = {
    ...inputs,
    ...(known && outputsOfPlugins[type]?.(name)),
    ...(known && options.outputs?.[type]?.(name)),
  };
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [
      key,
      secretOutputs.includes(key) ? pulumi.secret(value) : value,
    ]),
  );
}

function listen(monitor: Monitor, recording: Recording, secretOutputs: string[]): void {
  const names = new Map<string, string>();
  for (const method of ["registerResource", "readResource"] as const) {
    const original = monitor[method].bind(monitor);
    monitor[method] = (request, answer) => {
      secretOutputs.push(...request.getAdditionalsecretoutputsList());
      recording.resources.push(registration(request, names));
      return original(request, (error, response) => {
        if (response) names.set(response.getUrn(), request.getName());
        answer(error, response);
      });
    };
  }
}

function registration(request: Request, names: ReadonlyMap<string, string>): Registration {
  const raw: Json = (request.getObject?.() ?? request.getProperties?.())?.toJavaScript() ?? {};
  const name = (urn: string | undefined) => (urn ? (names.get(urn) ?? urn) : undefined);
  const parent = name(request.getParent());
  // a reference to a provider is <urn>::<id>; a remote component, such as a chart, gets one by package
  const reference = request.getProvider() || request.getProvidersMap?.().get("kubernetes");
  const provider = name(reference?.split("::").slice(0, 4).join("::"));
  const deletedWith = name(request.getDeletedwith?.());
  const trigger = request.getReplacementTrigger?.()?.toJavaScript();
  return {
    type: request.getType(),
    name: request.getName(),
    inputs: open(raw),
    secrets: secretPaths(raw),
    dependsOn: request
      .getDependenciesList()
      .map((urn) => name(urn)!)
      .sort(),
    ...(parent && { parent }),
    ...(provider && { provider }),
    ...(deletedWith && { deletedWith }),
    ...(trigger !== undefined && { replacementTrigger: open(trigger) }),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    transforms: request.getTransformsList?.().length ?? 0,
    remote: request.getRemote?.() ?? false,
  };
}

// Pulumi's wire format: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
const signature = "4dabf18193072939515e22adb298388d";
const secret = "1b47061264138c4ac30d75fd1eb44270";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function open(value: Json): Json {
  if (value === unknownValue) return unknown;
  if (Array.isArray(value)) return value.map(open);
  if (typeof value !== "object" || value === null) return value;
  if (value[signature] === secret) return open(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, open(v)]));
}

function secretPaths(value: Json, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (value[signature] === secret) return [path];
  return Object.entries(value).flatMap(([key, v]) =>
    secretPaths(v, path === "" ? key : `${path}.${key}`),
  );
}
