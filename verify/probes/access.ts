import { type Settings, modeOf, wholeNamespace } from "../../settings/index.ts";
import {
  type GraphCall,
  type GraphQuestion,
  decisionOf,
  graphQuestions,
  httpServices,
  isTcp,
  openFromInside,
  spokenBy,
  textOf,
} from "../calls.ts";
import { addressElsewhere, clientNamed } from "../vocabulary.ts";
import type {
  Expectation,
  HostRequest,
  PodRequest,
  Probe,
  TrafficRequest,
  ProbeTarget,
} from "../probe.ts";
import { good, messageOf } from "./edge-requests.ts";
import { graphRows } from "./graph-rows.ts";
import { firstPort, hostOf } from "./services.ts";

/** The calls that can be asked: plaintext only where it is taken, so that rules have to refuse it. */
function items(s: Settings): string[] {
  if (s.authorization === "off") return [];
  const takesPlaintext = ({ service, port }: GraphCall) =>
    modeOf(
      s,
      s.services.find((x) => x.name === service)!,
      port,
    ) === "PERMISSIVE";
  return [...graphQuestions(s)].flatMap(([text, { call }]) =>
    call.from.kind !== "plaintext" || takesPlaintext(call) ? [text] : [],
  );
}

/** A call as a request. */
export function requestOf({ settings }: ProbeTarget, call: GraphCall): TrafficRequest {
  const { from, method, path } = call;
  const message = { method, ...messageOf(settings, call) };
  if (from.kind === "outside") return { ...good(settings, path), ...message };
  const service = settings.services.find((x) => x.name === call.service)!;
  const port = service.ports?.find((p) => p.targetPort === call.port) ?? firstPort(service);
  const spoken = spokenBy(settings, call);
  return {
    ...(spoken === "tcp" && { opaque: true }),
    ...(spoken === "grpc" && { grpc: true }),
    from: from.kind === "plaintext" ? "plain" : "mesh",
    ...callerOf(settings, from),
    url: `http://${hostOf(service.name, settings.namespace)}:${port.port}${path}`,
    ...message,
  };
}

/** Whose account a pod asks with, or which client asks. */
export function callerOf(s: Settings, from: GraphCall["from"]): { as?: string; client?: string } {
  const client = clientNamed(s, from);
  if (client !== undefined) return { client };
  return from.kind === "service" ? { as: from.service } : {};
}

/** Who may call what: the rules of the stack, asked one by one. */
export const accessProbes: readonly Probe[] = [
  {
    id: "A-graph",
    question: "Does each call get what the rules say, and each of its neighbours?",
    why: "nobody may call unless a rule of allowFrom says so, and denyFrom comes before it",
    applies: (s) => items(s).length > 0,
    each: items,
    rows: (s, item) => graphRows(s, graphQuestions(s).get(item)!),
    group: (s, item) => `calls to ${graphQuestions(s).get(item)!.call.service}`,
    expect: (s, item) => expected(s, item),
    send: (target, item) => requestOf(target, graphQuestions(target.settings).get(item)!.call),
    control: (s, item) => {
      const { control } = graphQuestions(s).get(item)!;
      return (
        control && {
          differs: control.differs,
          send: (target) => requestOf(target, control.call),
        }
      );
    },
  },
  {
    id: "A15",
    question: "Is a workload of the namespace out of reach that has no rules of its own?",
    why: "default-deny is about every workload of the namespace, whoever made it",
    applies: (s) => wholeNamespace(s) && fromInside(s) !== undefined,
    expect: () => ({ reason: "rbac-denied" }),
    send: (target) => {
      const call = fromInside(target.settings)!;
      return {
        ...(requestOf(target, call) as PodRequest),
        url: `http://${target.callerHost}${call.path}`,
      };
    },
    control: {
      differs: "a workload with a rule that lets this caller in",
      send: (target) => requestOf(target, fromInside(target.settings)!),
    },
  },
  {
    id: "A20",
    question: "Is a header of denyFrom seen behind another one of its name?",
    why: "two headers of one name are one list, and each of its values counts",
    applies: (s) => blocked(s) !== undefined,
    expect: () => ({ reason: "rbac-denied" }),
    send: ({ settings: s }) => withHeader(s, ["some", blocked(s)!.value]),
    control: {
      differs: "another second value",
      send: ({ settings: s }) => withHeader(s, ["some", "other"]),
    },
  },
  {
    id: "A25-routed",
    question: "Is a call refused as well whose host is written in capitals?",
    why: "names of hosts know no case: it is routed as ever, and no rule of a stack is about hosts",
    // the row is about rules that name hosts
    rows: () => [],
    applies: (s) => refusedOutside(s) !== undefined,
    expect: (s) => expected(s, textOf(refusedOutside(s)!.call)),
    send: (target) => inCapitals(target, refusedOutside(target.settings)!.call),
    control: {
      differs: "a call that is let in",
      send: (target) => inCapitals(target, refusedOutside(target.settings)!.control!.call),
    },
  },
  {
    id: "E27",
    question: "Is an address ignored that the client wrote into X-Forwarded-For himself?",
    why: "counted from the right, it stands behind those of the trusted proxies",
    applies: (s) => addressed(s) !== undefined,
    expect: () => ({ reason: "rbac-denied", refusedBy: "gateway" }),
    send: (target) => forged(target, "allowed"),
    control: {
      differs: "the two addresses change places",
      send: (target) => forged(target, "refused"),
    },
  },
];

/** A call between workloads that the rules let in. */
function fromInside(s: Settings): GraphCall | undefined {
  if (s.authorization !== "enforce") return undefined;
  return httpServices(s)
    .map((service) => openFromInside(s, service))
    .find((call) => call !== undefined);
}

/** The first call from outside that denyFrom or the lack of a rule refuses, with its control. */
function refusedOutside(s: Settings): GraphQuestion | undefined {
  if (s.authorization !== "enforce") return undefined;
  return [...graphQuestions(s).values()].find(
    ({ call, decision, control }) =>
      call.from.kind === "outside" && !decision.allowed && control?.call.from.kind === "outside",
  );
}

function inCapitals(target: ProbeTarget, call: GraphCall): TrafficRequest {
  const request = requestOf(target, call) as HostRequest;
  const { host } = request;
  return { ...request, host: host.toUpperCase(), serverName: host };
}

/** A call that is let in, and a header that would have it refused. */
function blocked(s: Settings): { call: GraphCall; name: string; value: string } | undefined {
  if (s.authorization !== "enforce") return undefined;
  for (const { call } of graphQuestions(s).values()) {
    const service = s.services.find((x) => x.name === call.service)!;
    if (call.headers || !decisionOf(s, call).allowed) continue;
    for (const { headers = {} } of service.denyFrom ?? [])
      for (const [name, [value]] of Object.entries(headers))
        if (value && !decisionOf(s, { ...call, headers: { [name]: value } }).allowed)
          return { call, name, value };
  }
  return undefined;
}

function withHeader(s: Settings, values: readonly string[]): TrafficRequest {
  const { call, name } = blocked(s)!;
  const request = requestOf({ settings: s, podAddresses: {} }, call);
  return { ...request, headers: { ...request.headers, [name]: values } };
}

/** A call from outside that its address lets in, and an address that would not. */
function addressed(s: Settings): { call: GraphCall; refused: string } | undefined {
  if (s.authorization !== "enforce") return undefined;
  for (const { call } of graphQuestions(s).values()) {
    if (call.clientAddress === undefined || !decisionOf(s, call).allowed) continue;
    const refused = addressElsewhere(s);
    if (refused && !decisionOf(s, { ...call, clientAddress: refused }).allowed)
      return { call, refused };
  }
  return undefined;
}

/** The call with an address that its sender wrote himself in front of the one that the proxies wrote. */
function forged(target: ProbeTarget, written: "allowed" | "refused"): TrafficRequest {
  const { call, refused } = addressed(target.settings)!;
  const [front, back] =
    written === "allowed" ? [call.clientAddress, refused] : [refused, call.clientAddress];
  return requestOf(target, { ...call, clientAddress: `${front}, ${back}` });
}

function expected(s: Settings, item: string): Expectation {
  const { call, decision } = graphQuestions(s).get(item)!;
  const wouldBe = decision.allowed ? "allowed" : "denied";
  if (isTcp(s, call)) {
    if (s.authorization === "dry-run") return { reason: "ok", wouldBe };
    return { reason: decision.allowed ? "ok" : "closed" };
  }
  const service = s.services.find((x) => x.name === call.service)!;
  const shows = service.image === undefined && call.method !== "HEAD";
  const peers = { outside: "gateway", service: "caller", workload: "caller" } as const;
  const peer = call.from.kind === "plaintext" ? "nobody" : peers[call.from.kind];
  const answered: Expectation = { reason: "ok", ...(shows && { peer }) };
  if (s.authorization === "dry-run") {
    if (!decision.allowed && decision.routed === false) return { reason: "not-found" };
    // what the service's own proxy would say stands in its log, not in the gateway's
    const inside = !decision.allowed && call.from.kind === "outside" && decision.at === "service";
    return {
      ...answered,
      wouldBe,
      ...(inside && { wouldBeBy: call.service }),
    };
  }
  if (decision.allowed) return answered;
  return {
    reason: "rbac-denied",
    ...(call.from.kind === "outside" && { refusedBy: decision.at }),
  };
}
