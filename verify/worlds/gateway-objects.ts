import {
  gatewayReadiness,
  smallResources,
  trustedProxyAnnotations,
} from "../../components/istio-values.ts";
import type { KubernetesObject } from "../../manifests/object.ts";
import { credentialNames } from "../../policies/routing.ts";
import type { GatewayProxy } from "../../policies/gateway.ts";
import type { Settings } from "../../settings/index.ts";
import type { Certificate } from "../certificates.ts";
import { lifetimeSeconds, runLabel } from "../callers/objects.ts";

const name = "gateway";
/** Ports of the gateway's Service; the names say what they are for. */
const ports = { http: 80, https: 443, "second-https": 444 } as const;
/** The second port for TLS, for what would hold up others on the first. */
export const secondHttpsPort = ports["second-https"];

/** Which proxy is the gateway of a world. */
export function worldGateway(namespace: string): GatewayProxy {
  return {
    ...{ namespace, app: name },
    // Gateway objects select pods of all namespaces
    selector: { istio: namespace },
    principal: `cluster.local/ns/${namespace}/sa/${name}`,
  };
}

/** The gateway's Service, found by its run. Kubernetes picks the node ports. */
export function gatewayService(
  { namespace, app, selector }: GatewayProxy,
  run: string,
): KubernetesObject {
  return {
    ...{ apiVersion: "v1", kind: "Service" },
    metadata: { name, namespace, labels: { app, [runLabel]: run } },
    spec: {
      type: "NodePort",
      selector: { ...selector },
      ports: Object.entries(ports).map(([port, number]) => ({
        ...{ name: port, port: number, targetPort: number, protocol: "TCP" },
      })),
    },
  };
}

/** Node ports of the Service, by what they are for. */
export function nodePortsOf(service: KubernetesObject) {
  const { ports: found } = service.spec as { ports: { name: string; nodePort: number }[] };
  const of = (wanted: keyof typeof ports) => found.find((p) => p.name === wanted)!.nodePort;
  return { httpPort: of("http"), httpsPort: of("https"), secondHttpsPort: of("second-https") };
}

/** The gateway's pod, as its chart makes it, and what lets istiod hand it its secrets. */
export function gatewayObjects(
  gateway: GatewayProxy,
  { trustedProxies }: Pick<Settings, "trustedProxies">,
): KubernetesObject[] {
  const { namespace, app, selector } = gateway;
  const metadata = { name, namespace };
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      ...{ apiVersion: `${rbac}/v1`, kind: "Role", metadata },
      rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "watch", "list"] }],
    },
    {
      ...{ apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata },
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name }],
    },
    {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: {
        ...metadata,
        labels: { ...selector, app, "sidecar.istio.io/inject": "true" },
        annotations: {
          "inject.istio.io/templates": "gateway",
          ...(trustedProxies > 0 && trustedProxyAnnotations(trustedProxies)),
        },
      },
      spec: {
        serviceAccountName: name,
        activeDeadlineSeconds: lifetimeSeconds,
        terminationGracePeriodSeconds: 1,
        securityContext: {
          sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
        },
        containers: [
          {
            ...{ name: "istio-proxy", image: "auto", imagePullPolicy: "IfNotPresent" },
            securityContext: {
              ...{ capabilities: { drop: ["ALL"] }, allowPrivilegeEscalation: false },
              ...{ privileged: false, readOnlyRootFilesystem: true, runAsNonRoot: true },
            },
            resources: smallResources.gateway,
            readinessProbe: gatewayReadiness,
          },
        ],
      },
    },
  ];
}

/** The secrets by which a gateway shows a certificate, and in MUTUAL asks for one of the CA. */
export function credentialObjects(
  { namespace }: GatewayProxy,
  { certPem, keyPem }: Certificate,
  caPem: string,
): KubernetesObject[] {
  const own = { "tls.crt": certPem, "tls.key": keyPem };
  return [
    secret(credentialNames.SIMPLE, namespace, own),
    secret(credentialNames.MUTUAL, namespace, { ...own, "ca.crt": caPem }),
  ];
}

/** A secret, from text. */
export function secret(
  of: string,
  namespace: string,
  stringData: Readonly<Record<string, string>>,
): KubernetesObject {
  return {
    ...{ apiVersion: "v1", kind: "Secret", type: "Opaque" },
    metadata: { name: of, namespace },
    stringData: { ...stringData },
  };
}
