import { onPath } from "../../scripts/setup/tools.ts";
import { principalOf } from "../../policies/authorization.ts";
import { type Settings, gatewayNamespace, modeOf } from "../../settings/index.ts";
import { sameChain, wrongChain } from "../certificate-chain.ts";
import type { Evidence } from "../evidence.ts";
import type { Kubectl } from "../kubectl.ts";
import type { FixtureCheck, StateCheck, ToolRequest } from "../probe.ts";
import { inPool } from "../pool.ts";
import { firstPort } from "../probes/services.ts";
import { istioctl } from "./istioctl.ts";
import { runLabel } from "./objects.ts";
import { configuredCertificates } from "./proxy-secrets.ts";
import { outOfStep } from "./proxy-status.ts";

/** Whether the tool for a question is there: istioctl is no part of what the program needs. */
export function canAsk(check: Check, { env }: Pick<Kubectl, "env">): boolean {
  const withIstioctl: readonly Check[] = [
    ...(["analyze", "precheck", "synced", "mode", "certificate", "flagged"] as const),
  ];
  return !withIstioctl.includes(check) || onPath("istioctl", env) !== undefined;
}

export interface ToolCallerArgs {
  readonly kubectl: Kubectl;
  readonly settings: Settings;
  /** Names the run, whose own pods are not what is asked about. */
  readonly run: string;
  /** What a server at an address shows in a handshake to who has no certificate: its chain, PEM. @default nobody can ask */
  readonly handshake?: (address: string) => Promise<string>;
  /** What is asked beside what every run asks. @default nothing */
  readonly checks?: Partial<
    Record<FixtureCheck | StateCheck, (about: string) => Promise<string[]>>
  >;
}

type Check = ToolRequest["check"];

/** What of a pod is looked at. */
interface Pod {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}
interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly readinessProbe?: { readonly httpGet?: { readonly path?: string } };
}

/**
 * Hosts of DestinationRules that the analyzer cannot find (IST0174): it looks for one Service, where Istio takes `*.…` for
 * all that end so, and it does not read Kubernetes' own namespace.
 */
const hostNotLookedUp = /^The host (\*|\S+\.kube-system\.)/;

/** What the analyzer says of every EnvoyFilter (IST0133); the one of requireExpiry is meant, and J6 asks what it does. */
const meantFilter = /^EnvoyFilter \S+\/require-expiry$/;
const everyFilter = /exposes internal implementation details/;
/** Whether a message is that one about that filter. */
export function isMeantFilter(code: string, origin: string, message: string): boolean {
  return code === "IST0133" && meantFilter.test(origin) && everyFilter.test(message);
}

/** Asks istioctl, istiod and the API server what they think of the platform. */
export class ToolCaller {
  private readonly args: ToolCallerArgs;
  private readonly checks: Readonly<Partial<Record<Check, (service: string) => Promise<string[]>>>>;

  constructor(args: ToolCallerArgs) {
    this.args = args;
    this.checks = {
      analyze: () => this.analyze(["analyze", "--all-namespaces", "--output", "json"]),
      precheck: () => this.analyze(["experimental", "precheck", "--output", "json"]),
      synced: () => this.synced(),
      rejections: () => this.rejections(),
      sidecars: () => this.sidecars(),
      mode: (service) => this.mode(service),
      certificate: (service) => this.certificate(service),
      ready: (service) => this.ready(service),
      ...args.checks,
    };
  }

  /**
   * Asks all, two at a time: each is a process that takes a core for half a second.
   *
   * @param signal ends it: what is not asked by then is left out
   * @param answered is told each answer as it comes
   */
  public async askAll(
    requests: readonly ToolRequest[],
    signal: AbortSignal,
    answered: (request: ToolRequest, evidence: Evidence) => void,
  ): Promise<void> {
    await inPool(requests, 2, async (request) => {
      if (!signal.aborted) answered(request, await this.ask(request));
    });
  }

  /** What a tool found. One that could not be asked found nothing, which is no pass. */
  public async ask({ check, service = "" }: ToolRequest): Promise<Evidence> {
    const at = new Date();
    const asked = this.checks[check] ?? (() => Promise.reject(new Error("nobody here can ask")));
    const answer = await asked(service).then(
      (findings) => ({ findings, message: "" }),
      (error: Error) => ({ message: error.message }),
    );
    const seconds = (Date.now() - at.getTime()) / 1000;
    return { at: at.toISOString(), seconds, body: "", ...answer };
  }

  private istioctl(args: readonly string[]): Promise<string> {
    return istioctl(this.args.kubectl, args);
  }

  /** Messages from a warning on, about the platform; other teams' objects on the same cluster are theirs. */
  private async analyze(args: readonly string[]): Promise<string[]> {
    const text = await this.istioctl(args);
    // where nothing is found, some print nothing, or say so in words
    if (!text.trimStart().startsWith("["))
      return text.trim() === "" || /^✔/m.test(text) ? [] : [text.trim()];
    const messages = JSON.parse(text) as Record<"code" | "level" | "message" | "origin", string>[];
    return messages
      .filter(({ level, origin = "" }) => level !== "Info" && this.isOurs(origin))
      .filter(({ code, message }) => !(code === "IST0174" && hostNotLookedUp.test(message)))
      .filter(({ code, message, origin = "" }) => !isMeantFilter(code, origin, message))
      .map(({ code, message, origin = "" }) => `${code} ${origin}: ${message}`);
  }

  /** Whether a message's origin (`Kind namespace/name`) is of the platform, and not a pod that the run brought. */
  private isOurs(origin: string): boolean {
    const { settings, run } = this.args;
    const [place, name] = origin.split(" ").at(-1)!.split("/");
    const clients = settings.clients.map((c) => c.namespace);
    // what is in no namespace, such as a webhook, is everybody's
    const ours =
      name === undefined || [settings.namespace, gatewayNamespace, ...clients].includes(place!);
    return ours && !new RegExp(`-${run}\\b`).test(origin);
  }

  /** Whether each proxy has what istiod sent. */
  private async synced(): Promise<string[]> {
    const text = await this.istioctl(["proxy-status", "--output", "json"]);
    return outOfStep(text, (id) => this.isPlatforms(id), await this.proxies());
  }

  /** Ready pods of the platform that have a proxy, as istiod names them: `pod.namespace`. */
  private async proxies(): Promise<string[]> {
    const found = await Promise.all(
      this.namespaces().map(async (namespace) => {
        const pods = await this.podsOf(namespace);
        return pods.filter(hasProxy).map(({ metadata: { name } }) => `${name}.${namespace}`);
      }),
    );
    return found.flat();
  }

  private namespaces(): string[] {
    const { namespace, clients } = this.args.settings;
    return [...new Set([namespace, gatewayNamespace, ...clients.map((c) => c.namespace)])];
  }

  /** Whether a proxy (`pod.namespace`) is the stack's; on a cluster that others share, theirs are their own business. */
  private isPlatforms(id: string): boolean {
    return this.namespaces().includes(id.slice(id.lastIndexOf(".") + 1));
  }

  /** Configuration that proxies did not take, as every istiod has counted it since its start. */
  private async rejections(): Promise<string[]> {
    const { kubectl } = this.args;
    const pods = await this.podsOf(gatewayNamespace, "app=istiod");
    const found = await Promise.all(
      pods.map(async ({ metadata: { name } }) => {
        const at = `/api/v1/namespaces/istio-system/pods/${name}:15014/proxy/metrics`;
        const metrics = await kubectl.run(["get", "--raw", at]);
        if (!/^pilot_/m.test(metrics)) return [`${name} counts nothing`];
        return metrics.split("\n").filter((line) => /^pilot\w*_rejects?(\{.*\})? [^0]/.test(line));
      }),
    );
    return pods.length === 0 ? ["there is no istiod"] : found.flat();
  }

  /** Pods of the namespace without a native sidecar: one that starts before all others and ends after them is native. */
  private async sidecars(): Promise<string[]> {
    const pods = await this.podsOf(this.args.settings.namespace);
    return pods.flatMap(({ metadata: { name }, spec }) => {
      const native = spec.initContainers?.find((c) => c.name === "istio-proxy");
      if (native?.restartPolicy === "Always") return [];
      const beside = spec.containers.some((c) => c.name === "istio-proxy");
      return [`${name} has no ${beside || native ? "native " : ""}sidecar`];
    });
  }

  /** The mode that istioctl finds for each pod of a service. */
  private async mode(service: string): Promise<string[]> {
    const { settings } = this.args;
    // modes of single ports stand in lines of their own; traffic asks about them
    const own = settings.workloadMtls.find((w) => w.service === service)?.mode;
    const wanted = own ?? settings.mtlsMode;
    return this.ofEachPod(service, async (pod) => {
      const text = await this.istioctl([
        ...["experimental", "describe", "pod", pod, "--namespace", settings.namespace],
      ]);
      const found = /Workload mTLS mode: (\w+)/.exec(text)?.[1] ?? "not said";
      return found === wanted ? [] : [`${pod}: mode ${found}, not ${wanted}`];
    });
  }

  /**
   * The certificate that each proxy of a service serves: its identity, its chain, and the mesh's root. As it is configured,
   * and where only TLS is taken, as a handshake shows it.
   */
  private async certificate(service: string): Promise<string[]> {
    const { kubectl, settings } = this.args;
    const { namespace } = settings;
    const root = await kubectl.run([
      ...["get", "configmap", "istio-ca-root-cert", `--namespace=${namespace}`],
      ...["--output", "jsonpath={.data.root-cert\\.pem}"],
    ]);
    const identity = `URI:spiffe://${principalOf(service, namespace)}`;
    return this.ofEachPod(service, async (pod, address) => {
      const text = await this.istioctl([
        ...["proxy-config", "secret", pod, "--namespace", namespace, "--output", "json"],
      ]);
      const { chain, trusted } = configuredCertificates(text);
      const served = await this.served(service, address);
      const wrong = [
        ...wrongChain(chain, trusted, root, identity),
        ...(served === undefined
          ? []
          : wrongChain(served, trusted, root, identity).map((w) => `in a handshake ${w}`)),
        ...(served === undefined || sameChain(served, chain)
          ? []
          : ["it serves another chain than it is configured with"]),
      ];
      return wrong.map((w) => `${pod}: ${w}`);
    });
  }

  /** The chain in a handshake; undefined where the proxy does not end TLS for who speaks no Istio, or nobody can ask. */
  private async served(service: string, address: string): Promise<string | undefined> {
    const { settings, handshake } = this.args;
    const of = settings.services.find((s) => s.name === service)!;
    if (!handshake || modeOf(settings, of) !== "STRICT") return undefined;
    return handshake(`${address}:${firstPort(of).targetPort}`);
  }

  /** Whether the kubelet, which has no certificate, finds the pods well: its questions are led past mTLS. */
  private async ready(service: string): Promise<string[]> {
    const pods = await this.podsOf(this.args.settings.namespace, `app=${service}`);
    if (pods.length === 0) return [`there is no pod of ${service}`];
    return pods.flatMap(({ metadata: { name }, spec, status }) => {
      const ready = status.conditions?.some((c) => c.type === "Ready" && c.status === "True");
      const straight = spec.containers.filter(
        ({ name: container, readinessProbe }) =>
          container !== "istio-proxy" &&
          readinessProbe?.httpGet !== undefined &&
          !readinessProbe.httpGet.path?.startsWith("/app-health/"),
      );
      return [
        ...(ready ? [] : [`${name} is not ready`]),
        ...straight.map((c) => `${name}: the kubelet asks ${c.name} past its sidecar`),
      ];
    });
  }

  private async ofEachPod(
    service: string,
    ask: (pod: string, address: string) => Promise<string[]>,
  ) {
    const pods = await this.podsOf(this.args.settings.namespace, `app=${service}`);
    if (pods.length === 0) return [`there is no pod of ${service}`];
    const asked = pods.map(({ metadata, status }) => ask(metadata.name, status.podIP ?? ""));
    return (await Promise.all(asked)).flat();
  }

  /** Living pods, but for those that the run brought. */
  private async podsOf(namespace: string, selector?: string): Promise<Pod[]> {
    const { items } = await this.args.kubectl.json<{
      items: (Pod & { metadata: { deletionTimestamp?: string } })[];
    }>([
      ...["get", "pod", `--namespace=${namespace}`, "--field-selector=status.phase=Running"],
      ...(selector === undefined ? [] : [`--selector=${selector}`]),
    ]);
    return items.filter(
      ({ metadata }) => !metadata.deletionTimestamp && metadata.labels?.[runLabel] === undefined,
    );
  }
}

/** Whether a pod takes traffic through a proxy of Istio's. */
function hasProxy({ spec, status }: Pod): boolean {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const ready = status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
  return ready && containers.some(({ name }) => name === "istio-proxy");
}
