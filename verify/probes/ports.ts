import { type MtlsMode, type Settings, modeOf } from "../../settings/index.ts";
import type { PodRequest, Probe } from "../probe.ts";
import { messageOf } from "./edge-requests.ts";
import { echoes, find, firstPort, hostOf } from "./services.ts";

/** A port that speaks HTTP and is not the first, which the other probes are about. */
interface LaterPort {
  readonly service: string;
  readonly port: number;
  readonly targetPort: number;
  readonly mode: MtlsMode;
}

/** Later ports by the text that tells them apart, where rules do not refuse plaintext anyway. */
function laterPorts(s: Settings): Map<string, LaterPort> {
  if (s.authorization === "enforce") return new Map();
  const ports = s.services.flatMap((service) => {
    const own = s.workloadMtls.find((w) => w.service === service.name);
    return (service.ports ?? [])
      .slice(1)
      .filter((p) => p.protocol === "http" && own?.ports?.[p.targetPort] !== undefined)
      .map(({ port, targetPort }): [string, LaterPort] => [
        `${service.name}:${targetPort}`,
        { service: service.name, port, targetPort, mode: own!.ports![targetPort]! },
      ]);
  });
  return new Map(ports);
}

/** Ports of a mode on workloads whose first port has another one. */
const inMode = (mode: MtlsMode, first: MtlsMode) => (s: Settings) =>
  [...laterPorts(s)]
    .filter(([, p]) => p.mode === mode && modeOf(s, find(s, p.service)) === first)
    .map(([text]) => text);

function request(
  s: Settings,
  item: string,
  { from = "plain", scheme = "http", port }: Ask = {},
): PodRequest {
  const later = laterPorts(s).get(item)!;
  const service = find(s, later.service);
  const address = `${hostOf(service.name, s.namespace)}:${port ?? later.port}`;
  const url = `${scheme}://${address}${service.healthPath ?? "/"}`;
  return { from, url, ...messageOf(s, { service: service.name }) };
}

/** How a port is asked. */
interface Ask {
  /** @default plain */
  readonly from?: "plain" | "mesh";
  /** @default http */
  readonly scheme?: string;
  /** Another port of the Service. @default the item's */
  readonly port?: number;
}

const applies = (items: (s: Settings) => string[]) => (s: Settings) => items(s).length > 0;
const strict = inMode("STRICT", "PERMISSIVE");
const permissive = inMode("PERMISSIVE", "STRICT");
const disabled = inMode("DISABLE", "STRICT");

/** A port that answers: to plaintext without an identity, to a workload of the mesh with the caller's. */
function answers(
  id: string,
  from: "plain" | "mesh",
  items: (s: Settings) => string[],
  question: string,
  why: string,
): Probe {
  const peer = from === "plain" ? "nobody" : "caller";
  return {
    ...{ id, question, why, applies: applies(items), each: items },
    expect: (s, item) => ({
      reason: "ok",
      ...(echoes(s, laterPorts(s).get(item)!.service) && { peer }),
    }),
    send: ({ settings }, item) => request(settings, item, { from }),
  };
}

const portFirst = "the mode of the port comes before that of the workload";

/** Modes of single ports: each beside the first port of the same workload, whose mode is another one. */
export const portProbes: readonly Probe[] = [
  answers(
    "M9",
    "plain",
    disabled,
    "Does a port in DISABLE take plaintext on a STRICT workload?",
    portFirst,
  ),
  {
    id: "M9-tls",
    question: "Does a port in DISABLE refuse TLS?",
    why: "its proxy hands the bytes on to a program that expects HTTP",
    applies: applies(disabled),
    each: disabled,
    expect: () => ({ reason: "plaintext-only" }),
    send: ({ settings }, item) => request(settings, item, { scheme: "https" }),
    control: {
      differs: "http instead of https",
      send: ({ settings }, item) => request(settings, item),
    },
  },
  {
    id: "M10",
    question: "Is plaintext refused on a STRICT port of a PERMISSIVE workload?",
    why: "no filter chain of that port takes plaintext, whether or not something listens behind it",
    applies: applies(strict),
    each: strict,
    expect: () => ({ reason: "tls-required" }),
    send: ({ settings }, item) => request(settings, item),
    control: {
      differs: "the first port of the same workload",
      send: ({ settings: s }, item) =>
        request(s, item, { port: firstPort(find(s, laterPorts(s).get(item)!.service)).port }),
    },
  },
  answers(
    "M11",
    "plain",
    permissive,
    "Does a PERMISSIVE port take plaintext on a STRICT workload?",
    portFirst,
  ),
  answers("M11-mesh", "mesh", permissive, "Does the same port take mTLS?", "PERMISSIVE takes both"),
];
