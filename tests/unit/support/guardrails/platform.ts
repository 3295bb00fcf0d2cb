import { type Resource, resourceOf } from "../../../../policies/guardrails/resource.ts";

type Fields = Readonly<Record<string, unknown>>;

const apis: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  Role: "rbac.authorization.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
  PodDisruptionBudget: "policy/v1",
  NetworkPolicy: "networking.k8s.io/v1",
  MutatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  PeerAuthentication: "security.istio.io/v1",
  RequestAuthentication: "security.istio.io/v1",
  AuthorizationPolicy: "security.istio.io/v1",
  DestinationRule: "networking.istio.io/v1",
  Gateway: "networking.istio.io/v1",
  VirtualService: "networking.istio.io/v1",
  Sidecar: "networking.istio.io/v1",
  EnvoyFilter: "networking.istio.io/v1alpha3",
  WasmPlugin: "extensions.istio.io/v1alpha1",
  Telemetry: "telemetry.istio.io/v1",
  Rollout: "argoproj.io/v1alpha1",
};

/** An object: `kind namespace/name`, its fields, and what of its metadata is special. */
export function object(where: string, fields: Fields = {}, metadata: Fields = {}): Resource {
  const [kind, path] = where.split(" ") as [string, string];
  const [name, namespace] = path.split("/").reverse() as [string, string | undefined];
  const manifest = {
    apiVersion: apis[kind] ?? "v1",
    kind,
    metadata: { name, ...(namespace && { namespace }), ...metadata },
    ...fields,
  };
  return resourceOf(manifest);
}

/** The same with a spec alone. */
export const spec = (where: string, fields: Fields, metadata: Fields = {}) =>
  object(where, { spec: fields }, metadata);

/** A resource of Pulumi's own kinds. */
export function pulumi(type: string, name: string, props: Fields, more: Fields = {}): Resource {
  return { type, name, props, urn: `urn:pulumi:dev::bank::${type}::${name}`, ...more };
}

export const hard = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

export const image = `bankmesh.local/echo@sha256:${"a".repeat(64)}`;

/** A container without a flaw, but for what is named. */
export const container = (fields: Fields = {}) => ({
  ...{ name: "app", image, securityContext: hard },
  ports: [{ containerPort: 8080 }],
  resources: { requests: { cpu: "5m", memory: "16Mi" }, limits: { memory: "32Mi" } },
  ...{ readinessProbe: {}, livenessProbe: {} },
  ...fields,
});

/** A workload of the bank: pod fields, template metadata, Deployment fields. */
export function workload(name: string, pod: Fields = {}, template: Fields = {}, more: Fields = {}) {
  const labels = { app: name };
  return spec(`Deployment bank/${name}`, {
    ...{ replicas: 2, ...more },
    template: {
      metadata: { labels, ...template },
      spec: {
        ...{ serviceAccountName: `${name}-sa`, automountServiceAccountToken: false },
        containers: [container()],
        ...pod,
      },
    },
  });
}

/** The gateway's pods, with the proxy configuration that they are given. */
export const gatewayPods = (config?: string) =>
  spec("Deployment istio-system/istio-ingressgateway", {
    template: {
      metadata: {
        labels: { istio: "ingressgateway" },
        annotations: {
          "inject.istio.io/templates": "gateway",
          ...(config && { "proxy.istio.io/config": config }),
        },
      },
      spec: { serviceAccountName: "gateway", containers: [{ name: "istio-proxy", image: "auto" }] },
    },
  });

/** istiod, with environment and arguments. */
export const istiod = (env: Fields[] = [], args: string[] = []) =>
  spec("Deployment istio-system/istiod", {
    template: {
      metadata: { labels: { istio: "pilot", "sidecar.istio.io/inject": "false" } },
      spec: { serviceAccountName: "istiod", containers: [container({ env, args })] },
    },
  });

export const mesh = (yaml: string) =>
  object("ConfigMap istio-system/istio", { data: { mesh: yaml } });

export const atGateway = { selector: { matchLabels: { istio: "ingressgateway" } } };
export const users = { selector: { matchLabels: { app: "users" } } };
export const bank = object("Namespace bank", {}, { labels: { "istio-injection": "enabled" } });
export const gateway = (...servers: Fields[]) =>
  spec("Gateway bank/gw", { selector: { istio: "ingressgateway" }, servers });
export const https = (tls: Fields = {}, hosts = ["./app.local"]) => ({
  port: { number: 443, name: "https", protocol: "HTTPS" },
  ...{
    hosts,
    tls: { mode: "SIMPLE", credentialName: "edge", minProtocolVersion: "TLSV1_2", ...tls },
  },
});
export const http = {
  port: { number: 80, name: "http", protocol: "HTTP" },
  hosts: ["./app.local"],
};
