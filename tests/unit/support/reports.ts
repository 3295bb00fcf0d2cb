import type { Evidence } from "../../../verify/evidence.ts";
import type { Probe } from "../../../verify/probe.ts";
import { type Report, lifeUntil } from "../../../verify/reports/report.ts";
import type { Outcome } from "../../../verify/runner.ts";

const probe: Probe = {
  id: "M4",
  question: "Is plaintext <refused>?",
  why: "no filter chain takes it",
  applies: () => true,
  expect: () => ({ reason: "tls-required" }),
  send: () => ({ from: "plain", url: "http://users.bank.svc.cluster.local:80/" }),
};
const evidence: Evidence = {
  ...{ at: "2026-11-23T00:00:00Z", seconds: 0.1, body: "", exitCode: 56 },
  message: 'Recv failure: "Connection" reset & gone',
};
/** An outcome that holds, but for what differs. */
export const outcome = (values: Partial<Outcome> = {}): Outcome => ({
  ...{ id: "M4", item: "users", probe, expected: { reason: "tls-required" } },
  ...{ request: probe.send({} as never, ""), evidence, verdict: "holds", got: "tls-required" },
  ...{
    text: "tls-required, and the control succeeded",
    samples: 3,
    alike: 3,
    seconds: 1.2,
    rows: ["M4"],
  },
  control: {
    differs: "the twin",
    evidence: { at: evidence.at, seconds: 0.1, body: "", message: "", status: 200 },
  },
  ...values,
});
/** A call of orders to a service. */
export const call = (to: string, got: Outcome["got"], more: Partial<Outcome> = {}) =>
  outcome({
    ...{ id: "A-graph", item: `orders to ${to} ${got}`, group: `calls to ${to}`, got, rows: [] },
    request: { from: "mesh", as: "orders", url: `http://${to}.bank.svc.cluster.local:80/x` },
    ...more,
  });
/** A report of them. */
export const report = (outcomes: readonly Outcome[]): Report => ({
  ...{ stack: "dev", at: "2026-11-23T00:00:00.000Z", seconds: 12.3, outcomes },
  platform: {
    ...{
      istio: "1.31.1",
      kubernetes: "v1.34.2",
      envoy: "1.38.0",
      route: "airgap",
      cluster: "istio-poc",
      host: "app.local",
    },
    ...{ namespace: "bank", mtlsMode: "STRICT", gatewayTls: "SIMPLE", authorization: "enforce" },
    services: [{ name: "users", prefix: "/users" }, { name: "ledger" }],
  },
  notAsked: ["not asked: <this>"],
  certificates: [lifeUntil("server", "2026-12-24T00:00:00Z", new Date("2026-11-23T00:00:00Z"))],
});
/** Plaintext that is let in; its body would be a script if it were not taken for text. */
export const failing = outcome({
  ...{ id: "M5", verdict: "fails", got: "ok", text: "expected tls-required, but it was let in" },
  evidence: { ...evidence, status: 200, body: "<script>alert(1)</script>\u0001" },
});
/** One that was refused for another reason. */
export const unclear = outcome({
  id: "P1",
  item: "/a|b",
  verdict: "inconclusive",
  text: "refused with *",
});
