import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { bankRoutes } from "../components/bank.ts";
import { deployment, serviceAccount, serviceObject } from "../components/bank-service.ts";
import { baseValues, gatewayValues, istiodValues } from "../components/istio-values.ts";
import { gatewayNodePorts, kindConfig } from "../components/kind-cluster.ts";
import { namespaceMtls } from "../policies/mtls.ts";
import { gatewaySpec, virtualServiceSpec } from "../policies/routing.ts";
import type { ServiceSettings, Settings } from "../settings/index.ts";
import type { ChartSource, Sources } from "../sources/index.ts";
import { accessObjects } from "./access-objects.ts";

/** Writes what the shell route applies: the same charts, values and objects that the program makes, as files. */
export function writeManifests(folder: string, settings: Settings, sources: Sources): void {
  const write = (file: string, text: string) => fs.writeFileSync(path.join(folder, file), text);
  const values = { istio: settings.istio, sources: sources.istio };
  const { charts } = sources.istio;
  const service = { type: "NodePort", nodePorts: gatewayNodePorts } as const;
  const node = { nodeImage: sources.node.image, imageRepository: sources.node.imageRepository! };
  fs.mkdirSync(folder, { recursive: true });
  write("kind.yaml", kindConfig({ ...settings, ...node }));
  write("base.yaml", stringify(baseValues(values)));
  write("istiod.yaml", stringify(istiodValues(values)));
  write("gateway.yaml", stringify(gatewayValues(values, service)));
  for (const chart of ["base", "istiod", "gateway"] as const)
    write(`${chart}.chart`, chartWords(charts[chart], sources.istio.version));
  const { echo } = sources.images;
  write("bank.yaml", documents(bank(settings.namespace, settings.services, echo)));
  write("mesh.yaml", documents(mesh(settings)));
}

/** What `helm install <release>` wants to know of a chart. */
function chartWords({ chart, repo }: ChartSource, version: string): string {
  return repo === undefined ? chart : `${chart} --repo ${repo} --version ${version}`;
}

/** The objects of the bank and of its security, those of Istio's charts apart. */
export function stackObjects(s: Settings, echoImage: string): object[] {
  return [...mesh(s), ...bank(s.namespace, s.services, echoImage)];
}

function mesh(s: Settings): object[] {
  const networking = (kind: string, name: string, spec: object) => ({
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: { name, namespace: s.namespace },
    spec,
  });
  const routes = bankRoutes(s);
  return [
    namespace(s.namespace),
    {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: s.namespace },
      spec: namespaceMtls(s.mtlsMode),
    },
    networking("Gateway", "bank-gw", gatewaySpec(s.gatewayTls, s.host)),
    networking(
      "VirtualService",
      "bank-vs",
      virtualServiceSpec({ ...s, gatewayName: "bank-gw", routes }),
    ),
    ...(s.authorization === "off" ? [] : access(s)),
  ];
}

/** Who may call what, with a key that nobody signs with. */
function access(s: Settings): object[] {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1" }] });
  return accessObjects(s, Object.fromEntries(s.authentication.issuers.map((i) => [i.name, keys])));
}

function namespace(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "istio-injection": "enabled" } },
  };
}

function bank(name: string, services: readonly ServiceSettings[], echoImage: string): object[] {
  return services.flatMap((service) => {
    const args = { service, namespace: name, echoImage };
    return [
      { apiVersion: "v1", kind: "ServiceAccount", ...serviceAccount(args) },
      { apiVersion: "v1", kind: "Service", ...serviceObject(args) },
      { apiVersion: "apps/v1", kind: "Deployment", ...deployment(args) },
    ];
  });
}

function documents(objects: readonly object[]): string {
  return objects.map((o) => stringify(o)).join("---\n");
}
