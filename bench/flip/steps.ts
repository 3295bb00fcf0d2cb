import type { Reason } from "../../verify/classify.ts";

/** What the stack says, as far as callers notice it. */
export interface State {
  readonly mtlsMode: "PERMISSIVE" | "STRICT";
  readonly gatewayTls: "SIMPLE" | "MUTUAL";
  /** Services beside those that are always there. */
  readonly extra: readonly string[];
  /** Whether an update waits until the mesh enforces what it says. */
  readonly gate: boolean;
}

/** One change of a running stack. */
export interface Step {
  readonly name: string;
  /** State after it. */
  readonly state: State;
  /** Whether the server's certificate is made due for renewal before. @default false */
  readonly renews?: boolean;
}

/** Service that comes and goes. */
export const guest = "ledger";
/** Services that are always there. */
export const residents = ["users", "orders", "payments"] as const;

export const first: State = {
  ...{ mtlsMode: "PERMISSIVE", gatewayTls: "SIMPLE" },
  ...{ extra: [], gate: false },
};

const flips = (gate: boolean): Step[] => {
  const base = { ...first, gate };
  const suffix = gate ? ", with the gate" : "";
  return [
    { name: `mtlsMode STRICT${suffix}`, state: { ...base, mtlsMode: "STRICT" } },
    { name: `mtlsMode PERMISSIVE${suffix}`, state: base },
    { name: `gatewayTls MUTUAL${suffix}`, state: { ...base, gatewayTls: "MUTUAL" } },
    { name: `gatewayTls SIMPLE${suffix}`, state: base },
  ];
};

export const steps: readonly Step[] = [
  ...flips(false),
  { name: "certificate renewed", state: first, renews: true },
  { name: "service added", state: { ...first, extra: [guest] } },
  { name: "service removed", state: first },
  ...flips(true),
];

/** Requests of one kind, one after the other. */
export interface Stream {
  readonly name: string;
  /** Requests a second. */
  readonly rate: number;
  /** What it has to get. */
  readonly expect: (state: State) => Reason;
}

const always = (name: string, rate: number): Stream => ({ name, rate, expect: () => "ok" });

/** From pods: a sidecar's own connections, and plaintext, each request on a connection of its own. */
export const meshStreams: readonly Stream[] = [
  ...residents.map((service) => always(`mesh to ${service}`, 15)),
  {
    ...{ name: "plaintext to users", rate: 10 },
    expect: ({ mtlsMode }) => (mtlsMode === "STRICT" ? "tls-required" : "ok"),
  },
];

const bare = ({ gatewayTls }: State) => (gatewayTls === "MUTUAL" ? "cert-required" : "ok");

/** From this machine to the gateway; with a client certificate unless the name says otherwise. */
export const edgeStreams = {
  fresh: always("edge, a connection each", 15),
  kept: always("edge, kept connections", 40),
  bare: { name: "edge without a certificate", rate: 8, expect: bare },
  guest: {
    ...{ name: `edge to ${guest}`, rate: 10 },
    expect: ({ extra }: State) => (extra.includes(guest) ? "ok" : "not-found"),
  },
} as const satisfies Record<string, Stream>;

export const streams: readonly Stream[] = [...meshStreams, ...Object.values(edgeStreams)];
