import { portsOf } from "../components/bank-service.ts";
import type { Settings } from "../settings/index.ts";
import type { Reason as ProbeReason } from "../verify/classify.ts";
import type { HostRequest, PodRequest, ProbeRequest, ProbeTarget } from "../verify/probe.ts";
import { refusals } from "../verify/probes/token-flaws.ts";
import { hostOf } from "../verify/probes/services.ts";
import { secondHttpsPort } from "../verify/worlds/gateway-objects.ts";
import { type TokenSpec, defaultSubject } from "../verify/tokens.ts";
import {
  type Answer,
  type Caller,
  type EdgeRequest,
  type Headers,
  type InsideRequest,
  type Message,
  type Request,
  type Token,
  type TokenFlaw,
  type TokenPlace,
  tlsVersions,
} from "./evaluate/request.ts";

/** Pods of the gateway, as its chart makes them. */
const door = "istio-system/istio-ingressgateway";
/** By how much Envoy lets clocks differ, in seconds. */
const skew = 60;

/**
 * The request of a probe as the evaluator knows it.
 *
 * @returns undefined for what no manifest decides: tools, what a client makes of a certificate, ciphers, and hosts beside
 *   the stack's own services
 */
export function ofProbe(request: ProbeRequest, target: ProbeTarget): Request | undefined {
  if (request.from === "tool") return undefined;
  return request.from === "host" ? fromHost(request, target) : fromPod(request, target);
}

/** The word that `npm run verify` has for an answer; undefined where there is none. */
export function reasonFor(answer: Answer, request: ProbeRequest): ProbeReason | undefined {
  if (answer.verdict === "unknown" || request.from === "tool") return undefined;
  const { reason } = answer;
  if (request.from === "host")
    return reason === "unknown-ca" && request.clientCertificate === "namesake-ca"
      ? "bad-signature"
      : reason;
  return request.opaque && reason === "tls-required" ? "closed" : reason;
}

/** Ports of a gateway's pods by what is asked of them. */
const doorPorts = { http: 80, https: 443, "second-https": secondHttpsPort } as const;

function fromHost(request: HostRequest, target: ProbeTarget): EdgeRequest | undefined {
  const { to, host, trust, ciphers, follow, after, preface, tlsVersion } = request;
  if (to === "control-server" || trust || ciphers || follow || preface) return undefined;
  const { clientCertificate, serverName = after ?? host } = request;
  const s = target.settings;
  const address = clientAddress(request, s);
  if (address === "nobody knows") return undefined;
  const version =
    tlsVersion && tlsVersions[["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].indexOf(tlsVersion)];
  const certificate =
    clientCertificate === undefined ? "none" : clientCertificate === "own" ? "trusted" : "foreign";
  return {
    ...message(request, request.path, s),
    ...{ from: { kind: "outside" }, door: target.manifests?.door ?? door },
    ...{ host, port: doorPorts[to] },
    ...(address !== undefined && { address }),
    ...(to !== "http" && { tls: { serverName, certificate, ...(version && { version }) } }),
  };
}

/** The address that counts: as many from the right as there are trusted proxies. */
function clientAddress({ headers = {} }: HostRequest, s: Settings): string | undefined {
  const asked = s.services.some((x) =>
    [...(x.allowFrom ?? []), ...(x.denyFrom ?? [])].some((r) => r.remoteIpBlocks),
  );
  if (!asked) return undefined;
  const [forwarded] = Object.entries(headers).filter(
    ([n]) => n.toLowerCase() === "x-forwarded-for",
  );
  const hops = String(forwarded?.[1] ?? "")
    .split(",")
    .map((h) => h.trim());
  const address = s.trustedProxies === 0 ? undefined : hops.at(-s.trustedProxies);
  return address ? address : "nobody knows";
}

function fromPod(request: PodRequest, target: ProbeTarget): InsideRequest | undefined {
  const { settings: s, podAddresses, manifests } = target;
  const url = new URL(request.url);
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if (request.connectTo) return undefined;
  const service = s.services.find(
    (x) => hostOf(x.name, s.namespace) === url.hostname || podAddresses[x.name] === url.hostname,
  );
  const host = service ? hostOf(service.name, s.namespace) : url.hostname;
  const byName = url.hostname === host;
  const asked = service
    ? {
        workload: manifests?.workload(service.name) ?? `${s.namespace}/${service.name}`,
        port: byName ? portsOf(service).find((p) => p.port === port)?.targetPort : port,
      }
    : manifests?.behind(host, port);
  if (asked?.port === undefined) return undefined;
  return {
    ...message(request, rawPath(request.url), s),
    ...{ from: callerOf(request, url, target), to: asked.workload, port: asked.port },
    ...(byName ? { via: { host, port } } : { host: url.host }),
    http: !request.opaque,
    ...(request.grpc && { method: "POST" }),
  };
}

/** The path as it is sent: a URL object would take its dots away. */
function rawPath(url: string): string {
  return /^[a-z]+:\/\/[^/]+(.*)$/s.exec(url)![1]! || "/";
}

function callerOf(request: PodRequest, url: URL, { settings, manifests }: ProbeTarget): Caller {
  const { from, as, client, clientCertificate } = request;
  const own = settings.namespace;
  const namespace = as === undefined ? (manifests?.strangers ?? own) : own;
  const account = as === undefined ? "curl" : `${as}-sa`;
  if (client !== undefined) {
    const { namespace: other } = settings.clients.find((c) => c.name === client)!;
    return { kind: "workload", workload: `${other}/${client}` };
  }
  if (from === "mesh") return { kind: "mesh", namespace, account };
  if (url.protocol !== "https:") return { kind: "plaintext" };
  if (clientCertificate === "mesh") return { kind: "certificate", namespace, account };
  return { kind: "tls", certificate: clientCertificate ? "foreign" : "none" };
}

function message(request: HostRequest | PodRequest, path: string, s: Settings): Message {
  const { method = "GET", token, tokenPrefix = "Bearer ", tokenIn } = request;
  const place: TokenPlace = !tokenIn
    ? { header: "authorization", prefix: tokenPrefix }
    : "query" in tokenIn
      ? { parameter: tokenIn.query }
      : { header: tokenIn.header.toLowerCase(), prefix: tokenPrefix };
  const headers: Headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return { method, path, headers, ...(token && { token: tokenOf(token, place, s) }) };
}

function tokenOf(spec: TokenSpec, place: TokenPlace, s: Settings): Token {
  const issuer = s.authentication.issuers.find((i) => i.name === spec.issuer)!;
  const flaw = flawOf(spec);
  return {
    issuer: spec.flaw === "unknown-issuer" ? "https://nobody.example" : issuer.issuer,
    audiences: spec.audiences ?? issuer.audiences.slice(0, 1),
    claims: { sub: spec.subject ?? defaultSubject, ...spec.claims },
    place,
    ...(spec.expiresIn === null && { lasting: true }),
    ...(flaw && { flaw }),
  };
}

function flawOf({ flaw, expiresIn, notBeforeIn = 0 }: TokenSpec): TokenFlaw | undefined {
  if (flaw === "unknown-issuer") return undefined;
  if (flaw) return refusals[flaw] as TokenFlaw;
  if (typeof expiresIn === "number" && expiresIn < -skew) return "token-expired";
  return notBeforeIn > skew ? "token-not-yet-valid" : undefined;
}
