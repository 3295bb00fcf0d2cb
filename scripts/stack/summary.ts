/** What the program exports, as far as people see it. */
export interface Outputs {
  readonly route?: string;
  readonly clusterName?: string;
  readonly istioVersion?: string;
  readonly namespace?: string;
  readonly services?: readonly string[];
  readonly mtlsMode?: string;
  readonly gatewayTls?: string;
  readonly authorization?: string;
  readonly rollout?: string;
  readonly enforcement?: string;
  readonly endpoints?: Readonly<Record<string, string>>;
  readonly howToCall?: readonly string[];
  readonly certificates?: Readonly<Record<string, { readonly validUntil: string }>>;
}

const mtlsMeaning: Record<string, string> = {
  PERMISSIVE: "workloads take mTLS and plaintext",
  STRICT: "workloads take mTLS alone; plaintext is reset",
  DISABLE: "workloads take plaintext alone",
};

const gatewayMeaning: Record<string, string> = {
  NONE: "plain HTTP at the edge",
  SIMPLE: "the gateway shows its certificate",
  MUTUAL: "the gateway asks for the client's certificate too",
};

const authorizationMeaning: Record<string, string> = {
  off: "every workload may call every service",
  "dry-run": "the access log says what rules would refuse; bad tokens alone are refused",
  enforce: "where rules apply, whom none names may not call",
};

/** The table at the end of `npm start`: what runs, in which mode, how to call it. */
export function summary(stack: string, outputs: Outputs, backend: string): string {
  const rows: [string, string | undefined][] = [
    ["stack", `${stack} (state in ${backend})`],
    ["cluster", outputs.clusterName],
    [
      "Istio",
      outputs.istioVersion &&
        `${outputs.istioVersion}${outputs.route ? ` (${outputs.route} route)` : ""}`,
    ],
    [
      "services",
      outputs.services && `${outputs.services.join(", ")} in namespace ${outputs.namespace ?? "?"}`,
    ],
    ["mtlsMode", meaning(outputs.mtlsMode, mtlsMeaning)],
    ["gatewayTls", meaning(outputs.gatewayTls, gatewayMeaning)],
    ["authorization", meaning(outputs.authorization, authorizationMeaning)],
    ["rollout", outputs.rollout === "all" ? undefined : outputs.rollout],
    ["enforcement", outputs.enforcement?.replace(/^enforced: /, "").trim()],
    ["endpoints", outputs.endpoints && Object.values(outputs.endpoints).join(", ")],
  ];
  const shown = rows.filter((row): row is [string, string] => Boolean(row[1]));
  const width = Math.max(...shown.map(([name]) => name.length));
  const table = shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  const calls = outputs.howToCall ?? [];
  const how =
    calls.length > 0
      ? ["", "Call it (each line fails on a wrong answer):", ...calls.map((c) => `  ${c}`)]
      : [];
  return [...table, ...how].join("\n");
}

function meaning(mode: string | undefined, meanings: Record<string, string>): string | undefined {
  if (mode === undefined) return undefined;
  return meanings[mode] ? `${mode}: ${meanings[mode]}` : mode;
}

/** Remaining life of each certificate, the shortest first. */
export function certificateLives(outputs: Outputs, now: Date): string[] {
  return Object.entries(outputs.certificates ?? {})
    .map(([name, { validUntil }]) => ({
      name,
      validUntil,
      left: Date.parse(validUntil) - now.getTime(),
    }))
    .sort((a, b) => a.left - b.left)
    .map(({ name, validUntil, left }) => {
      const days = Math.floor(Math.abs(left) / 86_400_000);
      return `${name}: ${left < 0 ? `EXPIRED ${days} days ago` : `${days} days left`} (until ${validUntil.replace(/\.\d+/, "")})`;
    });
}
