import type { KubernetesObject } from "../../manifests/object.ts";
import { type Settings, settingsSchema } from "../../settings/index.ts";
import { callerName } from "../callers/objects.ts";
import { differingPart, graphQuestions } from "../calls.ts";
import { accessProbes } from "../probes/access.ts";
import { pathProbes } from "../probes/paths.ts";
import { portProbes } from "../probes/ports.ts";
import { tokenProbes } from "../probes/tokens.ts";
import { type WorldKeys, keySetOf } from "./keys.ts";
import { hostPolicies, hostRuleProbes } from "./hosts.ts";
import { nakedObjects, sparedHost } from "./naked.ts";
import { lifetimeProbes } from "./probes/issuers.ts";
import { logProbesOf } from "../probes/logs.ts";
import { openedProbes, ruleProbes, secrecyProbes } from "./probes/rules.ts";
import { namespaceRuleProbes } from "./probes/transport.ts";
import { dotted, lookAlike, openingPolicy, ports, rulePolicies } from "./rule-objects.ts";
import { probesNamed, perRow } from "./select.ts";
import { type World, type WorldPlace, serviceHost } from "./world.ts";

/** The service with the rules, and the one that calls it. */
const guarded = "payments";
const calling = "orders";
/** The Service of a caller that no rule is about. */
const ruleless = "ruleless";

/** Host of the gateway. */
export const rulesHost = "rules.verify.local";

const write = { scope: "payments:write" };

/** Rules of every kind, enforced; the guarded service takes plaintext too, so that rules have to refuse it. */
function settings(place: WorldPlace): Settings {
  const { namespace, edge } = place;
  const http = (port: number, targetPort: number) => ({ port, targetPort, protocol: "http" });
  const bytes = (port: number) => ({ port, targetPort: port, protocol: "tcp" });
  return settingsSchema.parse({
    ...{ namespace, host: rulesHost, gatewayTls: "SIMPLE", authorization: "enforce" },
    ...{ httpPort: edge.httpPort, httpsPort: edge.httpsPort, trustedProxies: 1 },
    mtlsMode: "STRICT",
    destinationRule: { scope: "namespace", except: [sparedHost(place)] },
    workloadMtls: [
      { service: guarded, mode: "PERMISSIVE", ports: { [ports.strict]: "STRICT" } },
      { service: calling, ports: { [ports.permissive]: "PERMISSIVE" } },
    ],
    authentication: {
      requireExpiry: true,
      exempt: [`/${guarded}/health`],
      issuers: [
        {
          ...{ name: "bank", issuer: "https://bank.verify.local", audiences: ["bank"] },
          ...{ keyIds: ["w1"], claimHeaders: { "X-Jwt-Sub": "sub" } },
          // words apart by spaces; what is not named here is one text
          spaceDelimitedClaims: ["groups"],
        },
      ],
    },
    services: [
      {
        name: guarded,
        ports: [http(80, 8080), http(81, ports.strict)],
        allowFrom: [
          { gateway: true, methods: ["POST"], claims: write },
          { gateway: true, methods: ["POST"], claims: { role: "admin" } },
          { gateway: true, methods: ["GET"], token: true },
          { gateway: true, methods: ["GET"], paths: [`/${guarded}/public`] },
          { gateway: true, methods: ["GET"], paths: [`/${guarded}/batch/*`] },
          { gateway: true, methods: ["PUT"], claims: { groups: "audit" } },
          { gateway: true, methods: ["PUT"], claims: { teams: "audit" } },
          { gateway: true, methods: ["PATCH"], claims: { "realm.roles": "auditor" } },
          {
            ...{ gateway: true, methods: ["GET"], paths: [`/${guarded}/branch`] },
            remoteIpBlocks: ["198.51.100.0/24"],
          },
          { service: calling, methods: ["POST"], claims: write },
        ],
        denyFrom: [
          { gateway: true, paths: [`/${guarded}/internal/*`] },
          { gateway: true, headers: { "x-blocked": "yes" } },
        ],
      },
      {
        ...{ name: calling, prefix: false },
        ports: [
          http(80, ports.oneRule),
          http(81, ports.twoRules),
          http(82, ports.permissive),
          ...[ports.allowedByMethod, ports.allowedByPort, ports.refusedByMethod].map(bytes),
        ],
        // another pod of its account: the caller
        allowFrom: [{ service: calling, ports: [ports.permissive] }],
      },
    ],
  });
}

/** The Service of the caller with the service's account: a workload that no rule is about. */
function rulelessService({ run, namespace }: WorldPlace): KubernetesObject {
  return {
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: ruleless, namespace } },
    spec: {
      selector: { app: callerName(run, `as ${calling}`) },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    },
  };
}

/** What is asked of tokens, at the gateway. */
const tokenIds = [
  ...["J1", "J3", "J4", "J5", "J6", "J7", "J7-list", "J9", "J10", "J11", "J12", "J15"],
  ...["J18", "J18-space", "J18-query", "J19", "J23"],
];
/** Questions of the graph for each row. */
const perGraphRow = 4;
/**
 * What is asked beside them: HEAD, which reads as GET does and is another method, and somebody in the place of a workload
 * that the rules let in, for the first questions about callers have the gateway in that place.
 */
function always(s: Settings, item: string): boolean {
  const { call, control } = graphQuestions(s).get(item)!;
  if (call.method === "HEAD") return true;
  const besideWorkload = call.from.kind !== "outside" && control?.call.from.kind === "service";
  return besideWorkload && differingPart(call, control.call) === "caller";
}

/** Who may call what: each kind of rule, each kind of token, each spelling of a path. */
export const rulesWorld: World = {
  name: "rules",
  settings,
  servers: {
    [guarded]: [ports.strict],
    [calling]: [
      ...[ports.twoRules, ports.permissive],
      ...[ports.allowedByMethod, ports.allowedByPort, ports.refusedByMethod],
    ],
  },
  keySets: ({ tokens: { first } }: WorldKeys) => ({ bank: keySetOf(first) }),
  signingKeys: ({ tokens: { first } }) => ({ bank: first }),
  callers: [`as ${calling}`, `as ${dotted}`, `as ${lookAlike}`],
  ruleless: (place) => serviceHost(ruleless, place),
  extras: ({ place, ...args }) => [
    ...nakedObjects({ place, ...args }),
    ...[dotted, lookAlike].map((name) => account(name, place)),
    ...rulePolicies(place, { service: calling, guarded }),
    ...hostPolicies(place, { host: rulesHost, service: guarded }),
    rulelessService(place),
  ],
  steps: ({ place }) => {
    const s = settings(place);
    const ask = (probes: readonly Parameters<typeof perRow>[0][]) => ({ settings: s, probes });
    const [opened, closed] = openedProbes(place, calling);
    // Envoy lets clocks differ by 60 s; the answer turns a quarter of a minute after the first question
    let timeline: ReturnType<typeof lifetimeProbes> | undefined;
    const lifetime = () =>
      (timeline ??= lifetimeProbes(guarded, {}, Math.floor(Date.now() / 1000) - 45));
    return [
      { asks: () => [ask([lifetime()[0]])] },
      {
        asks: () => [
          ask([
            ...[
              ...probesNamed(tokenProbes, ...tokenIds),
              ...portProbes,
              ...namespaceRuleProbes(place),
            ],
            ...accessProbes.map((p) => (p.id === "A-graph" ? perRow(p, perGraphRow, always) : p)),
            ...[
              ...pathProbes,
              ...ruleProbes(place, calling, guarded),
              ...logProbesOf(() => guarded),
            ],
            ...hostRuleProbes(place, guarded),
          ]),
        ],
      },
      { apply: [openingPolicy(place, calling)], asks: () => [ask([opened, lifetime()[1]])] },
      {
        remove: ["authorizationpolicy/opening"],
        asks: () => [ask([closed, ...secrecyProbes])],
      },
    ];
  },
};

function account(name: string, { namespace }: WorldPlace): KubernetesObject {
  return {
    ...{ apiVersion: "v1", kind: "ServiceAccount", automountServiceAccountToken: false },
    metadata: { name: `${name}-sa`, namespace },
  };
}
