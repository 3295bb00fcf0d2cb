import { type Caller, type Decision, decide, matchesPath } from "../policies/decide.ts";
import {
  type AllowRule,
  type ServiceSettings,
  type Settings,
  isAsked,
  prefixOf,
  rolledOutAtGateway,
} from "../settings/index.ts";
import { differences, partText, textOf } from "./call-parts.ts";
import { type TokenSpec, defaultSubject } from "./tokens.ts";
import {
  type GraphCall,
  type Vocabulary,
  concretePath,
  example,
  outsideAddress,
  protocolOn,
  vocabulary,
} from "./vocabulary.ts";

export { differingPart, textOf } from "./call-parts.ts";
export { type GraphCall, ownIssuers, stranger } from "./vocabulary.ts";

/** A call, what it gets, and one that is let in and differs in one thing. */
export interface GraphQuestion {
  readonly call: GraphCall;
  readonly decision: Decision;
  readonly control?: { readonly call: GraphCall; readonly differs: string };
}

/** Services that speak HTTP on their first port: those that the calls are about. */
export function httpServices(settings: Settings): ServiceSettings[] {
  return settings.services.filter((s) => protocolOn(s) === "http");
}

/** What a call speaks that rules can be asked about; of bytes alone nobody between its ends sees a method or a path. */
const askable = ["http", "grpc", "tcp"];

/** Services whose rules can be asked about. */
function ruledServices(settings: Settings): ServiceSettings[] {
  return settings.services.filter((s) => isAsked(settings, s) && askable.includes(protocolOn(s)));
}

/** What a call speaks: http, grpc or, where proxies hand bytes on, tcp. From outside all is HTTP. */
export function spokenBy(
  s: Settings,
  call: Pick<GraphCall, "service" | "port"> & Partial<Pick<GraphCall, "from">>,
): string {
  const spoken = protocolOn(
    s.services.find((x) => x.name === call.service)!,
    call.port,
  );
  return call.from?.kind === "outside" && spoken === "grpc" ? "http" : spoken;
}

/** Whether a call is about bytes alone. */
export function isTcp(s: Settings, call: Pick<GraphCall, "service" | "port">): boolean {
  return spokenBy(s, call) === "tcp";
}

/** What a call gets, its token taken for valid. */
export function decisionOf(s: Settings, { token, ...call }: GraphCall): Decision {
  if (!token) return decide(s, call);
  const claims = { sub: token.subject ?? defaultSubject, ...token.claims };
  return decide(s, { ...call, token: { issuer: token.issuer, claims } });
}

/**
 * The calls that the rules speak of, by a text that tells them apart: one for each rule, and for each of these every
 * other caller, method, path and token in its place. A call that is refused has one that is let in as its control;
 * those further away from what is allowed are left out.
 */
export function graphQuestions(s: Settings): ReadonlyMap<string, GraphQuestion> {
  const known = memo.get(s);
  if (known) return known;
  const found = new Map<string, GraphQuestion>();
  for (const service of ruledServices(s)) {
    for (const question of questionsOf(s, service)) {
      const text = textOf(question.call);
      if (!found.has(text)) found.set(text, question);
    }
  }
  memo.set(s, found);
  return found;
}
const memo = new WeakMap<Settings, ReadonlyMap<string, GraphQuestion>>();

function questionsOf(s: Settings, service: ServiceSettings): GraphQuestion[] {
  const words = vocabulary(s, service);
  const rules = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])];
  const centres = [
    ...rules.flatMap((rule) => example(s, service, rule) ?? []),
    ...[exemptCall(s, service)].filter((call) => call !== undefined),
  ];
  const possible = centres.flatMap((centre) => [centre, ...neighbours(s, centre, words)]);
  return possible
    .filter((call) => !addressDecides(s, call))
    .flatMap((call): GraphQuestion[] => {
      const decision = decisionOf(s, call);
      // whether anything listens on the other ports, nobody knows
      if (decision.allowed)
        return centres.includes(call) || !words.ports.includes(call.port!)
          ? [{ call, decision }]
          : [];
      const control = controlOf(s, call, centres, words);
      return control ? [{ call, decision, control }] : [];
    });
}

function controlOf(
  s: Settings,
  call: GraphCall,
  centres: readonly GraphCall[],
  words: Vocabulary,
): GraphQuestion["control"] {
  const near = [...centres, ...neighbours(s, call, words)];
  for (const other of near) {
    const apart = differences(call, other);
    if (apart.length === 1 && decisionOf(s, other).allowed && !addressDecides(s, other))
      return { call: other, differs: `${apart[0]}: ${partText(other, apart[0]!)}` };
  }
  return undefined;
}

/** A call from outside that is let in to a service; undefined when there is none that can be made here. */
export function openFromOutside(s: Settings, service: ServiceSettings): GraphCall | undefined {
  return openCallsFromOutside(s, service)[0] ?? exemptCall(s, service);
}

/** Services that rules open to somebody outside, but to nobody whom this machine can stand for: to tokens of others. */
export function closedFromHere(s: Settings): string[] {
  if (s.authorization !== "enforce") return [];
  return httpServices(s)
    .filter((x) => rolledOutAtGateway(s, x.name) && prefixOf(x) !== undefined)
    .filter((x) => x.allowFrom?.some((rule) => rule.gateway) && !openFromOutside(s, x))
    .map((x) => x.name);
}

/** Services with rules that no question is about: what they speak is not asked, or nobody here may call them. */
export function unasked(s: Settings): string[] {
  if (s.authorization === "off") return [];
  const asked = new Set([...graphQuestions(s).values()].map(({ call }) => call.service));
  return s.services.filter((x) => isAsked(s, x) && !asked.has(x.name)).map((x) => x.name);
}

/** One call for each rule by which somebody outside is let in to a service. */
export function openCallsFromOutside(s: Settings, service: ServiceSettings): GraphCall[] {
  return openCalls(s, service, (rule) => rule.gateway === true);
}

/** A call from inside that is let in to a service; undefined when there is none that can be made here. */
export function openFromInside(s: Settings, service: ServiceSettings): GraphCall | undefined {
  return openCallsFromInside(s, service)[0];
}

/** One call for each rule by which a workload of the mesh is let in to a service. */
export function openCallsFromInside(s: Settings, service: ServiceSettings): GraphCall[] {
  return openCalls(s, service, (rule) => rule.gateway !== true);
}

function openCalls(
  s: Settings,
  service: ServiceSettings,
  wanted: (rule: AllowRule) => boolean,
): GraphCall[] {
  return (service.allowFrom ?? [])
    .filter(wanted)
    .flatMap((rule) => example(s, service, rule) ?? [])
    .filter((call) => decisionOf(s, call).allowed && !addressDecides(s, call));
}

/** Whether a call's answer hangs on the address that the gateway sees: with no proxy in front, nobody knows it here. */
function addressDecides(s: Settings, call: GraphCall): boolean {
  if (call.from.kind !== "outside" || s.trustedProxies > 0) return false;
  const { allowFrom = [], denyFrom = [] } = s.services.find((x) => x.name === call.service)!;
  const blocks = [...allowFrom, ...denyFrom].flatMap((rule) => rule.remoteIpBlocks ?? []);
  const { allowed } = decisionOf(s, call);
  return blocks.some((block) => {
    const clientAddress = block.split("/")[0]!;
    return decisionOf(s, { ...call, clientAddress }).allowed !== allowed;
  });
}

function exemptCall(s: Settings, service: ServiceSettings): GraphCall | undefined {
  const { name } = service;
  return s.authentication.exempt
    .map((pattern) => {
      const from: Caller = { kind: "outside" };
      return { from, service: name, method: "GET", path: concretePath(pattern, prefixOf(service)) };
    })
    .find((call) => canBeAsked(s, call) && decisionOf(s, call).allowed);
}

function neighbours(s: Settings, centre: GraphCall, words: Vocabulary): GraphCall[] {
  const { token: _token, headers: _headers, ...bare } = centre;
  void [_token, _headers];
  const withToken = (token?: TokenSpec) => ({ ...(token && { token }) });
  const withHeaders = (headers?: GraphCall["headers"]) => ({ ...(headers && { headers }) });
  const others = [
    ...words.callers.map((from) => calledBy(s, centre, from)),
    ...words.ports.map((port) => ({ ...centre, port })),
  ];
  const spoken = spokenBy(s, centre);
  const alike = others.filter((call) => spokenBy(s, call) === spoken);
  if (spoken === "tcp") return alike.filter((call) => call.from.kind !== "outside");
  // gRPC knows no method but POST
  const besideGet = centre.method === "GET" ? words.besideGet : [];
  const methods = spoken === "grpc" ? [] : [...words.methods, ...besideGet];
  return [
    ...alike,
    ...methods.map((method) => ({ ...centre, method })),
    ...words.paths.map((path) => ({ ...centre, path })),
    ...words.addresses.map((clientAddress) => ({ ...centre, clientAddress })),
    ...words.tokens.map((token) => ({
      ...bare,
      ...withHeaders(centre.headers),
      ...withToken(token),
    })),
    ...words.headers.map((headers) => ({
      ...bare,
      ...withToken(centre.token),
      ...withHeaders(headers),
    })),
  ].filter((call) => canBeAsked(s, call));
}

/** The same call by somebody else. Only who comes from outside has an address that rules see. */
function calledBy(s: Settings, centre: GraphCall, from: Caller): GraphCall {
  const { clientAddress: own, ...bare } = centre;
  const clientAddress = from.kind === "outside" ? (own ?? outsideAddress(s)) : undefined;
  return { ...bare, from, ...(clientAddress && { clientAddress }) };
}

/** From outside a path leads to its own service; what is exempt and leads nowhere is not about rules. */
function canBeAsked(s: Settings, call: GraphCall): boolean {
  if (call.from.kind !== "outside") return call.clientAddress === undefined;
  // routes lead to the first port alone
  const first = s.services.find((x) => x.name === call.service)!.ports?.[0]?.targetPort ?? 8080;
  if (call.port !== undefined && call.port !== first) return false;
  const leadsTo = s.services.filter((x) => {
    const prefix = prefixOf(x);
    return prefix !== undefined && (call.path === prefix || call.path.startsWith(`${prefix}/`));
  });
  const best = leadsTo.sort((a, b) => prefixOf(b)!.length - prefixOf(a)!.length)[0];
  if (best) return best.name === call.service;
  return !s.authentication.exempt.some((pattern) => matchesPath(pattern, call.path));
}
