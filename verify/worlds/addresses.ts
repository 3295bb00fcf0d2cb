import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import type { Probe, ProbeTarget } from "../probe.ts";
import { good } from "../probes/edge-requests.ts";
import type { WorldPlace } from "./world.ts";

/** Addresses that nobody has (RFC 5737), and one of them. */
const nobodys = "198.51.100.0/24";
const forged = "198.51.100.7";
/** Every address there is. */
const all = ["0.0.0.0/0", "::/0"];

const forNobody = (service: string) => `/${service}/for-nobody`;
const forAll = (service: string) => `/${service}/for-all`;

/**
 * Rules about clients' addresses at a gateway that trusts no proxy in front: one path is for addresses that nobody has,
 * another for all. They refuse whoever has another address, so that the rest of the world stays as it is.
 *
 * @param service that the gateway leads to
 * @param host that it is asked as; of bytes that pass through for another host, a DENY would leave the path out and refuse all
 */
export function addressPolicies(
  { gateway }: WorldPlace,
  service: string,
  host: string,
): KubernetesObject[] {
  const make = istioObjects(gateway.namespace);
  const only = (name: string, path: string, blocks: readonly string[]) =>
    make("security", "v1", "AuthorizationPolicy", name, {
      selector: { matchLabels: gateway.selector },
      action: "DENY",
      rules: [
        {
          from: [{ source: { notRemoteIpBlocks: blocks } }],
          to: [{ operation: { paths: [path] } }],
          when: [{ key: "connection.sni", values: [host] }],
        },
      ],
    });
  return [only("for-nobody", forNobody(service), [nobodys]), only("for-all", forAll(service), all)];
}

/** Whether such a gateway believes what a client wrote into X-Forwarded-For. */
export function addressProbes(service: string): Probe[] {
  const from =
    (path: string) =>
    ({ settings }: ProbeTarget) => ({
      ...good(settings, path),
      headers: { "X-Forwarded-For": forged },
    });
  return [
    {
      id: "E27-direct",
      question: "Is an address ignored that a client wrote himself, where no proxy is trusted?",
      why: "the connection's own address counts then, and the rule is about another; believed, the header would open the path",
      applies: ({ trustedProxies }) => trustedProxies === 0,
      expect: () => ({ reason: "rbac-denied", refusedBy: "gateway" }),
      send: from(forNobody(service)),
      control: {
        differs: "a path whose rule is about every address",
        send: from(forAll(service)),
      },
    },
  ];
}
