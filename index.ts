import "./stack-traces.ts";
import { Bank, bankRoutes } from "./components/bank.ts";
import { cluster as makeCluster } from "./components/cluster.ts";
import { IngressGateway } from "./components/ingress-gateway.ts";
import { IstioMesh } from "./components/istio-mesh.ts";
import { MeshSecurity } from "./components/mesh-security.ts";
import * as outputs from "./components/outputs.ts";
import { Pki } from "./components/pki.ts";
import { previousCertificateLives } from "./components/previous-run.ts";
import { readConfig } from "./config.ts";

const { stack, settings, sources, own, now } = readConfig();
const { istio, namespace: bankNamespace } = settings;
const adoptNamespace = settings.adopt.includes("namespaces");

const pki = new Pki("pki", { ...own, ...settings, previous: previousCertificateLives(), now });
const cluster = makeCluster(settings, sources);
const { inCluster, kubeconfig: adminKubeconfig, namespaceAnnotations } = cluster;
const mesh = new IstioMesh(
  "mesh",
  {
    ...{
      istio,
      sources: sources.istio,
      kubeconfig: adminKubeconfig,
      adoptNamespace,
      namespaceAnnotations,
    },
    adoptIstio: settings.adopt.includes("istio"),
  },
  inCluster,
);
const bank = new Bank(
  "bank",
  {
    ...{
      namespace: bankNamespace,
      services: settings.services,
      adoptNamespace,
      namespaceAnnotations,
    },
    ...{
      echoImage: settings.echoImage ?? sources.images.echo,
      revision: istio.revision,
      injectorReady: mesh.ready,
    },
  },
  inCluster,
);
const inMesh = { ...inCluster, dependsOn: [...mesh.ready, ...bank.namespaceReady] };
const security = new MeshSecurity("security", settings, inMesh);
const gateway = new IngressGateway(
  "edge",
  {
    ...{ ...settings, ...pki.edge, istio, sources: sources.istio, service: cluster.gatewayService },
    routes: bankRoutes(bankNamespace, settings.services),
  },
  inMesh,
);

export const route = sources.route;
export const clusterName = cluster.name;
export const kubeconfig = adminKubeconfig;
export const istioVersion = mesh.version;
export const namespace = bank.namespace;
export const services = settings.services.map((service) => service.name);
export const mtlsMode = security.mtlsMode;
export const gatewayTls = gateway.gatewayTls;
export const host = settings.host;
export const endpoints = outputs.endpoints(settings);
export const howToCall = outputs.howToCall(stack, settings);
export const images = { ...sources.images, node: settings.nodeImage ?? sources.node.image };
export const caCertPem = pki.caCertPem;
export const clientCertPem = pki.clientCertPem;
export const clientKeyPem = pki.clientKeyPem;
export const certificates = pki.lives;
