// What cases are made of: each with what it needs to be without a flaw, but for what is named.
import type { Resource } from "../../../../policies/guardrails/resource.ts";
import {
  container,
  gateway,
  http,
  istiod,
  object,
  pulumi,
  spec,
  users,
  workload,
} from "./platform.ts";

export const peer = (mtls: object, more: object = {}, ns = "bank") =>
  spec(`PeerAuthentication ${ns}/default`, { ...mtls, ...more });
export const strict = { mtls: { mode: "STRICT" } };
export const dials = (fields: object) =>
  spec("DestinationRule bank/d", { host: "a.bank", ...fields });
export const tls = (fields: object) => ({ trafficPolicy: { tls: fields } });
export const ca = { caCertificates: "/ca", sni: "a" };
export const allow = (rules: object[], more: object = {}, ns = "bank") =>
  spec(`AuthorizationPolicy ${ns}/allow`, { ...users, rules, ...more });
export const denyAll = spec("AuthorizationPolicy bank/default-deny", {});
export const caller = {
  from: [{ source: { principals: ["cluster.local/ns/bank/sa/orders-sa"] } }],
};
export const get = { to: [{ operation: { methods: ["GET"] } }] };
export const when = (...keys: string[]) => ({ when: keys.map((key) => ({ key, values: ["a"] })) });
export const asks = { from: [{ source: { requestPrincipals: ["https://i/*"] } }], ...get };
export const jwt = (fields: object, more: object = users, ns = "bank") =>
  spec(`RequestAuthentication ${ns}/tokens`, {
    ...more,
    jwtRules: [
      {
        ...{ issuer: "https://i", audiences: ["bank"], jwks: '{"keys":[]}' },
        fromHeaders: [{ name: "Authorization", prefix: "Bearer " }],
        ...fields,
      },
    ],
  });
export const app = workload("users");
export const podNamed = (pod: object, template: object = {}) => [
  workload("users", { ...pod }, { ...template }),
];
export const one = (fields: object) => podNamed({ containers: [container({ ...fields })] });
export const service = (port: object, more: object = {}) =>
  spec("Service bank/users", {
    selector: { app: "users" },
    ports: [{ port: 80, ...port }],
    ...more,
  });
export const routes = (fields: object) =>
  spec("VirtualService bank/vs", {
    ...{ hosts: ["app.local"], gateways: ["gw"], exportTo: ["istio-system"] },
    ...fields,
  });
export const redirect = { match: [{ port: 80 }], redirect: { scheme: "https" } };
export const leaf = (name: string, props: object, dependencies: string[] = []) =>
  pulumi(
    "tls:index/locallySignedCert:LocallySignedCert",
    name,
    { validityPeriodHours: 100, earlyRenewalHours: 10, allowedUses: ["server_auth"], ...props },
    { dependencies },
  );
export const root = (name: string, props: object = {}) =>
  pulumi("tls:index/selfSignedCert:SelfSignedCert", name, {
    ...{
      isCaCertificate: true,
      allowedUses: ["cert_signing"],
      validityPeriodHours: 9000,
      ...props,
    },
  });
export const key = (props: object, secretOutputs = ["privateKeyPem"]) =>
  pulumi("tls:index/privateKey:PrivateKey", "k", { ...props }, { secretOutputs });
export const request = pulumi("tls:index/certRequest:CertRequest", "r", {
  dnsNames: ["app.local"],
});
export const filter = (fields: object, match: object, value: object = {}, metadata: object = {}) =>
  spec(
    "EnvoyFilter istio-system/f",
    { ...fields, configPatches: [{ match, patch: { value } }] },
    { ...metadata },
  );
export const owned = { labels: { "app.kubernetes.io/managed-by": "bank" } };
export const version = { proxy: { proxyVersion: "^1\\.31\\." } };
export const wasm = (fields: object) =>
  spec("WasmPlugin bank/w", { url: `oci://docker.io/a/b@sha256:${"a".repeat(64)}`, ...fields });
export const chart = (name: string, v: string) =>
  object(
    `ServiceAccount istio-system/${name}`,
    {},
    { labels: { "helm.sh/chart": `${name}-${v}` } },
  );
export const guarded = istiod(
  [{ name: "ENABLE_DEBUG_ON_HTTP", value: "false" }],
  ['--grpcAddr=""'],
);
export const restricted = Object.fromEntries(
  ["enforce", "warn", "audit"].map((m) => [`pod-security.kubernetes.io/${m}`, "restricted"]),
);
export const secret = (where: string, ...keys: string[]) =>
  object(`Secret ${where}`, { data: Object.fromEntries(keys.map((k) => [k, "x"])) });
export const binding = (account: string, roleRef: object = { kind: "Role", name: "r" }) =>
  object("RoleBinding bank/b", {
    roleRef,
    subjects: [{ kind: "ServiceAccount", name: account }],
  });
export const role = (resource: string) =>
  object("Role bank/r", { rules: [{ apiGroups: [""], resources: [resource], verbs: ["get"] }] });
/** A filter that refuses tokens without an expiry; what of its patch and of the rest of its spec is special. */
export const expiryFilter = (patch: object = {}, more: object = {}) => {
  const subFilter = { name: "envoy.filters.http.jwt_authn" };
  const typed_config = {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
    providers: { a: { issuer: "https://i", require_expiration: true } },
  };
  const configPatch = {
    applyTo: "HTTP_FILTER",
    match: { context: "SIDECAR_INBOUND", listener: { filterChain: { filter: { subFilter } } } },
    patch: { operation: "MERGE", value: { typed_config } },
  };
  return spec("EnvoyFilter istio-system/f", {
    configPatches: [{ ...configPatch, ...patch }],
    ...more,
  });
};
export const serverUrn = root("a").urn!;
export const edge = (urn: string | undefined) => ({
  ...urnOf(gateway(http)),
  dependencies: urn ? [urn] : [],
});
export const urnOf = (resource: Resource) => ({ ...resource, urn: `urn:${resource.name}` });
export const control = urnOf(istiod());
export const limit = (name: string) =>
  filter(
    {},
    { context: "GATEWAY", routeConfiguration: { vhost: { route: { name } } } },
    { name: "local_ratelimit" },
  );
