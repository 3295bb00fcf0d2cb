import { type MtlsMode, type Settings, modeOf } from "../../settings/index.ts";
import {
  type GraphCall,
  decisionOf,
  isTcp,
  openCallsFromInside,
  spokenBy,
  stranger,
} from "../calls.ts";
import type { Control, Expectation, PodRequest, Probe, ProbeTarget } from "../probe.ts";
import { requestOf } from "./access.ts";
import { echoes, find, firstPort } from "./services.ts";

/** A port that speaks HTTP and is not the first, which the other probes are about. */
interface LaterPort {
  readonly service: string;
  readonly mode: MtlsMode;
  /** What is asked of it: where rules apply, what they let somebody inside do, so that a refusal is about who asks. */
  readonly call: GraphCall;
}

/** Later ports by the text that tells them apart. */
function laterPorts(s: Settings): Map<string, LaterPort> {
  const ports = s.services.flatMap((service) => {
    const own = s.workloadMtls.find((w) => w.service === service.name);
    return (service.ports ?? [])
      .slice(1)
      .filter((p) => p.protocol === "http" && own?.ports?.[p.targetPort] !== undefined)
      .map(({ targetPort }): [string, LaterPort] => [
        `${service.name}:${targetPort}`,
        {
          ...{ service: service.name, mode: own!.ports![targetPort]! },
          call: asked(s, service.name, targetPort),
        },
      ]);
  });
  return new Map(ports);
}

function asked(s: Settings, name: string, port: number): GraphCall {
  const service = find(s, name);
  const open =
    s.authorization === "enforce"
      ? openCallsFromInside(s, service)
          .map((call) => ({ ...call, port }))
          .find((call) => decisionOf(s, call).allowed)
      : undefined;
  const path = service.healthPath ?? "/";
  return open ?? { from: stranger(s), service: name, method: "GET", path, port };
}

const plaintext = { kind: "plaintext" } as const;

/**
 * STRICT ports that no other probe sends plaintext to: all but the first of services that speak HTTP, and those that are
 * told apart from a first one. What they speak has to be asked by somebody whom they answer.
 */
function otherPorts(s: Settings): Map<string, GraphCall> {
  const elsewhere = strict(s);
  const ports = s.services.flatMap((service) =>
    (service.ports ?? []).flatMap(({ targetPort, protocol }, i): [string, GraphCall][] => {
      const text = `${service.name}:${targetPort}`;
      const isElsewhere = (i === 0 && protocol === "http") || elsewhere.includes(text);
      // who is let in has to be answered in HTTP: the default server does so on its first port, whatever that is called, and
      // listens on no other
      const answers = echoes(s, service.name) ? i === 0 : protocol !== "tcp";
      if (!answers) return [];
      if (isElsewhere || modeOf(s, service, targetPort) !== "STRICT") return [];
      const call = asked(s, service.name, targetPort);
      const spoken = spokenBy(s, call);
      // without rules, nobody says which method of gRPC there is
      const known = ["http", "tcp"].includes(spoken) || call.from.kind === "service";
      return known && admits(s, call) ? [[text, call]] : [];
    }),
  );
  return new Map(ports);
}

const toOther =
  (from?: GraphCall["from"]) =>
  (target: ProbeTarget, item: string): PodRequest => {
    const call = otherPorts(target.settings).get(item)!;
    return requestOf(target, { ...call, ...(from && { from }) }) as PodRequest;
  };

function admits(s: Settings, call: GraphCall): boolean {
  return s.authorization !== "enforce" || decisionOf(s, call).allowed;
}

const refusesPlaintext = (s: Settings, { call }: LaterPort) =>
  !admits(s, { ...call, from: plaintext });

const onFirstPort = (s: Settings, call: GraphCall): GraphCall => ({
  ...call,
  port: firstPort(find(s, call.service)).targetPort,
});

/** Ports of a mode on workloads whose first port has another one. Where rules refuse anonymous callers, somebody has to be let in. */
const inMode = (mode: MtlsMode, first: MtlsMode) => (s: Settings) =>
  [...laterPorts(s)]
    .filter(([, p]) => p.mode === mode && modeOf(s, find(s, p.service)) === first)
    .filter(([, p]) => !refusesPlaintext(s, p) || (mode !== "DISABLE" && admits(s, p.call)))
    .map(([text]) => text);

/** The item's call in plaintext, or by whom the rules let in: without rules, anybody of the mesh. */
const send =
  (from: "plain" | "listed", port: "first" | "later" = "later") =>
  (target: ProbeTarget, item: string): PodRequest => {
    const { call } = laterPorts(target.settings).get(item)!;
    const sent = from === "plain" ? { ...call, from: plaintext } : call;
    const at = port === "first" ? onFirstPort(target.settings, sent) : sent;
    return requestOf(target, at) as PodRequest;
  };

function overTls(target: ProbeTarget, item: string): PodRequest {
  const request = send("plain")(target, item);
  return { ...request, url: request.url.replace(/^http:/, "https:") };
}

const firstPortControl: Control = {
  differs: "the first port of the same workload",
  send: send("plain", "first"),
};

const listedControl: Control = {
  differs: "a service asks that the rules name, with a sidecar and so with an identity",
  send: send("listed"),
};

/** Where rules refuse plaintext on the first port, it is no control of what transport refuses. */
const strictControl = (s: Settings, item: string): Control =>
  admits(s, { ...onFirstPort(s, laterPorts(s).get(item)!.call), from: plaintext })
    ? firstPortControl
    : listedControl;

const applies = (items: (s: Settings) => string[]) => (s: Settings) => items(s).length > 0;
const strict = inMode("STRICT", "PERMISSIVE");
const permissive = inMode("PERMISSIVE", "STRICT");
const disabled = inMode("DISABLE", "STRICT");

const answer = (s: Settings, item: string, peer: "caller" | "nobody"): Expectation => ({
  reason: "ok",
  ...(echoes(s, laterPorts(s).get(item)!.service) && { peer }),
});

const others = (s: Settings) => [...otherPorts(s).keys()];

/** Modes of single ports: each beside the first port of the same workload, whose mode is another one. */
export const portProbes: readonly Probe[] = [
  {
    id: "M4-ports",
    question: "Is plaintext refused on each other port of a STRICT service, whatever it speaks?",
    why: "STRICT is about all ports of a workload; before any byte of theirs there has to be TLS",
    applies: applies(others),
    each: others,
    expect: (s, item) => ({
      reason: isTcp(s, otherPorts(s).get(item)!) ? "closed" : "tls-required",
    }),
    send: toOther(plaintext),
    control: { differs: "somebody asks who has a sidecar, and so an identity", send: toOther() },
  },
  {
    id: "M9",
    question: "Does a port in DISABLE take plaintext on a STRICT workload?",
    why: "the mode of the port comes before that of the workload",
    applies: applies(disabled),
    each: disabled,
    expect: (s, item) => answer(s, item, "nobody"),
    send: send("plain"),
  },
  {
    id: "M9-tls",
    question: "Does a port in DISABLE refuse TLS?",
    why: "its proxy hands the bytes on to a program that expects HTTP",
    applies: applies(disabled),
    each: disabled,
    expect: () => ({ reason: "plaintext-only" }),
    send: overTls,
    control: { differs: "http instead of https", send: send("plain") },
  },
  {
    id: "M10",
    question: "Is plaintext refused on a STRICT port of a PERMISSIVE workload?",
    why: "no filter chain of that port takes plaintext, and without HTTP no rule is asked",
    applies: applies(strict),
    each: strict,
    expect: () => ({ reason: "tls-required" }),
    send: send("plain"),
    control: strictControl,
  },
  {
    id: "M11",
    question: "What does plaintext get from a PERMISSIVE port of a STRICT workload?",
    why: "the mode of the port comes before that of the workload; plaintext has no identity that a rule could name",
    applies: applies(permissive),
    each: permissive,
    expect: (s, item) =>
      refusesPlaintext(s, laterPorts(s).get(item)!)
        ? { reason: "rbac-denied" }
        : answer(s, item, "nobody"),
    send: send("plain"),
    control: (s, item) =>
      refusesPlaintext(s, laterPorts(s).get(item)!) ? listedControl : undefined,
  },
  {
    id: "M11-mesh",
    question: "Does the same port take mTLS, of somebody whom the rules let in?",
    why: "PERMISSIVE takes both",
    applies: applies(permissive),
    each: permissive,
    expect: (s, item) => answer(s, item, "caller"),
    send: send("listed"),
  },
];
