import { AccessControl } from "../../../components/access-control.ts";
import { Bank, bankRoutes } from "../../../components/bank.ts";
import { BankNamespace } from "../../../components/bank-namespace.ts";
import { Clients } from "../../../components/clients.ts";
import { IngressGateway } from "../../../components/ingress-gateway.ts";
import { gatewayValues, meshConfig } from "../../../components/istio-values.ts";
import { MeshSecurity } from "../../../components/mesh-security.ts";
import type { Manifest } from "../../../meaning/manifests/objects.ts";
import { type Platform, platformOf } from "../../../meaning/manifests/platform.ts";
import type { Settings } from "../../../settings/index.ts";
import { type Json, record } from "./mocks.ts";
import { airgap, settings } from "./settings.ts";

const place = { file: "test.yaml", line: 1 };

/** An object as a file would have it. */
export function manifest(
  kind: string,
  name: string,
  spec: object = {},
  more: { namespace?: string; labels?: object; annotations?: object; apiVersion?: string } = {},
): Manifest {
  const { apiVersion = versionOf(kind), namespace = "bank", ...metadata } = more;
  const object = { apiVersion, kind, metadata: { name, namespace, ...metadata }, spec };
  return { ...object, place } as Manifest;
}

function versionOf(kind: string): string {
  if (["Namespace", "Service", "Pod", "ConfigMap"].includes(kind)) return "v1";
  if (kind === "Deployment") return "apps/v1";
  if (kind === "EnvoyFilter") return "networking.istio.io/v1alpha3";
  const security = ["PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy"];
  return `${security.includes(kind) ? "security" : "networking"}.istio.io/v1`;
}

/** Pods of one kind. */
export function deployment(name: string, template: Json = {}, namespace = "bank"): Manifest {
  const labels = { app: name, ...template.labels };
  return manifest(
    "Deployment",
    name,
    {
      template: {
        metadata: { labels, annotations: template.annotations ?? {} },
        spec: {
          serviceAccountName: `${name}-sa`,
          containers: [{ ports: [{ containerPort: 8080 }] }],
        },
      },
    },
    { namespace },
  );
}

/** A Service that leads from 80 to the container's 8080. */
export function service(name: string, port: Json = {}, namespace = "bank"): Manifest {
  const ports = [{ name: "http", port: 80, targetPort: 8080, ...port }];
  return manifest("Service", name, { selector: { app: name }, ports }, { namespace });
}

/** A namespace whose pods get sidecars. */
export function injected(
  name = "bank",
  labels: object = { "istio-injection": "enabled" },
): Manifest {
  return { ...manifest("Namespace", name, {}, { labels }), metadata: { name, labels } as Json };
}

/** The gateway's pods and Service, as its chart makes them. */
export function gatewayObjects(): Manifest[] {
  const labels = { app: "istio-ingressgateway", istio: "ingressgateway" };
  const { service: values } = gatewayValues(
    { istio: settings().istio, sources: airgap.istio },
    { type: "ClusterIP" },
  ) as Json;
  const name = "istio-ingressgateway";
  const namespace = "istio-system";
  const metadata = {
    labels: { ...labels, "sidecar.istio.io/inject": "true" },
    annotations: { "inject.istio.io/templates": "gateway" },
  };
  return [
    manifest(
      "Deployment",
      name,
      { template: { metadata, spec: { serviceAccountName: name, containers: [{}] } } },
      { namespace },
    ),
    manifest("Service", name, { selector: labels, ports: values.ports }, { namespace }),
  ];
}

/** A Gateway of that one for plain HTTP, and a route from it to users. */
export function usersRoute(): Manifest[] {
  return [
    manifest("Gateway", "gw", {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*.local"] }],
    }),
    manifest("VirtualService", "vs", {
      ...{ hosts: ["app.local"], gateways: ["gw"] },
      http: [{ route: [{ destination: { host: "users", port: { number: 80 } } }] }],
    }),
  ];
}

/** istiod's settings of the mesh. */
export function meshSettings(mesh: Json = {}): Manifest {
  const data = { mesh: JSON.stringify({ rootNamespace: "istio-system", ...mesh }) };
  return { ...manifest("ConfigMap", "istio", {}, { namespace: "istio-system" }), data };
}

/** Objects that the program makes for a stack, those of Istio's charts in short. */
export async function stackObjects(s: Settings): Promise<Manifest[]> {
  const keySets = Object.fromEntries(s.authentication.issuers.map((i) => [i.name, '{"keys":[]}']));
  const ready = { namespaceReady: [], podsMayStart: () => [], inCluster: {} as never };
  const recording = await record(() => {
    new BankNamespace("bank", { namespace: s.namespace });
    new AccessControl("access", { ...s, keySets });
    new Bank("bank-services", { ...s, ...ready, echoImage: "echo" });
    new Clients("clients", { ...s, curlImage: "curl", podsMayStart: [] });
    new MeshSecurity("security", s);
    const certificates = { clientCaPem: "ca", serverCertPem: "cert", serverKeyPem: "key" };
    new IngressGateway("edge", {
      ...{ ...s, ...certificates, sources: airgap.istio },
      ...{ service: { type: "ClusterIP" }, routes: bankRoutes(s), routesAfter: [] },
    } as Json);
  });
  const made = recording.resources
    .filter(({ type, remote }) => type.startsWith("kubernetes:") && !remote)
    .map(({ inputs }) => ({ ...(inputs as Json), place }) as Manifest)
    .filter(({ kind }) => kind !== "Secret");
  return [...made, ...gatewayObjects(), meshSettings(meshConfig(s.istio))];
}

/** The platform of a stack. */
export async function stackPlatform(s: Settings): Promise<Platform> {
  return platformOf(await stackObjects(s));
}
