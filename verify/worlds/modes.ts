import { tokenObjects } from "../../manifests/access.ts";
import { routeObjects } from "../../manifests/bank.ts";
import type { KubernetesObject } from "../../manifests/object.ts";
import { type Settings, settingsSchema } from "../../settings/index.ts";
import { fallbackKey } from "../fallback-key.ts";
import { meshProbes } from "../probes/mesh.ts";
import { isStrict, operationProbes } from "../probes/operations.ts";
import { portProbes } from "../probes/ports.ts";
import { edgeProbes } from "../probes/edge.ts";
import { tokenProbes } from "../probes/tokens.ts";
import { addressPolicies, addressProbes } from "./addresses.ts";
import { edgeHostObjects, hosts } from "./edge-hosts.ts";
import { type WorldKeys, keySetOf } from "./keys.ts";
import { dialled, legacy, legacyObjects, mixedVersion, plainlyDialled } from "./legacy.ts";
import { brokenSecretProbes, edgeHostProbes } from "./probes/edge-hosts.ts";
import { issuerProbes, rotationProbes } from "./probes/issuers.ts";
import { countProbes, flipProbes, mixedProbes } from "./probes/transport.ts";
import { probesNamed } from "./select.ts";
import { type World, type WorldArgs, type WorldPlace, serviceHost } from "./world.ts";

/** Services by what they do: takes mTLS alone, both, plaintext alone. */
const strict = "strict";
const permissive = "permissive";
const plain = "plain";

const ports = (...targets: number[]) =>
  [8080, ...targets].map((targetPort, i) => ({
    ...{ port: 80 + i, targetPort, protocol: "http" as const },
  }));

/** Rules are logged alone, so that transport decides; the gateway asks for client certificates. */
function settings(place: WorldPlace): Settings {
  const { namespace, edge } = place;
  const common = { audiences: ["bank"] };
  return settingsSchema.parse({
    ...{ namespace, host: hosts.mutual, gatewayTls: "MUTUAL", authorization: "dry-run" },
    ...{ httpPort: edge.httpPort, httpsPort: edge.httpsPort },
    mtlsMode: "PERMISSIVE",
    destinationRule: {
      ...{ scope: "services", services: [dialled], except: [serviceHost(plainlyDialled, place)] },
    },
    workloadMtls: [
      { service: strict, mode: "STRICT", ports: { "8081": "DISABLE", "8082": "PERMISSIVE" } },
      { service: permissive, mode: "PERMISSIVE", ports: { "8081": "STRICT" } },
      { service: plain, mode: "DISABLE" },
    ],
    authentication: {
      issuers: [
        { name: "bank", issuer: "https://bank.verify.local", keyIds: ["w1"], ...common },
        { name: "turning", issuer: "https://turning.verify.local", keyIds: ["w1"], ...common },
        {
          ...{ name: "careless", issuer: "https://careless.verify.local", ...common },
          keyIds: [fallbackKey.kid],
        },
        {
          ...{ name: "gone", issuer: "https://gone.verify.local", ...common },
          // a Service without pods: every connection is refused at once
          jwksUri: `https://gone.${namespace}.svc.cluster.local/keys`,
        },
      ],
    },
    services: [
      {
        ...{ name: strict, ports: ports(8081, 8082) },
        allowFrom: [{ gateway: true, token: true, issuer: "bank" }],
      },
      { name: permissive, version: mixedVersion, ports: ports(8081) },
      { name: plain },
    ],
  });
}

/** The same with one-sided TLS, for the same services on another host of the gateway. */
const simple = (s: Settings): Settings => ({ ...s, gatewayTls: "SIMPLE", host: hosts.simple });

const keySets = ({ tokens: { first } }: WorldKeys) => ({
  ...{ bank: keySetOf(first), turning: keySetOf(first), careless: keySetOf(fallbackKey) },
});

function extras(args: WorldArgs): KubernetesObject[] {
  const { place, keys } = args;
  const names = { gateway: "simple-gw", routes: "simple-vs" };
  return [
    ...routeObjects(simple(settings(place)), names, place.gateway),
    ...edgeHostObjects(place, keys, { service: permissive, backend: `${legacy}-tls` }),
    ...legacyObjects(args, { inMesh: permissive, strict }),
    ...addressPolicies(place, permissive, hosts.mutual),
    {
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { name: "gone", namespace: place.namespace },
      spec: { selector: { app: "gone" }, ports: [{ port: 443 }] },
    },
  ];
}

/** The kubelet's own questions to pods that take mTLS alone; to others they say nothing. */
const kubeletProbes = probesNamed(operationProbes, "M17").map((probe) => ({
  ...probe,
  each: (s: Settings) => probe.each!(s).filter((name) => isStrict(s, name)),
}));

/** What transport makes of a call in each mode, with the kinds of hosts that a gateway may have. */
export const modesWorld: World = {
  name: "modes",
  settings,
  servers: { [strict]: [8081, 8082] },
  keySets,
  signingKeys: ({ tokens: { first, second } }) => ({
    ...{ bank: first, turning: first, gone: first },
    ...{ next: second, careless: fallbackKey, fallback: fallbackKey },
  }),
  callers: [],
  twinService: permissive,
  extras,
  steps: ({ place, keys }) => {
    const s = settings(place);
    const next = { ...keySets(keys), turning: keySetOf(keys.tokens.second) };
    return [
      {
        asks: () => [
          {
            settings: s,
            probes: [
              ...[...meshProbes, ...portProbes, ...edgeProbes, ...mixedProbes(place)],
              ...[...edgeHostProbes, ...issuerProbes(strict)],
              ...probesNamed(tokenProbes, "J2", "J22", "J22-plain"),
              ...[...addressProbes(permissive), ...kubeletProbes],
            ],
          },
          { settings: simple(s), probes: probesNamed(edgeProbes, "E1", "E5") },
          // the proxy waits a quarter of a minute for secrets that do not come before it opens their port
          { settings: s, probes: brokenSecretProbes, options: { patienceSeconds: 40 } },
        ],
      },
      {
        apply: tokenObjects(s, next, place.gateway),
        asks: () => [
          { settings: s, probes: [...rotationProbes(strict), ...flipProbes(permissive)] },
          { settings: s, probes: countProbes(strict) },
        ],
      },
    ];
  },
};
