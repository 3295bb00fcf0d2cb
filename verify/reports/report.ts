import { X509Certificate } from "node:crypto";
import type { Settings } from "../../settings/index.ts";
import type { Agreement } from "../agreement.ts";
import type { Outcome } from "../runner.ts";

/** All that a run found out, for people and for programs. */
export interface Report {
  readonly stack: string;
  /** When the run began, RFC 3339. */
  readonly at: string;
  /** How long it took. */
  readonly seconds: number;
  readonly platform: Platform;
  readonly outcomes: readonly Outcome[];
  /** What could not be asked, and why; one sentence each. */
  readonly notAsked: readonly string[];
  readonly certificates: readonly CertificateLife[];
  /** What manifests alone say of the same questions. @default not compared */
  readonly agreement?: Agreement;
}

/** What was asked. */
export interface Platform {
  readonly istio: string;
  /** Version of the API server. */
  readonly kubernetes: string;
  /** Version of the gateway's Envoy. */
  readonly envoy: string;
  /** Where charts and images came from. */
  readonly route: string;
  readonly cluster: string;
  /** Host of the gateway. */
  readonly host: string;
  readonly namespace: string;
  /** Services with the paths that lead to them from outside. */
  readonly services: readonly { readonly name: string; readonly prefix?: string }[];
  readonly mtlsMode: Settings["mtlsMode"];
  readonly gatewayTls: Settings["gatewayTls"];
  readonly authorization: Settings["authorization"];
}

/** How long a certificate is good for. */
export interface CertificateLife {
  readonly name: string;
  readonly subject: string;
  /** RFC 3339. */
  readonly notAfter: string;
  /** Whole days from the run on; negative once it has expired. */
  readonly daysLeft: number;
}

/** Areas of the catalogue, by the letter that ids begin with. */
const areas: Readonly<Record<string, string>> = {
  M: "mesh mTLS",
  E: "edge TLS",
  J: "tokens",
  A: "claims and identity",
  P: "paths",
  O: "operations",
  T: "telemetry",
};

/** Area of a probe. */
export function areaOf(id: string): string {
  return areas[id[0]!] ?? "other";
}

/** How many questions of each area were asked, and how often each verdict was given: area, questions, hold, fail, inconclusive. */
export function areaRows(outcomes: readonly Outcome[]): string[][] {
  return [...Map.groupBy(outcomes, (o) => areaOf(o.id))].map(([area, of]) => {
    const { holds, fails, inconclusive } = countsOf(of);
    return [area, of.length, holds, fails, inconclusive].map(String);
  });
}

/** What the columns of `areaRows` are. */
export const areaHead = ["area", "questions", "hold", "fail", "inconclusive"];

/** The worst of all verdicts: what is inconclusive is no pass. */
export function verdictOf(outcomes: readonly Outcome[]): Outcome["verdict"] {
  if (outcomes.some((o) => o.verdict === "fails")) return "fails";
  return outcomes.length === 0 || outcomes.some((o) => o.verdict === "inconclusive")
    ? "inconclusive"
    : "holds";
}

/** The verdict of a whole run, which is no pass either where manifests say something else, or cannot be judged. */
export function verdictOfReport({
  outcomes,
  agreement,
}: Pick<Report, "outcomes" | "agreement">): Outcome["verdict"] {
  const verdict = verdictOf(outcomes);
  const { apart = [], unjudged = [] } = agreement ?? {};
  return verdict === "holds" && apart.length + unjudged.length > 0 ? "inconclusive" : verdict;
}

/** How often each verdict was given. */
export function countsOf(outcomes: readonly Outcome[]): Record<Outcome["verdict"], number> {
  const counts = { holds: 0, fails: 0, inconclusive: 0 };
  for (const { verdict } of outcomes) counts[verdict]++;
  return counts;
}

/** A certificate of which only its end is known. */
export function lifeUntil(name: string, validUntil: string, now: Date): CertificateLife {
  const daysLeft = Math.floor((Date.parse(validUntil) - now.getTime()) / 86_400_000);
  return { name, subject: "", notAfter: validUntil, daysLeft };
}

/** What a certificate says of itself. */
export function lifeOf(name: string, pem: string, now: Date): CertificateLife {
  const { subject, validTo } = new X509Certificate(pem);
  const life = lifeUntil(name, new Date(validTo).toISOString(), now);
  return { ...life, subject: subject.replaceAll("\n", ", ") };
}

/** A line of a report: a probe, or a group of its questions that all hold. */
export interface Line {
  /** Id of its probe; of rules, the rows that a question stands for. */
  readonly id: string;
  readonly about: string;
  readonly outcomes: readonly Outcome[];
}

/** Outcomes as lines: groups that hold are one, whatever does not hold has a line of its own. */
export function linesOf(outcomes: readonly Outcome[]): Line[] {
  const grouped = Map.groupBy(outcomes, (o) =>
    o.verdict === "holds" && o.group !== undefined
      ? [nameOf(o), o.group, o.world].filter(Boolean).join(" ")
      : o,
  );
  return [...grouped.values()].map((of) => {
    const [first] = of as [Outcome];
    const about = of.length > 1 ? first.group! : first.item;
    return { id: nameOf(first), about: inWorld(first, about), outcomes: of };
  });
}

/** What an outcome is called: one of rules by its row, all others by their probe. */
export function nameOf({ id, rows }: Pick<Outcome, "id" | "rows">): string {
  return id === "A-graph" && rows.length > 0 ? rows.join(", ") : id;
}

/** What was asked about, and in which fixture, if in one. */
export function inWorld({ world }: Pick<Outcome, "world">, about: string): string {
  return world === undefined ? about : [`[${world}]`, about].filter(Boolean).join(" ");
}
