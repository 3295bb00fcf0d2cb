import type { Report } from "../../../verify/reports/report.ts";
import { call, failing, outcome, report, unclear } from "../../unit/support/reports.ts";

const services = ["users", "orders", "payments", "ledger", "audit-and-compliance"];
/** What no line can be broken at by itself. */
const endless = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0".repeat(8);

/** A report with all that makes a page wide or long: many services, long names, answers without a space. */
export function largeReport(verdict: "holds" | "fails" | "inconclusive"): Report {
  const reasons = ["ok", "rbac-denied", "token-signature", "tls-required"] as const;
  const calls = services.flatMap((to) => reasons.map((reason) => call(to, reason)));
  const outside = services.map((service) =>
    outcome({
      ...{ id: "E1", item: `/${service}/${"deep/".repeat(30)}${endless}`, got: "ok" },
      request: { from: "host", to: "https", host: "app.local", path: `/${service}` },
    }),
  );
  const answered = outcome({ id: "J1", got: "ok", item: "orders" });
  const long = { ...answered, evidence: { ...answered.evidence, body: endless.repeat(3) } };
  const holding = [outcome(), ...calls, ...outside, long];
  const wrong = { holds: [], inconclusive: [unclear], fails: [failing, unclear] }[verdict];
  const base = report([...holding, ...wrong]);
  const [life] = base.certificates;
  return {
    ...base,
    platform: {
      ...base.platform,
      services: services.map((name) => ({ name, prefix: `/${name}` })),
    },
    certificates: [
      { ...life!, subject: "CN=demo-root, O=An Organisation With A Long Name, C=DE" },
      { ...life!, name: "client", daysLeft: 3 },
    ],
    notAsked: [...base.notAsked, `what nobody here can sign: ${endless}`],
  };
}
