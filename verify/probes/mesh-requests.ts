import type { Settings } from "../../settings/index.ts";
import { type GraphCall, decisionOf, httpServices, openFromInside, stranger } from "../calls.ts";
import type { Control, PodRequest, ProbeTarget } from "../probe.ts";
import { callerOf } from "./access.ts";
import { messageOf } from "./edge-requests.ts";
import { find, firstPort, hostOf } from "./services.ts";

/** Who sends a request from inside. */
export type From = PodRequest["from"];

/**
 * What a request to a service asks: where rules apply, what they let somebody inside do, so that a refusal is about who
 * asks; else whether it is well.
 */
export function asked(s: Settings, name: string): GraphCall {
  const service = find(s, name);
  const open = s.authorization === "enforce" ? openFromInside(s, service) : undefined;
  const path = service.healthPath ?? "/";
  return open ?? { from: stranger(s), service: name, method: "GET", path };
}

function message(s: Settings, call: GraphCall) {
  return { ...(call.method !== "GET" && { method: call.method }), ...messageOf(s, call) };
}

/** What is asked of a service, by its name. */
export function byName(from: From, scheme = "http") {
  return ({ settings }: ProbeTarget, name: string): PodRequest => {
    const call = asked(settings, name);
    const address = `${hostOf(name, settings.namespace)}:${firstPort(find(settings, name)).port}`;
    return { from, url: `${scheme}://${address}${call.path}`, ...message(settings, call) };
  };
}

/** What is asked of a service, straight to the address of one of its pods. */
export function byAddress(from: From, scheme = "http") {
  return ({ settings, podAddresses }: ProbeTarget, name: string): PodRequest => {
    const call = asked(settings, name);
    const address = `${podAddresses[name]}:${firstPort(find(settings, name)).targetPort}`;
    return { from, url: `${scheme}://${address}${call.path}`, ...message(settings, call) };
  };
}

/** Whether the rules let a caller without a name in them do what is asked. */
export function admits(s: Settings, name: string, from: From): boolean {
  if (s.authorization !== "enforce") return true;
  const call = asked(s, name);
  const caller = from === "plain" ? ({ kind: "plaintext" } as const) : stranger(s);
  return decisionOf(s, { ...call, from: caller }).allowed;
}

/** The same request by a service that the rules name. */
export function listed({ settings }: ProbeTarget, name: string): PodRequest {
  const from = callerOf(settings, asked(settings, name).from);
  return { ...byName("mesh")({ settings } as ProbeTarget, name), ...from };
}

/** A request past the caller's own proxy, by somebody whom the rules let in, with a client certificate. */
export const withCertificate =
  (clientCertificate: "self-signed" | "mesh") =>
  (target: ProbeTarget, name: string): PodRequest => {
    const from = callerOf(target.settings, asked(target.settings, name).from);
    return { ...byName("certificate", "https")(target, name), ...from, clientCertificate };
  };

/** A request in plaintext, past the caller's own proxy, by somebody whom the rules let in. */
export const pastSidecar = (target: ProbeTarget, name: string): PodRequest => ({
  ...byName("certificate")(target, name),
  ...callerOf(target.settings, asked(target.settings, name).from),
});

/** The control of what rules refuse. */
export const listedControl: Control = {
  differs: "a service asks that the rules name",
  send: listed,
};

/** Where rules refuse the caller, there has to be somebody whom they let in, or the refusal proves nothing. */
export const canBeJudged = (from: From) => (s: Settings, name: string) =>
  admits(s, name, from) || openFromInside(s, find(s, name)) !== undefined;

const twinControl: Control = {
  differs: "the twin of the service, the same but for a PERMISSIVE PeerAuthentication",
  send: ({ settings, twin }: ProbeTarget): PodRequest => {
    const call = asked(settings, twin!.service);
    const { port } = firstPort(find(settings, twin!.service));
    const url = `http://${hostOf(twin!.service, twin!.namespace)}:${port}${call.path}`;
    return { from: "plain", url, ...message(settings, call) };
  },
};

/** What only its caller tells from the refused request: somebody with a sidecar, whom the rules let in, is answered. */
const sidecarControl: Control = {
  differs: "the caller has a sidecar, and with it an identity",
  send: (target, name) =>
    admits(target.settings, name, "mesh") ? byName("mesh")(target, name) : listed(target, name),
};

/** Where rules let nobody in who can ask here, their refusal shows that transport took the request: plaintext gets none. */
const reachesRules = { succeeds: "rbac-denied" } as const;

const isFirst = (s: Settings, name: string) => name === httpServices(s)[0]?.name;

/** The twin is one of the first service; another service's control is about that service itself. */
export const plaintextControl = (s: Settings, name: string): Control => {
  if (isFirst(s, name)) return twinControl;
  if (canBeJudged("mesh")(s, name)) return sidecarControl;
  return {
    ...{ differs: "the caller has a sidecar, and gets as far as the rules", ...reachesRules },
    send: byName("mesh"),
  };
};

const twinAddressControl: Control = {
  differs: "the address of a pod under a PERMISSIVE PeerAuthentication: the first service's twin",
  send: ({ settings, twin }: ProbeTarget): PodRequest => {
    const call = asked(settings, twin!.service);
    const { targetPort } = firstPort(find(settings, twin!.service));
    const url = `http://${twin!.podAddress}:${targetPort}${call.path}`;
    return { from: "plain", url, ...message(settings, call) };
  },
};

/** The same address of the same pod, by somebody with a certificate in hand, whom the rules let in if there is anybody. */
export const addressControl = (s: Settings, name: string): Control => {
  if (isFirst(s, name)) return twinAddressControl;
  const by = callerOf(s, asked(s, name).from);
  // a client of the stack has no certificate in hand
  const listed = by.client === undefined && canBeJudged("mesh")(s, name);
  const admitted = listed || admits(s, name, "mesh");
  const shows = "the caller speaks TLS and shows a certificate that the mesh gave it";
  return {
    differs: admitted ? shows : `${shows}, and gets as far as the rules`,
    ...(!admitted && reachesRules),
    send: (target, item) => ({
      ...byAddress("certificate", "https")(target, item),
      ...(listed && by),
      clientCertificate: "mesh",
    }),
  };
};
