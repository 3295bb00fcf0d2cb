import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { baseValues, gatewayValues, istiodValues } from "../components/istio-values.ts";
import { gatewayNodePorts, kindConfig } from "../components/kind-cluster.ts";
import { accessObjects } from "../manifests/access.ts";
import { mtlsObjects, routeObjects, serviceObjects } from "../manifests/bank.ts";
import type { Settings } from "../settings/index.ts";
import type { ChartSource, Sources } from "../sources/index.ts";

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
  write("bank.yaml", documents(serviceObjects(settings, echo)));
  write("mesh.yaml", documents(mesh(settings)));
}

/** What `helm install <release>` wants to know of a chart. */
function chartWords({ chart, repo }: ChartSource, version: string): string {
  return repo === undefined ? chart : `${chart} --repo ${repo} --version ${version}`;
}

/** The objects of the bank and of its security, those of Istio's charts apart. */
export function stackObjects(s: Settings, echoImage: string): object[] {
  return [...mesh(s), ...serviceObjects(s, echoImage)];
}

function mesh(s: Settings): object[] {
  return [
    namespace(s.namespace),
    ...mtlsObjects(s),
    ...routeObjects(s),
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

function documents(objects: readonly object[]): string {
  return objects.map((o) => stringify(o)).join("---\n");
}
