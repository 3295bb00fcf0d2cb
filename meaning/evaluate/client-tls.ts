import type { DestinationRuleSpec, TrafficPolicy } from "../manifests/destination-rule.ts";
import { type Labels, selects } from "../manifests/objects.ts";
import type { Platform, Policy } from "../manifests/platform.ts";
import { fullName, isWildcard, moreSpecific, wildcardMatches } from "./hosts.ts";

type DestinationRule = Policy<DestinationRuleSpec>;
type ClientMode = "DISABLE" | "SIMPLE" | "MUTUAL" | "ISTIO_MUTUAL";

/** Who dials, and whom. */
export interface Dial {
  readonly client: { readonly namespace: string; readonly labels: Labels };
  /** Full name of the Service, and its namespace. */
  readonly host: string;
  readonly namespace: string;
  /** Port of the Service. */
  readonly port: number;
  readonly subset?: string;
}

export interface ClientTls {
  /** What rules say of the connection; undefined: the client finds out by itself. */
  readonly mode: ClientMode | undefined;
  /** What says so, in words. */
  readonly by?: string;
  /** Labels of the pods of the subset; undefined where there is no such subset. */
  readonly subset?: Labels;
}

/**
 * What DestinationRules say of how a client's proxy dials. Rules of the client's own namespace come first, then those of
 * the Service's, then those of the root namespace; of each the most specific host alone, and nothing is inherited.
 *
 * @see https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
 */
export function clientTlsOf(platform: DialContext, dial: Dial): ClientTls {
  const rules = rulesFor(platform, dial);
  if (rules.length === 0) return { mode: undefined };
  const subset = rules.flatMap((r) => r.spec.subsets ?? []).find((s) => s.name === dial.subset);
  const general = rules.find((r) => r.spec.trafficPolicy);
  const mode = mergedMode(general?.spec.trafficPolicy, subset?.trafficPolicy, dial.port);
  return {
    mode,
    by: `DestinationRule ${(general ?? rules[0]!).namespace}/${(general ?? rules[0]!).name}`,
    ...(subset && { subset: subset.labels ?? {} }),
  };
}

type DialContext = Pick<Platform, "destinationRules" | "mesh">;

function mergedMode(
  general: TrafficPolicy | undefined,
  ofSubset: TrafficPolicy | undefined,
  port: number,
): ClientMode | undefined {
  const base = atPort(general, port);
  const own = atPort(ofSubset, port);
  // settings of a port replace those of the whole host, also where they say nothing of TLS
  const mode = own.port ? own.mode : (own.mode ?? base.mode);
  return mode;
}

function atPort(policy: TrafficPolicy | undefined, port: number) {
  const setting = policy?.portLevelSettings?.find((p) => p.port?.number === port);
  const tls = setting ? setting.tls : policy?.tls;
  // a block without a mode is DISABLE, the first of Istio's modes
  const mode = tls && ((tls.mode ?? "DISABLE") as ClientMode);
  return { port: setting !== undefined, mode };
}

/** Rules of the most specific host of the nearest namespace that has one. */
function rulesFor({ destinationRules, mesh }: DialContext, dial: Dial): DestinationRule[] {
  if (destinationRules.length === 0) return [];
  const { client, namespace } = dial;
  const root = mesh.rootNamespace;
  const mine = destinationRules.filter((r) => r.namespace === client.namespace);
  const own = mine.filter(client.namespace === root ? isPrivate : isForItself);
  const from = (ns: string) => destinationRules.filter((r) => r.namespace === ns && !isPrivate(r));
  const visible = (rules: DestinationRule[]) => rules.filter((r) => isVisible(r, client.namespace));
  const levels = [
    () => mostSpecific(own, dial),
    () => visible(mostSpecific(from(namespace), dial)),
    () => visible(mostSpecific(from(root), dial)),
  ];
  for (const level of levels) {
    const found = level();
    if (found.length > 0) return found;
  }
  return [];
}

function mostSpecific(
  rules: readonly DestinationRule[],
  { host, client }: Dial,
): DestinationRule[] {
  const about = rules.filter(({ spec }) =>
    selects(spec.workloadSelector?.matchLabels, client.labels),
  );
  const hosts = about
    .map((r) => fullName(r.spec.host, r.namespace))
    .filter((h) => (isWildcard(h) ? wildcardMatches(h, host) : h === host));
  const best = hosts.sort((a, b) => (moreSpecific(a, b) ? -1 : 1))[0];
  if (best === undefined) return [];
  const named = about.filter((r) => fullName(r.spec.host, r.namespace) === best);
  // those for some clients alone come first
  return [
    ...named.filter((r) => r.spec.workloadSelector),
    ...named.filter((r) => !r.spec.workloadSelector),
  ];
}

function exportsOf({ spec, namespace }: DestinationRule): string[] {
  const names = spec.workloadSelector ? ["."] : (spec.exportTo ?? []);
  return names.map((n) => (n === "." ? namespace : n));
}

/** Whether only its own namespace sees it. */
function isPrivate(rule: DestinationRule): boolean {
  const names = exportsOf(rule);
  return names.length > 0 && names.every((n) => n === rule.namespace);
}

/** Whether its own namespace sees it. */
function isForItself(rule: DestinationRule): boolean {
  return isVisible(rule, rule.namespace);
}

function isVisible(rule: DestinationRule, namespace: string): boolean {
  const names = exportsOf(rule);
  return names.length === 0 || names.includes("*") || names.includes(namespace);
}
