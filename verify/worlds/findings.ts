import type { Reason } from "../classify.ts";

/** Fewest calls by which a flip is judged. */
const fewest = 20;

/**
 * What was wrong with a change from PERMISSIVE to STRICT.
 *
 * @param before what plaintext got before it
 * @param after what plaintext got after it
 * @param codes HTTP codes that a workload of the mesh got meanwhile
 */
export function flipFindings(before: Reason, after: Reason, codes: readonly string[]): string[] {
  const failed = codes.filter((code) => code !== "200");
  return [
    ...(before === "ok" ? [] : [`plaintext was not answered before it: ${before}`]),
    ...(after === "tls-required" ? [] : [`plaintext was not refused after it: ${after}`]),
    ...(codes.length >= fewest ? [] : [`only ${codes.length} calls were made meanwhile`]),
    ...(failed.length === 0
      ? []
      : [`${failed.length} of ${codes.length} calls failed: ${[...new Set(failed)].join(", ")}`]),
  ];
}

/**
 * Requests by mTLS that a service's proxy counted of one caller.
 *
 * @param metrics in Prometheus' text format
 */
export function countedRequests(metrics: string, identity: string): number {
  const labels = [
    ...['reporter="destination"', 'connection_security_policy="mutual_tls"'],
    `source_principal="${identity}"`,
  ];
  return metrics
    .split("\n")
    .filter((line) => line.startsWith("istio_requests_total{"))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Texts by which tokens and keys are known. */
const secrets: Readonly<Record<string, RegExp>> = {
  "a token": /eyJ[\w-]{8,}\.eyJ[\w-]{4,}/,
  "a private key": /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
};

/** What logs hold and must not; a log without a line of access proves nothing. */
export function secretsIn(logs: string): string[] {
  const lines = logs.split("\n");
  if (!lines.some((line) => line.includes('"start_time"')))
    return ["the logs have no line of any request, so they were not read"];
  return Object.entries(secrets).flatMap(([what, text]) => {
    const found = lines.filter((line) => text.test(line)).length;
    return found === 0 ? [] : [`${found} lines hold ${what}`];
  });
}
