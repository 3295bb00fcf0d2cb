import type { HostRequest, Probe, ProbeTarget } from "../probe.ts";
import { inMode, right } from "./edge-requests.ts";

const applies = inMode("SIMPLE", "MUTUAL");

type Version = NonNullable<HostRequest["tlsVersion"]>;
const oldVersions: readonly Version[] = ["TLSv1", "TLSv1.1"];
const newVersions: readonly Version[] = ["TLSv1.2", "TLSv1.3"];

/** A service's certificate of 2048 bits is one that this suite of ciphers can be used with. */
const weakCipher = "AES128-SHA@SECLEVEL=0";

/** A request by one version of TLS. */
const by = (t: ProbeTarget, version: string): HostRequest => ({
  ...right(t),
  tlsVersion: version as Version,
});
const byWeakCipher = (t: ProbeTarget): HostRequest => ({
  ...by(t, "TLSv1.2"),
  ciphers: weakCipher,
});

/** The same to a server of this process, which takes what the gateway must not. */
const toControlServer = (request: HostRequest): HostRequest => {
  const { clientCertificate, ...rest } = request;
  void clientCertificate;
  return { ...rest, to: "control-server" };
};
const clientCan =
  "a server of this process takes it; without that the gateway's refusal could be the client's own";

/** Versions of TLS and ciphers at the gateway: of a refusal, the same request has to be answered by TLS 1.2 as it is. */
export const versionProbes: readonly Probe[] = [
  {
    id: "E21",
    question: "Are old TLS versions refused?",
    why: "the gateway's lowest is TLS 1.2, and says so in its alert",
    applies,
    each: () => oldVersions,
    expect: () => ({ reason: "protocol-version" }),
    send: by,
    control: { differs: "TLS 1.2", send: (t) => by(t, "TLSv1.2") },
  },
  {
    id: "E21-client",
    question: "Can the client speak old TLS versions at all?",
    why: clientCan,
    applies,
    each: () => oldVersions,
    expect: () => ({ reason: "ok" }),
    send: (t, version) => toControlServer(by(t, version)),
  },
  {
    id: "E21-new",
    question: "Are TLS 1.2 and 1.3 spoken?",
    why: "both are above the lowest",
    applies,
    each: () => newVersions,
    expect: () => ({ reason: "ok" }),
    send: by,
  },
  {
    id: "E22",
    question: "Is a weak cipher alone refused?",
    why: "the gateway takes ciphers with forward secrecy only",
    applies,
    expect: () => ({ reason: "handshake-failure" }),
    send: byWeakCipher,
    control: {
      differs: "the ciphers that a client offers by itself",
      send: (t) => by(t, "TLSv1.2"),
    },
  },
  {
    id: "E22-client",
    question: "Can the client use that cipher at all?",
    why: clientCan,
    applies,
    expect: () => ({ reason: "ok" }),
    send: (t) => toControlServer(byWeakCipher(t)),
  },
];
