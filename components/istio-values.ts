import type { IstioSettings } from "../settings/index.ts";
import { noKeysThere } from "../settings/key-sources.ts";
import type { Sources } from "../sources/index.ts";

/** Values of one Helm chart. */
export type HelmValues = Record<string, unknown>;

/** What of a stack decides Istio's values. */
export interface IstioValuesArgs {
  readonly istio: IstioSettings;
  readonly sources: Sources["istio"];
}

/**
 * One line of the access log. Names what happened and who asked; never a header that can hold a token, nor the
 * query, which can hold one too.
 */
export const accessLogFormat: Readonly<Record<string, string>> = {
  start_time: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  authority: "%REQ(:AUTHORITY)%",
  path: "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  response_flags: "%RESPONSE_FLAGS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  downstream_peer_uri_san: "%DOWNSTREAM_PEER_URI_SAN%",
  downstream_peer_subject: "%DOWNSTREAM_PEER_SUBJECT%",
  downstream_tls_version: "%DOWNSTREAM_TLS_VERSION%",
  downstream_transport_failure_reason: "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  upstream_cluster: "%UPSTREAM_CLUSTER%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  route_name: "%ROUTE_NAME%",
  rbac: "%DYNAMIC_METADATA(envoy.filters.http.rbac)%",
  // the same of connections whose bytes are handed on
  rbac_network: "%DYNAMIC_METADATA(envoy.filters.network.rbac)%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  request_id: "%REQ(X-REQUEST-ID)%",
  user_agent: "%REQ(USER-AGENT)%",
};

// Small enough for 50 services on 2 cores beside kubeadm's own 850m; a stack for a real cluster sets its own.
export const smallResources = {
  istiod: { requests: { cpu: "50m", memory: "256Mi" } },
  gateway: { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "2000m", memory: "1024Mi" } },
  proxy: { requests: { cpu: "5m", memory: "40Mi" }, limits: { cpu: "2000m", memory: "1024Mi" } },
};

/**
 * The webhook of base refuses what istiod refuses from the start. istiod would flip Ignore to Fail by itself,
 * which a server-side apply then sees as drift (istio/istio#57643).
 */
const validation = { base: { validationFailurePolicy: "Fail" } };

/** Values of chart base. */
export function baseValues({ istio }: IstioValuesArgs): HelmValues {
  return { defaultRevision: istio.revision ?? "default", ...validation };
}

/**
 * A kubelet that has run for less than a probe's period puts the first one off, by up to that period; with Istio's 15 s
 * that makes pods of a new cluster ready ten seconds late. As there, a proxy is taken out after a minute without an
 * answer.
 */
const proxyReadiness = { readinessPeriodSeconds: 5, readinessFailureThreshold: 12 };

/** Values of chart istiod. */
export function istiodValues({ istio, sources }: IstioValuesArgs): HelmValues {
  const values: HelmValues = {
    ...validation,
    ...(istio.revision && { revision: istio.revision }),
    seccompProfile: { type: "RuntimeDefault" },
    global: {
      hub: sources.hub,
      tag: sources.tag,
      imagePullPolicy: "IfNotPresent",
      proxy: { resources: istio.resources.proxy ?? smallResources.proxy, ...proxyReadiness },
    },
    pilot: {
      autoscaleEnabled: false,
      deploymentAnnotations: { "config.kubernetes.io/depends-on": neededByIstiod(istio.revision) },
      resources: istio.resources.istiod ?? smallResources.istiod,
      env: {
        DEFAULT_WORKLOAD_CERT_TTL: `${istio.workloadCertTtlHours}h`,
        MAX_WORKLOAD_CERT_TTL: `${istio.workloadCertTtlHours}h`,
        BLOCKED_CIDRS_IN_JWKS_URIS: noKeysThere.join(","),
      },
    },
    meshConfig: meshConfig(istio),
    ...(istio.jwksResolverExtraRootCA && {
      jwksResolverExtraRootCA: istio.jwksResolverExtraRootCA,
    }),
  };
  return merge(values, sources.values);
}

/**
 * What has to be there before istiod's Deployment. Objects of a chart are made side by side; an istiod that starts
 * before its injector's ConfigMap never injects ("Skipping sidecar injector, template not found"), and a pod whose
 * account is missing is tried again only after a while.
 */
function neededByIstiod(revision: string | undefined): string {
  const suffix = revision ? `-${revision}` : "";
  return ["ConfigMap/istio", "ConfigMap/istio-sidecar-injector", "ServiceAccount/istiod"]
    .map((object) => `/namespaces/istio-system/${object}${suffix}`)
    .join(",");
}

/** How proxies read a path before anything is asked about it: a rule for /admin has to see //admin and %2Fadmin as well. */
export const pathNormalization = "DECODE_AND_MERGE_SLASHES";

/** Mesh-wide settings of Istio. */
export function meshConfig(istio: IstioSettings): HelmValues {
  return {
    accessLogFile: "/dev/stdout",
    accessLogEncoding: "JSON",
    accessLogFormat: JSON.stringify(accessLogFormat),
    pathNormalization: { normalization: pathNormalization },
    defaultConfig: {
      drainDuration: istio.drainDuration,
      holdApplicationUntilProxyStarts: true,
      proxyMetadata: { SECRET_TTL: `${istio.workloadCertTtlHours}h` },
    },
  };
}

/** How the gateway's Service is reached. */
export interface GatewayServiceArgs {
  readonly type: "NodePort" | "LoadBalancer" | "ClusterIP";
  /** Fixed node ports. @default chosen by Kubernetes */
  readonly nodePorts?: { readonly http: number; readonly https: number };
}

/**
 * The injected probe asks every 15 s, and one that comes before Envoy is up makes the gateway, and each `up`, that much
 * later. As there, the gateway is taken out after a minute without an answer.
 */
export const gatewayReadiness = {
  httpGet: { path: "/healthz/ready", port: 15021 },
  periodSeconds: 1,
  timeoutSeconds: 3,
  failureThreshold: 60,
};

/** The chart's own, and no system call that a proxy does not need: what is written here takes the place of all of it. */
const gatewayContext = {
  sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
  seccompProfile: { type: "RuntimeDefault" },
};

/** How the gateway learns a client's address. */
export interface ClientAddressArgs {
  /** Proxies in front of the gateway whose X-Forwarded-For is believed. @default 0 */
  readonly trustedProxies?: number;
  /** Whether rules ask for the address of who connects; nodes then may not put their own in its place. @default false */
  readonly peerAddress?: boolean;
}

/** Annotations by which a gateway's pod believes the nearest proxies. */
export function trustedProxyAnnotations(trustedProxies: number): Record<string, string> {
  const gatewayTopology = { numTrustedProxies: trustedProxies };
  return { "proxy.istio.io/config": JSON.stringify({ gatewayTopology }) };
}

/** Values of chart gateway. */
export function gatewayValues(
  { istio }: IstioValuesArgs,
  service: GatewayServiceArgs,
  { trustedProxies = 0, peerAddress = false }: ClientAddressArgs = {},
): HelmValues {
  const nodePort = (port?: number) => (port === undefined ? {} : { nodePort: port });
  return {
    ...(istio.revision && { revision: istio.revision }),
    autoscaling: { enabled: false },
    replicaCount: istio.gatewayReplicas,
    // the pod's image is "auto" until it is injected; with Always the node would try to pull that
    imagePullPolicy: "IfNotPresent",
    resources: istio.resources.gateway ?? smallResources.gateway,
    readinessProbe: gatewayReadiness,
    // read by the proxy at its start: as an annotation of the pod, a change of it replaces the pod
    podAnnotations: trustedProxyAnnotations(trustedProxies),
    securityContext: gatewayContext,
    ...(istio.gatewayReplicas > 1 && { podDisruptionBudget: { maxUnavailable: 1 } }),
    service: {
      type: service.type,
      ...(peerAddress && service.type !== "ClusterIP" && { externalTrafficPolicy: "Local" }),
      ports: [
        { name: "status-port", port: 15021, protocol: "TCP", targetPort: 15021 },
        {
          name: "http2",
          port: 80,
          protocol: "TCP",
          targetPort: 80,
          ...nodePort(service.nodePorts?.http),
        },
        {
          name: "https",
          port: 443,
          protocol: "TCP",
          targetPort: 443,
          ...nodePort(service.nodePorts?.https),
        },
      ],
    },
  };
}

/** Deep merge of plain values; the second wins. */
export function merge(a: HelmValues, b: HelmValues): HelmValues {
  const out: HelmValues = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const mine = out[key];
    out[key] = isMap(mine) && isMap(value) ? merge(mine, value) : value;
  }
  return out;
}

function isMap(value: unknown): value is HelmValues {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
