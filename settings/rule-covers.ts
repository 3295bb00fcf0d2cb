import { BlockList } from "node:net";
import type { AllowRule, DenyRule } from "./access-schema.ts";
import { prefixOf, versionOf } from "./prefix.ts";
import { gatewayPrincipal } from "./rollout.ts";
import type { ServiceSettings, Settings } from "./schema.ts";

type Rule = AllowRule | DenyRule;
type Stack = Pick<Settings, "namespace" | "authentication">;

/** A rule with what it leaves to be understood written out, so that two ways of saying the same look alike. */
interface PlainRule {
  /** Identity that calls; with neither this nor a namespace, whoever asks. */
  readonly principal?: string | undefined;
  readonly namespace?: string | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly ports: readonly number[];
  readonly version?: string | undefined;
  /** Issuers by name, one of which the token has to be from; undefined where no token is asked for. */
  readonly issuers?: readonly string[] | undefined;
  readonly claims: readonly Values[];
  readonly headers: readonly Values[];
  readonly remoteIpBlocks?: readonly string[] | undefined;
}

type Values = readonly [name: string, values: readonly string[]];

function plainRule(s: Stack, service: ServiceSettings, rule: Rule): PlainRule {
  const { gateway, namespace, remoteIpBlocks, rpcs } = rule;
  // the stack has one version of a service, so naming it leaves nothing out
  const version = rule.version === versionOf(service) ? undefined : rule.version;
  const prefix = prefixOf(service);
  const routed = gateway && prefix !== undefined ? [prefix, `${prefix}/*`] : undefined;
  const open = service.ports?.map((p) => p.targetPort) ?? [8080];
  const asksForToken = rule.token ?? rule.claims !== undefined;
  const all = s.authentication.issuers.map((i) => i.name);
  return {
    principal: principalOf(s, rule),
    ...{ namespace, version, remoteIpBlocks },
    methods: rpcs ? ["POST"] : rule.methods,
    paths: rpcs ?? rule.paths ?? routed,
    // the gateway's routes lead to the first port
    ports: rule.ports ?? (gateway ? open.slice(0, 1) : open),
    issuers: rule.issuer !== undefined ? [rule.issuer] : asksForToken ? all : undefined,
    claims: Object.entries(rule.claims ?? {}),
    headers: Object.entries(rule.headers ?? {}).map(([k, v]) => [k.toLowerCase(), v] as const),
  };
}

function principalOf({ namespace }: Stack, rule: Rule): string | undefined {
  if (rule.gateway) return gatewayPrincipal;
  if (rule.service !== undefined) return `cluster.local/ns/${namespace}/sa/${rule.service}-sa`;
  return rule.principal;
}

/**
 * Whether each request that one rule of a service matches is certainly matched by another one of it, too; each as it is
 * meant, not as it is spelled: a service is its identity, and a rule for the gateway is about the routed paths.
 */
export function coversRule(s: Stack, service: ServiceSettings, wide: Rule, narrow: Rule): boolean {
  const [w, n] = [plainRule(s, service, wide), plainRule(s, service, narrow)];
  return (
    callersCover(w, n) &&
    includesAll(w.methods, n.methods) &&
    includesAll(w.ports, n.ports) &&
    allCovered(w.paths, n.paths, covers) &&
    (w.version === undefined || w.version === n.version) &&
    includesAll(w.issuers, n.issuers) &&
    valuesCover(w.claims, n.claims) &&
    valuesCover(w.headers, n.headers) &&
    allCovered(w.remoteIpBlocks, n.remoteIpBlocks, blockHolds)
  );
}

function callersCover(wide: PlainRule, narrow: PlainRule): boolean {
  if (wide.principal !== undefined) return wide.principal === narrow.principal;
  if (wide.namespace === undefined) return true;
  return wide.namespace === (narrow.namespace ?? narrow.principal?.split("/")[2]);
}

function includesAll<T>(wide: readonly T[] | undefined, narrow: readonly T[] | undefined): boolean {
  return !wide || (narrow?.every((value) => wide.includes(value)) ?? false);
}

/** Whether all that has to hold for the one has to hold for the other. */
function valuesCover(wide: readonly Values[], narrow: readonly Values[]): boolean {
  return wide.every(([name, values]) =>
    narrow.some(([other, its]) => other === name && allCovered(values, its, covers)),
  );
}

/** Whether one of the wide values takes in each narrow one; where none is asked for, all do. */
function allCovered(
  wide: readonly string[] | undefined,
  narrow: readonly string[] | undefined,
  takesIn: (wide: string, narrow: string) => boolean,
): boolean {
  if (!wide) return true;
  return narrow?.every((one) => wide.some((other) => takesIn(other, one))) ?? false;
}

/** Whether a pattern takes in everything that another one does. */
function covers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === "*") return true;
  if (wide.endsWith("*") && !narrow.startsWith("*")) return narrow.startsWith(wide.slice(0, -1));
  return wide.startsWith("*") && !narrow.endsWith("*") && narrow.endsWith(wide.slice(1));
}

function blockHolds(wide: string, narrow: string): boolean {
  const [w, n] = [blockOf(wide), blockOf(narrow)];
  if (w.family !== n.family || w.bits > n.bits) return false;
  const known = new BlockList();
  known.addSubnet(w.address, w.bits, w.family);
  return known.check(n.address, n.family);
}

function blockOf(text: string) {
  const [address, bits] = text.split("/") as [string, string?];
  const family = address.includes(":") ? ("ipv6" as const) : ("ipv4" as const);
  return { address, family, bits: Number(bits ?? (family === "ipv4" ? 32 : 128)) };
}
