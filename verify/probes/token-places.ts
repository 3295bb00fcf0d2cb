import type { ServiceSettings, Settings } from "../../settings/index.ts";
import { rolledOut, rolledOutAtGateway } from "../../settings/index.ts";
import {
  type GraphCall,
  decisionOf,
  httpServices,
  openCallsFromInside,
  openCallsFromOutside,
} from "../calls.ts";
import type { Control, TrafficRequest, ProbeTarget } from "../probe.ts";
import type { TokenSpec } from "../tokens.ts";
import { requestOf } from "./access.ts";

/** Further from now than the 60 s by which Envoy lets clocks differ. */
export const beyondSkew = 180;

/** A call that is let in with its token and not without, and the service that it reaches. */
export interface Entrance {
  readonly service: ServiceSettings;
  readonly call: GraphCall;
}

/** Who looks at tokens: the gateway, or the proxy of a service that a workload of the mesh calls. */
export interface Place {
  /** What the ids of its probes end with. */
  readonly suffix: "" | "-inside";
  readonly words: string;
  readonly entrance: (s: Settings) => Entrance | undefined;
  /** Who refuses, as far as the answer shows it. */
  readonly refusedBy?: "gateway";
}

export const gatewayPlace: Place = {
  suffix: "",
  words: "at the gateway",
  entrance: (s) => entranceBy(s, rolledOutAtGateway, openCallsFromOutside),
  refusedBy: "gateway",
};
export const insidePlace: Place = {
  suffix: "-inside",
  words: "by the service's own proxy",
  entrance: (s) => entranceBy(s, rolledOut, openCallsFromInside),
};

function entranceBy(
  s: Settings,
  reached: typeof rolledOut,
  calls: (s: Settings, service: ServiceSettings) => GraphCall[],
): Entrance | undefined {
  if (s.authorization === "off") return undefined;
  for (const service of httpServices(s).filter((x) => reached(s, x.name))) {
    const call = calls(s, service).find((c) => tokenDecides(s, c));
    if (call) return { service, call };
  }
  return undefined;
}

function tokenDecides(s: Settings, { token, ...bare }: GraphCall): boolean {
  return token !== undefined && !decisionOf(s, bare).allowed;
}

type Change = (token: TokenSpec) => TokenSpec | undefined;

/** The call of a place with its token changed; without a token, none is sent. */
export function ask(
  target: ProbeTarget,
  place: Place,
  change: Change = (token) => token,
): TrafficRequest {
  const { token, ...call } = place.entrance(target.settings)!.call;
  const changed = change(token!);
  return requestOf(target, { ...call, ...(changed && { token: changed }) });
}

export const asked = (place: Place, change?: Change) => (target: ProbeTarget) =>
  ask(target, place, change);

/** The right token as the control. */
export const rightToken = (place: Place, differs: string): Control => ({
  differs,
  send: asked(place),
});
