import { type MtlsMode, type ServiceSettings, type Settings } from "../../settings/index.ts";
import type { PodRequest, Probe, ProbeTarget } from "../probe.ts";

/** Services whose first port speaks HTTP: those that can be asked. */
export function httpServices(settings: Settings): ServiceSettings[] {
  return settings.services.filter((s) => (s.ports?.[0]?.protocol ?? "http") === "http");
}

/** Mode in which a service's first port receives traffic. */
export function modeOf(settings: Settings, service: ServiceSettings): MtlsMode {
  const own = settings.workloadMtls.find((w) => w.service === service.name);
  return own?.ports?.[String(firstPort(service).targetPort)] ?? own?.mode ?? settings.mtlsMode;
}

/** Full name of a service in a namespace. */
export function hostOf(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.cluster.local`;
}

function firstPort(service: ServiceSettings): { port: number; targetPort: number } {
  return service.ports?.[0] ?? { port: 80, targetPort: 8080 };
}

/** Whether a service answers with what it received; only then an identity can be read from the answer. */
function echoes(settings: Settings, name: string): boolean {
  return find(settings, name).image === undefined;
}

function find(settings: Settings, name: string): ServiceSettings {
  return settings.services.find((s) => s.name === name)!;
}

const inMode = (mode: MtlsMode) => (settings: Settings) =>
  httpServices(settings)
    .filter((s) => modeOf(settings, s) === mode)
    .map((s) => s.name);
const anyIn = (mode: MtlsMode) => (settings: Settings) => inMode(mode)(settings).length > 0;

function byName(from: PodRequest["from"], scheme = "http") {
  return ({ settings }: ProbeTarget, name: string): PodRequest => {
    const service = find(settings, name);
    const address = `${hostOf(name, settings.namespace)}:${firstPort(service).port}`;
    return { from, url: `${scheme}://${address}${service.healthPath ?? "/"}` };
  };
}

function byAddress(from: PodRequest["from"]) {
  return ({ settings, podAddresses }: ProbeTarget, name: string): PodRequest => {
    const service = find(settings, name);
    const address = `${podAddresses[name]}:${firstPort(service).targetPort}`;
    return { from, url: `http://${address}${service.healthPath ?? "/"}` };
  };
}

const twinControl = {
  differs: "the twin of the service, the same but for a PERMISSIVE PeerAuthentication",
  send: ({ settings, twin }: ProbeTarget): PodRequest => {
    const service = find(settings, twin!.service);
    const address = `${hostOf(service.name, twin!.namespace)}:${firstPort(service).port}`;
    return { from: "plain", url: `http://${address}${service.healthPath ?? "/"}` };
  },
};

const twinAddressControl = {
  differs: "the address of the twin's pod, the same but for a PERMISSIVE PeerAuthentication",
  send: ({ settings, twin }: ProbeTarget): PodRequest => {
    const service = find(settings, twin!.service);
    const address = `${twin!.podAddress}:${firstPort(service).targetPort}`;
    return { from: "plain", url: `http://${address}${service.healthPath ?? "/"}` };
  },
};

const named = (settings: Settings, name: string, peer: "caller" | "nobody") => ({
  reason: "ok" as const,
  ...(echoes(settings, name) && { peer }),
});

/** Traffic between workloads. */
export const meshProbes: readonly Probe[] = [
  {
    id: "M1",
    question: "Does a mesh workload reach a PERMISSIVE service over mTLS?",
    why: "both sides have a proxy, so auto mTLS is used although plaintext would do",
    applies: anyIn("PERMISSIVE"),
    each: inMode("PERMISSIVE"),
    expect: (s, name) => named(s, name, "caller"),
    send: byName("mesh"),
  },
  {
    id: "M2",
    question: "Does a workload without a proxy reach a PERMISSIVE service?",
    why: "PERMISSIVE takes plaintext, and plaintext has no identity",
    applies: anyIn("PERMISSIVE"),
    each: inMode("PERMISSIVE"),
    expect: (s, name) => named(s, name, "nobody"),
    send: byName("plain"),
  },
  {
    id: "M3",
    question: "Does a mesh workload reach a STRICT service?",
    why: "it speaks mTLS with a certificate of the mesh",
    applies: anyIn("STRICT"),
    each: inMode("STRICT"),
    expect: (s, name) => named(s, name, "caller"),
    send: byName("mesh"),
  },
  {
    id: "M4",
    question: "Is plaintext to a STRICT service refused?",
    why: "no filter chain of the proxy takes plaintext, so it ends the connection before any HTTP answer",
    applies: anyIn("STRICT"),
    each: inMode("STRICT"),
    expect: () => ({ reason: "tls-required" }),
    send: byName("plain"),
    control: twinControl,
  },
  {
    id: "M5",
    question: "Is plaintext straight to the address of a STRICT pod refused?",
    why: "the proxy takes all of the pod's traffic, with or without the Service",
    applies: anyIn("STRICT"),
    each: inMode("STRICT"),
    expect: () => ({ reason: "tls-required" }),
    send: byAddress("plain"),
    control: twinAddressControl,
  },
  {
    id: "M6",
    question: "Is TLS with a self-made certificate refused by a STRICT service?",
    why: "the proxy takes certificates of the mesh's own CA only",
    applies: anyIn("STRICT"),
    each: (s) => inMode("STRICT")(s).slice(0, 1),
    expect: () => ({ reason: "unknown-ca" }),
    send: (t, name) => ({ ...byName("plain", "https")(t, name), clientCertificate: "self-signed" }),
    control: {
      differs: "a mesh workload asks, whose proxy has a certificate of the mesh",
      send: byName("mesh"),
    },
  },
  {
    id: "M8",
    question: "Does a service in DISABLE answer in plaintext?",
    why: "its proxy speaks plaintext only, and plaintext has no identity",
    applies: anyIn("DISABLE"),
    each: inMode("DISABLE"),
    expect: (s, name) => named(s, name, "nobody"),
    send: byName("plain"),
  },
  {
    id: "M8-mesh",
    question: "Does a mesh workload reach a service in DISABLE, in plaintext?",
    why: "auto mTLS learns from istiod that the service takes none",
    applies: anyIn("DISABLE"),
    each: inMode("DISABLE"),
    expect: (s, name) => named(s, name, "nobody"),
    send: byName("mesh"),
  },
  {
    id: "M8-tls",
    question: "Does a service in DISABLE refuse TLS?",
    why: "its proxy hands the bytes on to a program that expects HTTP",
    applies: anyIn("DISABLE"),
    each: (s) => inMode("DISABLE")(s).slice(0, 1),
    expect: () => ({ reason: "plaintext-only" }),
    send: byName("plain", "https"),
    control: { differs: "http instead of https", send: byName("plain") },
  },
];
