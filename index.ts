import "./lean-sdk.ts";
import { AccessControl } from "./components/access-control.ts";
import { BankNamespace } from "./components/bank-namespace.ts";
import { Clients } from "./components/clients.ts";
import { Bank, bankRoutes } from "./components/bank.ts";
import { cluster as makeCluster } from "./components/cluster.ts";
import { EnforcementGate } from "./components/enforcement-gate.ts";
import { IngressGateway } from "./components/ingress-gateway.ts";
import { IstioMesh, istioNamespace } from "./components/istio-mesh.ts";
import { MeshSecurity } from "./components/mesh-security.ts";
import * as outputs from "./components/outputs.ts";
import { Pki } from "./components/pki.ts";
import { asksOf, previousRun } from "./components/previous-run.ts";
import { SigningKeys } from "./components/signing-keys.ts";
import { readConfig } from "./config.ts";
import { asksForPeerAddress } from "./policies/authorization.ts";

const { stack, settings, sources, own, now, images, adopts, testKey } = readConfig();
const istio = {
  istio: settings.istio,
  sources: sources.istio,
  adoptIstio: adopts("istio"),
  adoptNamespace: adopts(istioNamespace),
};

// the cluster first: everything waits for it, and keys keep a core busy
const cluster = makeCluster(settings, sources);
const previous = previousRun();
const pki = new Pki("pki", {
  ...{ ...own, ...settings, now },
  previous: previous.apply(({ certificates }) => certificates),
});
const { inCluster, gatewayService } = cluster;
const mesh = new IstioMesh("mesh", { ...cluster, ...istio }, inCluster);
const bankNamespace = new BankNamespace(
  "bank",
  {
    ...cluster,
    namespace: settings.namespace,
    adoptNamespace: adopts(settings.namespace),
    revision: settings.istio.revision,
  },
  inCluster,
);
const namespaceReady = bankNamespace.ready;
const inMesh = { ...inCluster, dependsOn: [...mesh.ready, ...namespaceReady] };
const { keySets, signing } = new SigningKeys("tokens", { ...settings.authentication, testKey });
const knownVersion = adopts("istio") ? undefined : sources.istio.version;
const access = new AccessControl(
  "access",
  { ...settings, keySets, istioVersion: knownVersion },
  inMesh,
);
const bank = new Bank("bank", {
  ...settings,
  inCluster,
  echoImage: images.echo,
  namespaceReady,
  podsMayStart: (service) => [...mesh.ready, ...access.policiesOf(service)],
});
if (settings.clients.length > 0)
  new Clients(
    "clients",
    {
      ...settings,
      ...cluster,
      curlImage: images.curl,
      revision: settings.istio.revision,
      podsMayStart: mesh.ready,
    },
    inCluster,
  );
const security = new MeshSecurity("security", settings, inMesh);
const routes = bankRoutes(settings);
const clients = {
  trustedProxies: settings.trustedProxies,
  peerAddress: asksForPeerAddress(settings),
};
const edge = {
  ...{ ...settings, ...clients, ...pki.edge, ...istio },
  ...{ service: gatewayService, routes, routesAfter: access.atGateway },
  // the first time there is nobody to be led astray, and nothing is gained by waiting
  servedAfter: previous.apply(({ services }) => (services ? bank.deployments : [])),
};
const gateway = new IngressGateway("edge", edge, inMesh);
const { kubeconfig: admin } = cluster;
const asks = previous.apply(asksOf);
const gate =
  settings.enforcementGate.enabled && admin
    ? new EnforcementGate(
        "gate",
        {
          ...{ kubeconfig: admin, settings, curlImage: images.curl, echoImage: images.echo },
          policies: [...access.policies, ...security.policies, ...gateway.objects],
          ...{
            deployments: bank.deployments,
            asks,
            client: { certPem: pki.clientCertPem, keyPem: pki.clientKeyPem },
          },
        },
        { dependsOn: [access, bank, security, gateway] },
      )
    : undefined;

export { images };
export const route = sources.route;
export const clusterName = cluster.name;
export const kubeconfig = admin;
export const istioVersion = mesh.version;
export const namespace = bank.namespace;
export const services = settings.services.map((service) => service.name);
export const mtlsMode = security.mtlsMode;
export const gatewayTls = gateway.gatewayTls;
export const authorization = access.authorization;
export const rollout = outputs.rollout(settings);
export const enforcement = gate?.enforcement ?? "not asked";
export const enforcementAsks = asks;
export const host = settings.host;
export const endpoints = outputs.endpoints(settings);
export const howToCall = outputs.howToCall(stack, settings);
export const caCertPem = pki.caCertPem;
export const clientCertPem = pki.clientCertPem;
export const clientKeyPem = pki.clientKeyPem;
export const certificates = pki.lives;
export const publicKeys = keySets;
export const signingKeys = signing;
