import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { openFromInside } from "../calls.ts";
import type { HostRequest, PodRequest, Probe, ProbeTarget } from "../probe.ts";
import { requestOf } from "../probes/access.ts";
import { good } from "../probes/edge-requests.ts";
import { type WorldPlace, serviceHost } from "./world.ts";

/** Path that is closed under one host, and one that no rule about hosts names. */
const closed = (service: string) => `/${service}/by-host`;
const open = (service: string) => `/${service}/by-any-host`;

/**
 * Rules that refuse by the host that is asked for, as no settings write them: at the gateway and at a service.
 *
 * @param host of the gateway
 * @param service that it leads to
 */
export function hostPolicies(
  place: WorldPlace,
  { host, service }: { readonly host: string; readonly service: string },
): KubernetesObject[] {
  const make = istioObjects(place.namespace);
  const refuse = (name: string, labels: object, hosts: readonly string[]) =>
    make("security", "v1", "AuthorizationPolicy", name, {
      selector: { matchLabels: labels },
      action: "DENY",
      rules: [{ to: [{ operation: { hosts, paths: [closed(service)] } }] }],
    });
  return [
    refuse("host-of-the-gateway", place.gateway.selector, [host]),
    refuse("host-of-a-service", { app: service }, [serviceHost(service, place)]),
  ];
}

/** Ways to write a host, all of which are the same name. */
const writings: Readonly<Record<string, (host: string) => string>> = {
  "as it is": (host) => host,
  "in capitals": (host) => host.toUpperCase(),
  "in both": (host) => host.replace(/[a-z]/g, (c, at: number) => (at % 2 ? c : c.toUpperCase())),
};

/** Whether rules that name a host see it however it is written, and no other host. */
export function hostRuleProbes(place: WorldPlace, service: string): Probe[] {
  const common = {
    why: "names of hosts know no case, and rules compare them so",
    applies: () => true,
    each: () => Object.keys(writings),
  };
  const outside = ({ settings: s }: ProbeTarget, path: string, item: string): HostRequest => ({
    ...{ ...good(s, path), token: { issuer: "bank" } },
    ...{ host: writings[item]!(s.host), serverName: s.host },
  });
  const inside = (target: ProbeTarget, host: string): PodRequest => {
    const { settings: s } = target;
    const call = openFromInside(
      s,
      s.services.find((x) => x.name === service)!,
    )!;
    const request = requestOf(target, { ...call, path: closed(service) }) as PodRequest;
    return { ...request, headers: { ...request.headers, Host: host } };
  };
  const name = serviceHost(service, place);
  return [
    {
      ...{ ...common, id: "A25" },
      question: "Does the gateway refuse by a host, however the request writes it?",
      expect: () => ({ reason: "rbac-denied", refusedBy: "gateway" }),
      send: (t, item) => outside(t, closed(service), item),
      control: {
        differs: "a path that the rule does not name",
        send: (t, item) => outside(t, open(service), item),
      },
    },
    {
      ...{ ...common, id: "A25-inside" },
      question: "Does a service's proxy refuse by a host, however the request writes it?",
      expect: () => ({ reason: "rbac-denied" }),
      send: (t, item) => inside(t, writings[item]!(name)),
      control: {
        differs: "another name of the same Service, which the rule does not know",
        send: (t, item) => inside(t, writings[item]!(otherName(place, service))),
      },
    },
  ];
}

/** A name of a Service that clients of the cluster may leave at that. */
function otherName({ namespace }: WorldPlace, service: string): string {
  return `${service}.${namespace}.svc`;
}
