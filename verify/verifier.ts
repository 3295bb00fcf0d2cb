import type { TokenKey } from "../components/signing-keys.ts";
import { principalOf } from "../policies/authorization.ts";
import { type GatewayProxy, stackGateway } from "../policies/gateway.ts";
import type { Settings } from "../settings/index.ts";
import { kindsIn } from "./caller-kinds.ts";
import { httpServices } from "./calls.ts";
import { HostCaller, type HostCallerArgs } from "./callers/host.ts";
import { type CallerKind, alwaysThere } from "./callers/objects.ts";
import { handshakeScript } from "./callers/curl.ts";
import { type ControlServer, startControlServer } from "./callers/control-server.ts";
import { podAddresses } from "./callers/pod-addresses.ts";
import { PodCallers, type PodCallersArgs } from "./callers/pods.ts";
import { ToolCaller, type ToolCallerArgs, canAsk } from "./callers/tools.ts";
import type { Certificate } from "./certificates.ts";
import type { Identities } from "./judge.ts";
import type { Kubectl } from "./kubectl.ts";
import { type Probe, type ProbeTarget, type Twin, controlOf } from "./probe.ts";
import { allProbes, probesFor } from "./probes/index.ts";
import {
  type Outcome,
  type RoundSender,
  type RunOptions,
  defaultLimit,
  runProbes,
} from "./runner.ts";
import { worldsDomain } from "./worlds/edge-hosts.ts";
import { roundSender, tokenMaker } from "./sender.ts";
import { attachAccessLogs, needsLine } from "./server-logs.ts";
import { type Strangers, clientsOf, makeStrangers } from "./strangers.ts";

/** Where this machine reaches the gateway. */
export interface Edge {
  readonly address: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** A second port for TLS. @default there is none */
  readonly secondHttpsPort?: number;
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
  /** The gateway whose identity services see, and whose log is read. @default the stack's */
  readonly gateway?: GatewayProxy;
  /** A verifier whose callers, certificates and control server do for this one too. @default none */
  readonly lender?: Verifier;
  /** Namespace and callers that somebody else made, and takes away. @default none */
  readonly guest?: NonNullable<PodCallersArgs["guest"]>;
  /** What will be asked; its callers start with the others. @default nothing: callers start as they are needed */
  readonly asked?: readonly Probe[];
  /** A service that serves as another's twin. @default none */
  readonly twinService?: string;
  /** Name of a workload that no rule names. @default a caller with a sidecar */
  readonly ruleless?: string;
  /** What tools are asked beside what they are always asked. @default nothing */
  readonly checks?: NonNullable<ToolCallerArgs["checks"]>;
}

/** What a run asks about; it may change from run to run, the callers stay. */
export interface Subject {
  readonly settings: Settings;
  /** CA of the edge. */
  readonly caPem: string;
  /** Certificate of the external client. */
  readonly client: Certificate;
  /** Keys that the stack's own issuers sign with, by the issuer's name, and others by theirs. @default none */
  readonly signingKeys?: Readonly<Record<string, TokenKey>>;
  /** Further certificates of clients. @default none */
  readonly clients?: HostCallerArgs["clients"];
  /** What to trust of a server that ends TLS behind the gateway. @default there is none */
  readonly backendCaPem?: string;
}

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
    const { kubectl, settings, curlImage: image, lender, guest } = args;
    const strangers = lender?.strangers ?? makeStrangers();
    const controlServer =
      lender?.controlServer ?? (await startControlServer([settings.host, `*.${worldsDomain}`]));
    const twinOf = args.twin === false ? undefined : httpServices(settings)[0]?.name;
    const asked = kindsIn(settings, probesFor(settings, args.asked ?? []));
    const pods = new PodCallers({
      ...{ kubectl, settings, image, selfSigned: strangers.selfSigned },
      kinds: [...new Set<CallerKind>([...alwaysThere, ...asked])],
      ...(twinOf && { twinOf }),
      ...(lender && { lender: lender.pods }),
      ...(guest && { guest }),
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
    const { settings } = subject;
    await this.pods.bring(kindsIn(settings, probesFor(settings, probes)));
    const target = await this.target(settings);
    const applying = probesFor(settings, probes).map((p) => this.askable(p, target, options));
    const ask = async (asked: readonly Probe[], how: RunOptions) => {
      const since = new Date().toISOString();
      const send = this.sender(subject);
      const outcomes = await runProbes(asked, target, this.identities, send, how);
      if (options.accessLogs === false) return outcomes;
      const { gateway, identities } = this;
      return attachAccessLogs(this.args.kubectl, outcomes, target, since, { gateway, identities });
    };
    const { endsAt = Infinity, limitSeconds = defaultLimit } = options;
    const until = Math.min(performance.now() + limitSeconds * 1000, endsAt);
    // what has no time any more is inconclusive at once
    const seconds = () => Math.max(0.001, (until - performance.now()) / 1000);
    let outcomes = await ask(applying, { ...options, limitSeconds: seconds() });
    for (let again = 0; again < 2 && options.accessLogs !== false; again++) {
      // a proxy loses a line of its log now and then, and what a dry run would have done, or who called, stands nowhere else
      const unseen = outcomes.filter((o) => needsLine(o) && !o.evidence.accessLog);
      if (unseen.length === 0 || performance.now() >= until) break;
      const items = Map.groupBy(unseen, (o) => o.probe);
      // the answers are stable already; what is missing is a line
      const seen = await ask(
        [...items].map(([p, of]) => ({ ...p, each: () => of.map((o) => o.item) })),
        { ...options, samples: 1, limitSeconds: seconds() },
      );
      outcomes = outcomes.map((o) => seen.find((n) => n.id === o.id && n.item === o.item) ?? o);
    }
    return outcomes;
  }

  /** What probes are asked of, as it runs now. */
  public async target(settings: Settings): Promise<ProbeTarget> {
    const addresses = await podAddresses(this.args.kubectl, settings.namespace);
    const twin = this.twinIn(addresses);
    return {
      ...{ settings, podAddresses: addresses },
      callerAddresses: this.pods.addressesIn(addresses),
      callerHost: this.args.ruleless ?? this.pods.host,
      ...(twin && { twin }),
    };
  }

  /** Takes the callers away. */
  public async close(): Promise<void> {
    if (!this.args.lender) await this.controlServer.close();
    await this.pods.close();
  }

  /** The service that is another's twin, or the twin that was brought. */
  private twinIn(addresses: Readonly<Record<string, string>>): Twin | undefined {
    const { twinService: service, settings } = this.args;
    if (service === undefined) return this.pods.twin;
    return { service, namespace: settings.namespace, podAddress: addresses[service]! };
  }

  private get gateway(): GatewayProxy {
    return this.args.gateway ?? stackGateway;
  }

  /** Who asks from inside the cluster. */
  public get callers(): PodCallers {
    return this.pods;
  }

  private get identities(): Identities {
    return {
      caller: this.pods.identity,
      gateway: `spiffe://${this.gateway.principal}`,
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
    const { pods, controlServer, strangers } = this;
    const { kubectl, checks } = this.args;
    const { settings, caPem, backendCaPem } = subject;
    const edge = this.edge(settings);
    const makeToken = tokenMaker(subject);
    const tools = new ToolCaller({
      ...{ kubectl, settings, run: pods.run, ...(checks && { checks }) },
      handshake: (address) => pods.shell("plain", handshakeScript(address)),
    });
    const host =
      edge &&
      new HostCaller({
        ...{ ...edge, caPem, makeToken, namesakeCaPem: strangers.namesakeCa.certPem },
        ...(backendCaPem !== undefined && { backendCaPem }),
        ...{ controlPort: controlServer.port, controlCaPem: controlServer.caPem },
        // fixtures have hosts of every kind on one gateway
        ...(!this.args.gateway && { asksForCertificate: settings.gatewayTls === "MUTUAL" }),
        clients: { ...clientsOf(strangers), own: subject.client, ...subject.clients },
      });
    return roundSender({ pods, tools, makeToken, ...(host && { host }) });
  }
}
