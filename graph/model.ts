import { principalOf } from "../policies/authorization.ts";
import {
  type AllowRule,
  type DenyRule,
  type ServiceSettings,
  type Settings,
  asksForToken,
  placesOf,
  prefixOf,
  rolledOut,
  rolledOutAtGateway,
} from "../settings/index.ts";
import { joined, shown } from "./words.ts";

/** Who calls or is called. */
export interface GraphNode {
  /** Unique in its graph; letters, digits and _ alone. */
  readonly id: string;
  /** `open` is a service that everybody may call; `note` calls nobody and is called by nobody. */
  readonly kind: "outside" | "gateway" | "service" | "open" | "caller" | "note";
  readonly lines: readonly string[];
}

/** One way to call, or one that is refused. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `allow` is what a rule lets through, `open` what needs none, `deny` what is refused before either. */
  readonly kind: "allow" | "open" | "deny";
  /** What a call has to be, and to bring; all of it. */
  readonly lines: readonly string[];
}

/** Who may call what in a stack. */
export interface AccessGraph {
  readonly title: string;
  /** Namespace of the services. */
  readonly namespace: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

type Rule = AllowRule | DenyRule;

/** The graph of a stack, from its settings alone; nodes and edges in the order in which the settings name them. */
export function accessGraph(stack: string, s: Settings): AccessGraph {
  const calls = s.services.flatMap((service) => callsOf(s, service));
  const nodes = [
    outside,
    gatewayNode(s),
    ...s.services.map((service) => serviceNode(s, service)),
    ...calls.map(({ caller }) => caller),
    ...notes(s),
  ];
  return {
    title: `Stack ${shown(stack)}: who may call what (authorization ${modeText(s)})`,
    namespace: s.namespace,
    nodes: nodes.filter(({ id }, i) => nodes.findIndex((other) => other.id === id) === i),
    edges: [
      { from: outside.id, to: "gateway", kind: "allow", lines: [tlsText[s.gatewayTls]] },
      ...calls.map(({ caller, ...edge }) => ({ from: caller.id, ...edge })),
    ],
  };
}

const tlsText = {
  NONE: "HTTP, in plain text",
  SIMPLE: "HTTPS",
  MUTUAL: "HTTPS with a client certificate",
} as const;

function modeText(s: Settings): string {
  if (s.authorization === "off") return "off";
  if (s.authorization === "dry-run") return "dry-run: refused in the access log alone";
  const open = s.services.some((service) => !rolledOut(s, service.name));
  return `enforce: what has no arrow is refused${open ? ", but to what is open" : ""}`;
}

const outside: GraphNode = { id: "outside", kind: "outside", lines: ["clients outside"] };

function gatewayNode(s: Settings): GraphNode {
  return {
    id: "gateway",
    kind: "gateway",
    lines: ["gateway", s.host, `gatewayTls: ${s.gatewayTls}`],
  };
}

function serviceNode(s: Settings, { name }: ServiceSettings): GraphNode {
  // only - has to go: a name has letters and digits beside it
  const id = `service_${name.replaceAll("-", "_")}`;
  if (s.authorization === "off" || rolledOut(s, name))
    return { id, kind: "service", lines: [name] };
  const open = rolledOutAtGateway(s, name)
    ? ["open inside the mesh:", "the rollout has reached the gateway alone"]
    : ["open to everybody:", "the rollout has not reached it"];
  return { id, kind: "open", lines: [name, ...open] };
}

/** Nodes that say what arrows cannot. */
function notes(s: Settings): GraphNode[] {
  const note = (id: string, ...lines: string[]): GraphNode => ({ id, kind: "note", lines });
  return [
    ...(s.authorization === "off"
      ? [note("note_off", "authorization: off:", "every workload may call every service")]
      : []),
    ...(s.meshDefaultDeny
      ? [
          note(
            "note_mesh",
            "meshDefaultDeny:",
            "elsewhere in the mesh, too, nobody may call",
            "unless a policy says so",
          ),
        ]
      : []),
  ];
}

interface IncomingCall extends Omit<GraphEdge, "from"> {
  readonly caller: GraphNode;
}

/** Ways into a service: refused ones first, as the proxies ask. */
function callsOf(s: Settings, service: ServiceSettings): IncomingCall[] {
  const to = serviceNode(s, service).id;
  const prefix = prefixOf(service);
  const fromGateway = (lines: string[]): IncomingCall[] => [
    { caller: gatewayNode(s), to, kind: "open", lines },
  ];
  const inside = rolledOut(s, service.name);
  if (s.authorization === "off" || !(inside || rolledOutAtGateway(s, service.name)))
    return prefix === undefined ? [] : fromGateway([below(prefix)]);
  const exempt = exemptPaths(s, service);
  const reached = { service: inside, gateway: rolledOutAtGateway(s, service.name) };
  const byRule = (list: "allowFrom" | "denyFrom") =>
    (service[list] ?? [])
      // what stands where the rollout has not been is asked by nobody yet
      .filter((rule) => placesOf(list, rule).some((place) => reached[place]))
      .map((rule): IncomingCall => {
        const kind = list === "denyFrom" ? "deny" : "allow";
        const words = requestLines(service, rule);
        const lines = kind === "deny" ? ["deny", ...words] : words;
        return { caller: callerNode(s, rule), to, kind, lines };
      });
  return [
    ...byRule("denyFrom"),
    ...byRule("allowFrom"),
    ...(exempt.length > 0 ? fromGateway(["no token", ...joined(exempt), "any method"]) : []),
  ];
}

function callerNode(s: Settings, rule: Rule): GraphNode {
  const named = s.services.find(
    ({ name }) => name === rule.service || principalOf(name, s.namespace) === rule.principal,
  );
  if (named) return serviceNode(s, named);
  if (rule.gateway) return gatewayNode(s);
  const caller = (id: string, ...lines: string[]): GraphNode => ({ id, kind: "caller", lines });
  if (rule.namespace !== undefined)
    return caller(
      `namespace_${rule.namespace.replaceAll("-", "_")}`,
      `namespace ${rule.namespace}`,
      "every workload",
    );
  if (rule.principal === undefined) return caller("anybody", "anybody");
  const id = `principal_${strangers(s).indexOf(rule.principal) + 1}`;
  return caller(id, "principal", rule.principal);
}

/** Identities of others that rules name, each once. */
function strangers(s: Settings): string[] {
  const rules = s.services.flatMap((x): Rule[] => [...(x.denyFrom ?? []), ...(x.allowFrom ?? [])]);
  const own = s.services.map(({ name }) => principalOf(name, s.namespace));
  const named = rules.flatMap(({ principal }) => principal ?? []);
  return [...new Set(named)].filter((principal) => !own.includes(principal));
}

function requestLines(service: ServiceSettings, rule: Rule): string[] {
  const prefix = prefixOf(service);
  const ownPaths = rule.gateway && !rule.paths && prefix !== undefined ? [below(prefix)] : [];
  const lines = [
    ...joined(rule.methods ?? []),
    ...joined((rule.paths ?? []).map(shown)),
    ...ownPaths,
    ...joined(rule.rpcs ?? [], ", ", "rpc "),
    ...joined((rule.ports ?? []).map(String), ", ", "port "),
    ...joined(rule.version === undefined ? [] : [rule.version], "", "version "),
    ...tokenLines(rule),
    ...valueLines("header", rule.headers),
    ...joined(rule.remoteIpBlocks ?? [], " or ", "client at "),
  ];
  return lines.length > 0 ? lines : ["every request"];
}

function tokenLines(rule: Rule): string[] {
  if (!asksForToken(rule)) return [];
  const any = rule.claims ? "valid token" : "any valid token";
  return [
    rule.issuer === undefined ? any : `token of ${rule.issuer}`,
    ...valueLines("claim", rule.claims),
  ];
}

function valueLines(what: string, values: Readonly<Record<string, string[]>> = {}): string[] {
  return Object.entries(values).flatMap(([name, any]) =>
    joined(any.map(shown), " or ", `${what} ${shown(name)} = `),
  );
}

function below(prefix: string): string {
  return `${prefix} and below`;
}

/** Exempt paths that the gateway routes to a service. */
function exemptPaths(s: Settings, service: ServiceSettings): string[] {
  const prefix = prefixOf(service);
  if (prefix === undefined) return [];
  return s.authentication.exempt
    .filter((p) => p.startsWith("*") || p === prefix || p.startsWith(`${prefix}/`))
    .map(shown);
}
