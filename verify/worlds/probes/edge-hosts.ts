import type { HostRequest, Probe } from "../../probe.ts";
import { type BrokenSecret, brokenHost, brokenSecrets, hosts, soundHost } from "../edge-hosts.ts";

type Certificate = NonNullable<HostRequest["clientCertificate"]>;

/** A request to a host of the gateway, with this client certificate or without one. */
const to =
  (host: string, clientCertificate?: Certificate, more: Partial<HostRequest> = {}) =>
  (): HostRequest => ({
    ...{ from: "host", to: "https", host, path: "/" },
    ...(clientCertificate && { clientCertificate }),
    ...more,
  });

/** Client and host by what is asked, with what has to come of it; a refusal has the client that is let in as its control. */
const revocations: Readonly<
  Record<string, readonly [host: string, certificate: Certificate, refusal?: "cert-revoked"]>
> = {
  "a revoked certificate": [hosts.revoking, "revoked", "cert-revoked"],
  "another certificate of the CA": [hosts.revoking, "own"],
  "a certificate that the list does not name": [hosts.unrelated, "own"],
  "a certificate that is revoked elsewhere": [hosts.unrelated, "revoked"],
};

/** Hosts beside each other on one gateway, each with another idea of who its clients are. */
export const edgeHostProbes: readonly Probe[] = [
  {
    id: "E13",
    question: "Is a certificate judged by the CA's list of revoked ones?",
    why: "the secret has the list beside the CA (ca.crl); what it names is refused, and nothing else",
    applies: () => true,
    each: () => Object.keys(revocations),
    beyondManifests: true,
    expect: (_, item) => ({ reason: revocations[item]![2] ?? "ok" }),
    send: (_, item) => to(revocations[item]![0], revocations[item]![1])(),
    control: (_, item) =>
      revocations[item]![2] && {
        differs: "a certificate that the list does not name",
        send: to(hosts.revoking, "own"),
      },
  },
  {
    id: "E13-foreign",
    question: "Is everybody refused where the list is another CA's?",
    why: "for the CA itself there is no list then, and who cannot be looked up is not let in",
    applies: () => true,
    beyondManifests: true,
    expect: () => ({ reason: "unknown-ca" }),
    send: to(hosts.foreign, "own"),
    control: { differs: "a host whose list is the CA's", send: to(hosts.revoking, "own") },
  },
  {
    id: "E17",
    question: "Does OPTIONAL_MUTUAL answer with a client certificate, and without one?",
    why: "it asks for one and insists on none, so it must not stand where MUTUAL is meant",
    applies: () => true,
    each: () => ["with", "without"],
    expect: () => ({ reason: "ok" }),
    send: (_, item) => to(hosts.optional, item === "with" ? "own" : undefined)(),
  },
  {
    id: "E19",
    question:
      "Is a host that asks for client certificates out of reach on a connection to another?",
    why: "the handshake was about the other host, whose connections lead to that host's routes alone",
    applies: () => true,
    expect: () => ({ reason: "not-found" }),
    send: to(hosts.mutual, undefined, { serverName: hosts.simple, path: "/permissive" }),
    control: {
      differs: "the host that the handshake was about",
      send: to(hosts.simple, undefined, { path: "/permissive" }),
    },
  },
  {
    id: "E20",
    question: "Is it out of reach on an HTTP/2 connection that was in use for the other?",
    why: "browsers use one connection for all hosts of a certificate; the host of the handshake stays the one",
    applies: () => true,
    expect: () => ({ reason: "not-found" }),
    send: to(hosts.mutual, undefined, { after: hosts.simple, path: "/permissive" }),
    control: {
      differs: "the same host once more",
      send: to(hosts.simple, undefined, { after: hosts.simple, path: "/permissive" }),
    },
  },
  {
    id: "E24",
    question: "Is TLS passed through to the server behind a PASSTHROUGH host?",
    why: "the client sees that server's own certificate, which the gateway does not have",
    applies: () => true,
    expect: () => ({ reason: "ok" }),
    send: to(hosts.passed, undefined, { trust: "backend" }),
  },
  {
    id: "E24-sni",
    question: "Is such a host refused by a rule about its server name?",
    why: "that is all that the gateway sees of it; the connection ends, for there is no HTTP to answer in",
    applies: () => true,
    expect: () => ({ reason: "tls-refused" }),
    send: to(hosts.barred, undefined, { trust: "backend" }),
    control: {
      differs: "a server name that the rule does not name",
      send: to(hosts.passed, undefined, { trust: "backend" }),
    },
  },
];

const second = { to: "second-https" } as const;

/** Hosts whose secret is no use. */
export const brokenSecretProbes: readonly Probe[] = [
  {
    id: "E15",
    question: "Is a handshake refused by a host whose secret is broken?",
    why: "the gateway has nothing to show, and shows nothing of another host's",
    applies: () => true,
    each: () => brokenSecrets,
    beyondManifests: true,
    expect: () => ({ reason: "tls-refused" }),
    send: (_, item) => to(brokenHost(item as BrokenSecret), undefined, second)(),
    control: {
      differs: "a host beside it whose secret is whole",
      send: to(soundHost, undefined, second),
    },
  },
];
