import type { TokenKey } from "../components/signing-keys.ts";
import { gatewayPrincipal, principalOf } from "../policies/authorization.ts";
import type { Settings } from "../settings/index.ts";
import { httpServices } from "./calls.ts";
import { HostCaller } from "./callers/host.ts";
import { type ControlServer, startControlServer } from "./callers/control-server.ts";
import type { CallerKind } from "./callers/objects.ts";
import { PodCallers, kindOf, podAddresses } from "./callers/pods.ts";
import { ToolCaller, canAsk } from "./callers/tools.ts";
import type { Certificate } from "./certificates.ts";
import type { Evidence } from "./evidence.ts";
import type { Identities } from "./judge.ts";
import type { Kubectl } from "./kubectl.ts";
import {
  type HostRequest,
  type PodRequest,
  type Probe,
  type ProbeRequest,
  type ProbeTarget,
  controlOf,
} from "./probe.ts";
import { inPool } from "./pool.ts";
import { allProbes, probesFor } from "./probes/index.ts";
import { type Outcome, type RoundSender, type RunOptions, runProbes } from "./runner.ts";
import { attachAccessLogs } from "./server-logs.ts";
import { type Strangers, makeStrangers } from "./strangers.ts";
import { type TokenSpec, makeToken } from "./tokens.ts";

/** Where this machine reaches the gateway. */
export interface Edge {
  readonly address: string;
  readonly httpPort: number;
  readonly httpsPort: number;
}

export interface VerifierArgs {
  readonly kubectl: Kubectl;
  readonly settings: Settings;
  /** Image with curl and a shell. */
  readonly curlImage: string;
  /** @default this machine's ports, on a kind cluster */
  readonly edge?: Edge;
  /** Bring a twin of the first service, the control of what STRICT refuses. @default true */
  readonly twin?: boolean;
}

/** What a run asks about; it may change from run to run, the callers stay. */
export interface Subject {
  readonly settings: Settings;
  /** CA of the edge. */
  readonly caPem: string;
  /** Certificate of the external client. */
  readonly client: Certificate;
  /** Keys that the stack's own issuers sign with, by the issuer's name. @default none */
  readonly signingKeys?: Readonly<Record<string, TokenKey>>;
}

/** Requests of this machine that are under way at once; of hundreds, two cores have no time for some in five seconds. */
const requestsAtOnce = 48;
/** A token that has just ended, or is about to, is one for so long; in ms. */
const tokenLasts = 20_000;

/** Brings callers to a cluster, asks as often as wanted, and takes the callers away. */
export class Verifier {
  private readonly args: VerifierArgs;
  private readonly pods: PodCallers;
  private readonly controlServer: ControlServer;

  /** CAs and certificates that the stack knows nothing of. */
  public readonly strangers: Strangers;

  private constructor(
    args: VerifierArgs,
    pods: PodCallers,
    controlServer: ControlServer,
    strangers: Strangers,
  ) {
    this.args = args;
    this.pods = pods;
    this.controlServer = controlServer;
    this.strangers = strangers;
  }

  public static async open(args: VerifierArgs): Promise<Verifier> {
    const strangers = makeStrangers();
    const controlServer = await startControlServer(args.settings.host);
    const twinOf = args.twin === false ? undefined : httpServices(args.settings)[0]?.name;
    const { kubectl, settings, curlImage: image } = args;
    const { selfSigned } = strangers;
    const pods = new PodCallers({
      kubectl,
      settings,
      image,
      selfSigned,
      ...(twinOf && { twinOf }),
    });
    const verifier = new Verifier(args, pods, controlServer, strangers);
    try {
      await pods.open();
    } catch (e) {
      await verifier.close();
      throw e;
    }
    return verifier;
  }

  /** Asks everything that applies to the subject's settings. */
  public async ask(
    subject: Subject,
    options: RunOptions = {},
    probes = allProbes,
  ): Promise<Outcome[]> {
    const { kubectl } = this.args;
    const { settings } = subject;
    const { twin } = this.pods;
    await this.pods.bring(kindsIn(settings, probesFor(settings, probes)));
    const addresses = await podAddresses(kubectl, settings.namespace);
    const target: ProbeTarget = {
      settings,
      podAddresses: addresses,
      callerAddresses: this.pods.addressesIn(addresses),
      callerHost: this.pods.host,
      ...(twin && { twin }),
    };
    const applying = probesFor(settings, probes).map((p) => this.askable(p, target, options));
    const ask = async (asked: readonly Probe[], how = options) => {
      const since = new Date().toISOString();
      const send = this.sender(subject);
      const outcomes = await runProbes(asked, target, this.identities, send, how);
      if (options.accessLogs === false) return outcomes;
      return attachAccessLogs(kubectl, outcomes, target, since);
    };
    let outcomes = await ask(applying);
    for (let again = 0; again < 2 && options.accessLogs !== false; again++) {
      // a proxy loses a line of its log now and then, and what a dry run would have done stands nowhere else
      const unseen = outcomes.filter((o) => o.expected.wouldBe && !o.evidence.accessLog);
      if (unseen.length === 0) break;
      const items = Map.groupBy(unseen, (o) => o.probe);
      // the answers are stable already; what is missing is a line
      const seen = await ask(
        [...items].map(([p, of]) => ({ ...p, each: () => of.map((o) => o.item) })),
        { ...options, samples: 1 },
      );
      outcomes = outcomes.map((o) => seen.find((n) => n.id === o.id && n.item === o.item) ?? o);
    }
    return outcomes;
  }

  /** Takes the callers away. */
  public async close(): Promise<void> {
    await this.controlServer.close();
    await this.pods.close();
  }

  private get identities(): Identities {
    return {
      caller: this.pods.identity,
      gateway: `spiffe://${gatewayPrincipal}`,
      service: (name) => `spiffe://${principalOf(name, this.args.settings.namespace)}`,
      client: (name) => {
        const client = this.args.settings.clients.find((c) => c.name === name)!;
        return `spiffe://${principalOf(name, client.namespace)}`;
      },
    };
  }

  /** The probe with the items that can be asked; without a way to the gateway or a twin, some cannot. */
  private askable(probe: Probe, target: ProbeTarget, options: RunOptions): Probe {
    const items = probe.each?.(target.settings) ?? [""];
    const asked = items.filter((item) => this.canAsk(probe, item, target));
    if (asked.length < items.length) options.onLeftOut?.(probe.id, items.length - asked.length);
    return { ...probe, each: () => asked };
  }

  private canAsk(probe: Probe, item: string, target: ProbeTarget): boolean {
    try {
      const control = controlOf(probe, target.settings, item);
      const requests = [probe.send(target, item), ...(control ? [control.send(target, item)] : [])];
      const edge = this.edge(target.settings);
      return requests.every((r) =>
        r.from === "host"
          ? edge !== undefined
          : r.from !== "tool" || canAsk(r.check, this.args.kubectl),
      );
    } catch {
      return false;
    }
  }

  private edge(settings: Settings): Edge | undefined {
    if (this.args.edge) return this.args.edge;
    if (settings.cluster !== "kind") return undefined;
    const { httpPort, httpsPort } = settings;
    return { address: "127.0.0.1", httpPort, httpsPort };
  }

  private sender(subject: Subject): RoundSender {
    const edge = this.edge(subject.settings);
    const makeToken = tokenMaker(subject);
    const { kubectl } = this.args;
    const tools = new ToolCaller({ kubectl, settings: subject.settings, run: this.pods.run });
    const { namesakeCa, byOtherCa, byNamesakeCa, selfSigned } = this.strangers;
    const host =
      edge &&
      new HostCaller({
        ...edge,
        controlPort: this.controlServer.port,
        controlCaPem: this.controlServer.caPem,
        caPem: subject.caPem,
        namesakeCaPem: namesakeCa.certPem,
        makeToken,
        clients: {
          own: subject.client,
          "other-ca": byOtherCa,
          "namesake-ca": byNamesakeCa,
          "self-signed": selfSigned,
        },
      });
    return async (requests) => {
      const found = new Map<ProbeRequest, Evidence>();
      const fromPod = requests.filter(
        (r): r is PodRequest => r.from !== "host" && r.from !== "tool",
      );
      const fromPods = [...Map.groupBy(fromPod, kindOf)].map(async ([kind, own]) => {
        const answers = await this.pods.send(kind, own, makeToken);
        own.forEach((r, i) => found.set(r, answers[i]!));
      });
      const hosts = requests.filter((r): r is HostRequest => r.from === "host");
      const fromHost = inPool(hosts, requestsAtOnce, async (r) => {
        found.set(r, await host!.send(r));
      });
      const fromTools = tools.askAll(requests.filter((r) => r.from === "tool"));
      await Promise.all([...fromPods, fromHost]);
      for (const [request, evidence] of await fromTools) found.set(request, evidence);
      return found;
    };
  }
}

/** Callers that the questions need. */
function kindsIn(settings: Settings, probes: readonly Probe[]): CallerKind[] {
  const target: ProbeTarget = { settings, podAddresses: {} };
  const requests = probes.flatMap((probe) =>
    (probe.each?.(settings) ?? [""]).flatMap((item) => {
      try {
        const control = controlOf(probe, settings, item);
        return [probe.send(target, item), ...(control ? [control.send(target, item)] : [])];
      } catch {
        // about the twin, which only asks as somebody who is always there
        return [];
      }
    }),
  );
  return [
    ...new Set(
      requests.flatMap((r) => (r.from === "host" || r.from === "tool" ? [] : [kindOf(r)])),
    ),
  ];
}

/** Makes each token once for the rounds of some seconds; what its times say would be over in a long run. */
function tokenMaker({ settings, signingKeys = {} }: Subject): (spec: TokenSpec) => string {
  const { issuers } = settings.authentication;
  const made = new Map<string, { readonly token: string; readonly at: number }>();
  return (spec) => {
    const text = JSON.stringify(spec);
    const key = signingKeys[spec.issuer];
    if (!key) throw new Error(`the stack has no key of issuer ${spec.issuer}`);
    const known = made.get(text);
    if (known && Date.now() - known.at < tokenLasts) return known.token;
    const token = makeToken(spec, issuers, key);
    made.set(text, { token, at: Date.now() });
    return token;
  };
}
