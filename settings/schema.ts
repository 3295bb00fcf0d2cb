import { z } from "zod";
import {
  allowSchema,
  authenticationSchema,
  authorizationModes,
  denySchema,
  rolloutSchema,
} from "./access-schema.ts";
import {
  caBundle,
  count,
  dnsLabel,
  dnsName,
  duration,
  image,
  oneOf,
  port,
  portText,
  prefix,
  prefixText,
  resources,
  seconds,
  serviceName,
  someText,
  versionLabel,
} from "./values.ts";

export const mtlsModes = ["PERMISSIVE", "STRICT", "DISABLE"] as const;
export const gatewayTlsModes = ["NONE", "SIMPLE", "MUTUAL"] as const;
export const clusterKinds = ["kind", "existing"] as const;
export const serviceTypes = ["NodePort", "LoadBalancer", "ClusterIP"] as const;
/** Prefixes by which Istio learns the protocol of a Service port. */
export const protocols = ["http", "http2", "grpc", "tcp", "tls", "https"] as const;

/** Servers that each route brings beside the echo server. */
export const sourceImages = ["nginx", "httpd", "istio-app"] as const;

/** How workloads receive traffic: PERMISSIVE takes plaintext and mTLS, STRICT mTLS alone, DISABLE plaintext alone. */
export type MtlsMode = (typeof mtlsModes)[number];
/** What the gateway asks for: nothing, its own certificate (SIMPLE), the client's too (MUTUAL). */
export type GatewayTls = (typeof gatewayTlsModes)[number];

const servicePort = z.strictObject({
  /** Name of the port; Istio reads the protocol from its first part. */
  name: serviceName.optional(),
  /** Port of the Service. */
  port,
  /** Port of the container. */
  targetPort: port,
  /** What is spoken on it. */
  protocol: oneOf(protocols),
});

const folderText = "the path of a folder such as /var/cache/nginx";
const folder = z
  .string({ error: folderText })
  .regex(/^(\/[A-Za-z0-9._-]+)+$/, { error: folderText });

const attemptsText = "0 to 10 attempts";

/** One service of the bank, as stack config has it. */
export const serviceSchema = z.strictObject({
  name: serviceName,
  image: image.optional(),
  /** An image that each route brings, instead of one by name. */
  sourceImage: oneOf(sourceImages).optional(),
  /** Folders that the image writes to; everything else is read-only. */
  writablePaths: z.array(folder).min(1, { error: "at least one folder" }).optional(),
  ports: z.array(servicePort).min(1, { error: "at least one port" }).optional(),
  environment: z
    .record(z.string(), z.string({ error: "text; quote numbers and true/false" }))
    .optional(),
  resources: resources.optional(),
  healthPath: z.string().regex(/^\//, { error: "a path that starts with /" }).optional(),
  replicas: count.optional(),
  version: versionLabel.optional(),
  prefix: z
    .union([prefix, z.literal(false)], { error: `${prefixText}, or false for no route` })
    .optional(),
  timeout: duration.optional(),
  retries: z
    .strictObject({
      attempts: z
        .int({ error: attemptsText })
        .min(0, { error: attemptsText })
        .max(10, { error: attemptsText }),
      perTryTimeout: duration.optional(),
    })
    .optional(),
  requestHeaders: z.record(z.string(), z.string()).optional(),
  /** Who may call it, once authorization is on; nobody else may. */
  allowFrom: z.array(allowSchema).optional(),
  /** What is refused before that. */
  denyFrom: z.array(denySchema).optional(),
});

const hoursText = "a whole number of hours, at least 1";
const hours = z.int({ error: hoursText }).min(1, { error: hoursText });

/** Certificates of the edge: keys, validity, renewal. */
export const pkiSchema = z.strictObject({
  algorithm: oneOf(["RSA", "ECDSA"]).default("RSA"),
  rsaBits: z.literal([2048, 3072, 4096], { error: "2048, 3072 or 4096" }).default(2048),
  ecdsaCurve: oneOf(["P256", "P384"]).default("P256"),
  caValidityHours: hours.default(87600),
  leafValidityHours: hours.default(8760),
  renewalWindowHours: hours.default(720),
});

const workloadMtls = z.strictObject({
  service: serviceName,
  mode: oneOf(mtlsModes).optional(),
  /** Modes by container port. */
  ports: z.record(z.string().regex(/^\d+$/, { error: portText }), oneOf(mtlsModes)).optional(),
});

/** Istio itself. */
export const istioSchema = z.strictObject({
  revision: dnsLabel.optional(),
  /** CAs that istiod trusts beside the public ones when it fetches issuers' keys. */
  jwksResolverExtraRootCA: caBundle.optional(),
  drainDuration: seconds.default("5s"),
  workloadCertTtlHours: hours.default(24),
  resources: z
    .strictObject({
      istiod: resources.optional(),
      gateway: resources.optional(),
      proxy: resources.optional(),
    })
    .default({}),
  gatewayReplicas: count.default(1),
});

/** Whom a DestinationRule is about: the bank's namespace, every host of the mesh, or some of the bank's services. */
export const destinationRuleScopes = ["namespace", "mesh", "services"] as const;

const destinationRule = z.strictObject({
  scope: oneOf(destinationRuleScopes).default("namespace"),
  /** Services of the bank that it is about, with scope services. */
  services: z.array(serviceName).default([]),
  /** Hosts that have no sidecar. */
  except: z
    .array(dnsName)
    .refine((hosts) => new Set(hosts).size === hosts.length, { error: "each host once" })
    .default([]),
});

const proxiesText = "0 to 10 proxies";

const gateText = "whole seconds from 5 to 600";

/** Whether an update waits until the mesh enforces what the stack says, and how long at most. */
const enforcementGate = z.strictObject({
  enabled: z.boolean({ error: "true or false" }).default(true),
  timeoutSeconds: z
    .int({ error: gateText })
    .min(5, { error: gateText })
    .max(600, { error: gateText })
    .default(60),
});

/** How a client gets its sidecar: not at all, by its namespace's label, or by a label of its own pod. */
export const injections = ["none", "namespace", "pod"] as const;

const client = z.strictObject({
  /** Name of its Deployment; its account is `<name>-sa`. */
  name: serviceName,
  /** Namespace of its own, beside the bank's. */
  namespace: dnsLabel,
  injection: oneOf(injections).default("namespace"),
});

/** Every key of a stack but the secrets, with its default. Most of the flat ones also stand in Pulumi.yaml. */
export const settingsSchema = z.strictObject({
  mtlsMode: oneOf(mtlsModes).default("PERMISSIVE"),
  meshMtlsMode: oneOf(mtlsModes).optional(),
  workloadMtls: z.array(workloadMtls).default([]),
  destinationRule: destinationRule.optional(),
  authorization: oneOf(authorizationModes).default("off"),
  authentication: authenticationSchema.prefault({}),
  rollout: rolloutSchema.prefault({}),
  meshDefaultDeny: z.boolean({ error: "true or false" }).default(false),
  gatewayTls: oneOf(gatewayTlsModes).default("SIMPLE"),
  cluster: oneOf(clusterKinds).default("kind"),
  clusterName: dnsLabel.max(40, { error: "at most 40 characters" }).default("istio-poc"),
  throwAway: z.boolean({ error: "true or false" }).default(false),
  workers: z
    .int({ error: "a whole number from 0" })
    .min(0, { error: "a whole number from 0" })
    .default(0),
  nodeImage: image.optional(),
  registryMirrors: z.record(z.string(), z.array(z.url({ error: "URLs of mirrors" }))).default({}),
  preloadImages: z.array(image).default([]),
  context: someText.optional(),
  gatewayServiceType: oneOf(serviceTypes).optional(),
  adopt: z.array(someText).default([]),
  namespace: dnsLabel.default("bank"),
  host: dnsName.default("app.local"),
  trustedProxies: z
    .int({ error: proxiesText })
    .min(0, { error: proxiesText })
    .max(10, { error: proxiesText })
    .default(0),
  httpPort: port.default(8080),
  httpsPort: port.default(8443),
  services: z
    .array(serviceSchema)
    .min(1, { error: "at least one service" })
    .default([{ name: "users" }, { name: "orders" }, { name: "payments" }]),
  clients: z.array(client).default([]),
  enforcementGate: enforcementGate.prefault({}),
  pki: pkiSchema.prefault({}),
  istio: istioSchema.prefault({}),
  echoImage: image.optional(),
  sources: someText.optional(),
});

/** Keys that hold secrets; they are checked apart, and never shown. */
export const secretKeys = ["caCertPem", "caKeyPem", "serverCertPem", "serverKeyPem"] as const;
export type SecretKey = (typeof secretKeys)[number];

export type Settings = z.infer<typeof settingsSchema>;
export type ServiceSettings = z.infer<typeof serviceSchema>;
export type ClientSettings = z.infer<typeof client>;
export type PkiSettings = z.infer<typeof pkiSchema>;
export type IstioSettings = z.infer<typeof istioSchema>;
export type WorkloadMtls = z.infer<typeof workloadMtls>;
export type ResourceSettings = z.infer<typeof resources>;
