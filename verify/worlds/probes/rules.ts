import type { PodRequest, Probe } from "../../probe.ts";
import { dotted, lookAlike, officePath, ports } from "../rule-objects.ts";
import { type WorldPlace, serviceHost } from "../world.ts";

const always = () => true;

/**
 * What rules do that no settings write.
 *
 * @param service with a rule of another kind on each port
 * @param guarded service that the account with a dot may ask
 */
export function ruleProbes(place: WorldPlace, service: string, guarded: string): Probe[] {
  const to =
    (port: number, more: Partial<PodRequest> = {}) =>
    (): PodRequest => ({
      // Services of the world have the HTTP ports at 80 and 81
      ...{ from: "mesh", url: `http://${serviceHost(service, place)}:${servicePort(port)}/` },
      ...more,
    });
  const bytes = (port: number) => to(port, { opaque: true });
  const office = (as: string) => (): PodRequest => ({
    ...{ from: "mesh", as, url: `http://${serviceHost(guarded, place)}${officePath}` },
  });
  return [
    {
      id: "A18",
      question: "Does a rule that allows by a method allow nothing on a port of bytes?",
      why: "nobody sees a method in bytes, so the rule never matches",
      applies: always,
      expect: () => ({ reason: "closed" }),
      send: bytes(ports.allowedByMethod),
      control: {
        differs: "a port that a rule without a method allows",
        send: bytes(ports.allowedByPort),
      },
    },
    {
      id: "A18-deny",
      question: "Does a rule that refuses by a method refuse everything on a port of bytes?",
      why: "what cannot be looked at is left out of the rule, and the rest of it is the whole port",
      applies: always,
      expect: () => ({ reason: "closed" }),
      send: bytes(ports.refusedByMethod),
      control: { differs: "a port without that rule", send: bytes(ports.allowedByPort) },
    },
    {
      id: "A19",
      question: "Is an account refused that only looks like one with a dot?",
      why: "the dot of a name stands for itself, in rules too",
      applies: always,
      expect: () => ({ reason: "rbac-denied" }),
      send: office(lookAlike),
      control: { differs: "the account with the dot", send: office(dotted) },
    },
    {
      id: "A22",
      question: "Is somebody refused by a rule whom the same rule written as two would let in?",
      why: "from and to of one rule have to hold both, those of two rules one or the other: this question sees the difference",
      applies: always,
      expect: () => ({ reason: "rbac-denied" }),
      send: to(ports.oneRule),
      control: { differs: "from and to are two rules", send: to(ports.twoRules) },
    },
    {
      id: "A23",
      question: "Does istioctl analyze name a policy whose selector matches nothing?",
      why: "it protects nobody, and reads as if it did (IST0127)",
      applies: always,
      samples: 1,
      expect: () => ({ reason: "ok" }),
      send: () => ({ from: "tool", check: "flagged", service: "IST0127 about-nobody" }),
    },
    {
      id: "A23-effect",
      question: "Does such a policy refuse nobody?",
      why: "it says DENY to everything, of workloads that do not exist",
      applies: always,
      expect: () => ({ reason: "ok" }),
      send: office(dotted),
    },
  ];
}

function servicePort(port: number): number {
  return port < 9000 ? port - 8000 : port;
}

/** Whether an opened workload answers, and is closed again. */
export function openedProbes(place: WorldPlace, service: string): readonly [Probe, Probe] {
  const url = `http://${serviceHost(service, place)}/`;
  const send = (): PodRequest => ({ from: "mesh", url });
  return [
    {
      ...{ id: "A15-opened", question: "Is a workload open once a rule lets everybody in?" },
      ...{ why: "what any policy allows is allowed", applies: always },
      ...{ expect: () => ({ reason: "ok" as const }), send },
    },
    {
      ...{ id: "A15-closed", question: "Is it closed again once that rule is gone?" },
      ...{ why: "no other rule is about this caller", applies: always },
      ...{ expect: () => ({ reason: "rbac-denied" as const }), send },
      control: {
        differs: "the port that is open to everybody",
        send: (): PodRequest => ({
          from: "mesh",
          url: `http://${serviceHost(service, place)}:81/`,
        }),
      },
    },
  ];
}

/** What logs must not hold, asked once everything else was. */
export const secrecyProbes: readonly Probe[] = [
  {
    id: "T4",
    question: "Do the logs of all proxies and of istiod hold no token and no key?",
    why: "whoever reads logs could go on as somebody else",
    applies: always,
    samples: 1,
    expect: () => ({ reason: "ok" }),
    send: () => ({ from: "tool", check: "secrets-in-logs" }),
  },
];
