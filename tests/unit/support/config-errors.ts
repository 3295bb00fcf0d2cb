/** One wrong configuration and what the program says about it. */
export interface ConfigError {
  /** Values of the stack. */
  readonly raw: Record<string, unknown>;
  readonly key: string;
  /** The value as the message shows it. */
  readonly value: string;
  /** Part of what the message allows. */
  readonly allowed: string;
  readonly fix: string;
  /** Sources of the air-gapped route instead of the official ones. @default false */
  readonly airgap?: boolean;
}

const set = (key: string, value: string) => `pulumi config set --stack dev ${key} ${value}`;
export const setPath = (key: string, value: string) => set(`--path 'bankmesh:${key}'`, value);
const remove = (key: string) => `pulumi config rm --stack dev ${key}`;
export const removePath = (key: string) => remove(`--path 'bankmesh:${key}'`);

/** A wrong top-level value. */
function top(
  key: string,
  wrong: unknown,
  value: string,
  allowed: string,
  example = "<value>",
): ConfigError {
  return { raw: { [key]: wrong }, key, value, allowed, fix: set(key, example) };
}

/** A wrong value inside one. */
function nested(
  raw: Record<string, unknown>,
  key: string,
  value: string,
  allowed: string,
  example = "<value>",
): ConfigError {
  return { raw, key, value, allowed, fix: setPath(key, example) };
}

/** A wrong value inside the first service. */
function service(
  field: string,
  values: Record<string, unknown>,
  value: string,
  allowed: string,
  example = "<value>",
): ConfigError {
  const raw = { services: [{ name: "users", ...values }] };
  return nested(raw, `services[0].${field}`, value, allowed, example);
}

const http = { port: 80, targetPort: 8080, protocol: "http" };
const hours = "a whole number of hours, at least 1";
const image = "an image with a tag or digest that is not :latest";
const label = "a DNS label";
const duration = "a duration of seconds or milliseconds such as 30s or 500ms";
const dnsName = "a DNS name such as app.local, without scheme, port or wildcard";
const port = "a port from 1 to 65535";
const path = "a path such as /users";
const mtlsModes = "one of PERMISSIVE, STRICT, DISABLE";

const shapes: readonly ConfigError[] = [
  top("mtlsMode", "strict", '"strict"', mtlsModes, "STRICT"),
  top("meshMtlsMode", "ON", '"ON"', mtlsModes),
  top("gatewayTls", "TLS", '"TLS"', "one of NONE, SIMPLE, MUTUAL"),
  top("gatewayTls", "MUTAL", '"MUTAL"', "one of NONE, SIMPLE, MUTUAL", "MUTUAL"),
  top("cluster", "minikube", '"minikube"', "one of kind, existing"),
  top("clusterName", "Bad_Name", '"Bad_Name"', label),
  top("clusterName", "a".repeat(41), `"${"a".repeat(41)}"`, "at most 40 characters"),
  top("throwAway", "yes", '"yes"', "true or false"),
  top("throwAway", 1, "1", "true or false"),
  top("workers", -1, "-1", "a whole number from 0"),
  top("workers", 1.5, "1.5", "a whole number from 0"),
  top("workers", "many", '"many"', "a whole number from 0"),
  top("nodeImage", "kindest/node", '"kindest/node"', image),
  top("nodeImage", "kindest/node:latest", '"kindest/node:latest"', image),
  top("registryMirrors", ["docker.io"], '["docker.io"]', "a map"),
  nested(
    { registryMirrors: { "docker.io": ["nope"] } },
    'registryMirrors["docker.io"][0]',
    '"nope"',
    "URLs of mirrors",
  ),
  top("preloadImages", "nginx:1", '"nginx:1"', "a list"),
  nested({ preloadImages: ["nginx"] }, "preloadImages[0]", '"nginx"', image),
  top("context", "", '""', "text that is not empty"),
  top("gatewayServiceType", "External", '"External"', "one of NodePort, LoadBalancer"),
  top("namespace", "Bank", '"Bank"', label),
  top("namespace", "-a", '"-a"', label),
  top("host", "localhost", '"localhost"', dnsName),
  top("host", "https://app.local", '"https://app.local"', dnsName),
  top("host", "*.local", '"*.local"', dnsName),
  top("host", "App.local", '"App.local"', dnsName),
  top("host", `${"a".repeat(300)}.local`, `"${"a".repeat(56)}…`, dnsName),
  top("httpPort", 0, "0", port),
  top("httpPort", 65536, "65536", port),
  top("httpPort", "http", '"http"', port),
  top("httpsPort", 443.5, "443.5", port),
  top("echoImage", "echo", '"echo"', image),
  top("sources", "", '""', "text that is not empty"),
  top("services", [], "[]", "at least one service"),
  top("services", "users", '"users"', "a list"),
  top("pki", [], "[]", "a map"),
  nested({ pki: { algorithm: "DSA" } }, "pki.algorithm", '"DSA"', "one of RSA, ECDSA", "RSA"),
  nested({ pki: { rsaBits: 1024 } }, "pki.rsaBits", "1024", "2048, 3072 or 4096"),
  nested({ pki: { ecdsaCurve: "P521" } }, "pki.ecdsaCurve", '"P521"', "P256, P384"),
  nested({ pki: { caValidityHours: 0 } }, "pki.caValidityHours", "0", hours),
  nested({ pki: { leafValidityHours: 1.5 } }, "pki.leafValidityHours", "1.5", hours),
  nested({ pki: { renewalWindowHours: "x" } }, "pki.renewalWindowHours", '"x"', hours),
  nested({ istio: { revision: "R" } }, "istio.revision", '"R"', label),
  nested({ istio: { drainDuration: "5" } }, "istio.drainDuration", '"5"', "whole seconds"),
  nested({ istio: { drainDuration: "500ms" } }, "istio.drainDuration", '"500ms"', "whole seconds"),
  nested({ istio: { workloadCertTtlHours: 0 } }, "istio.workloadCertTtlHours", "0", hours),
  nested({ istio: { gatewayReplicas: 0 } }, "istio.gatewayReplicas", "0", "from 1 to 100"),
  nested(
    { istio: { resources: { proxy: { limits: { memory: "1 Gi" } } } } },
    "istio.resources.proxy.limits.memory",
    '"1 Gi"',
    "a Kubernetes quantity such as 50m or 64Mi",
  ),
  nested({ workloadMtls: [{ mode: "STRICT" }] }, "workloadMtls[0].service", "(not set)", label),
  nested(
    { workloadMtls: [{ service: "users", mode: "ON" }] },
    "workloadMtls[0].mode",
    '"ON"',
    mtlsModes,
  ),
  nested(
    { workloadMtls: [{ service: "users", ports: { http: "STRICT" } }] },
    "workloadMtls[0].ports.http",
    '"STRICT"',
    port,
  ),
  nested({ destinationRule: { except: ["x"] } }, "destinationRule.except[0]", '"x"', dnsName),
  nested(
    { destinationRule: { except: ["a.b", "a.b"] } },
    "destinationRule.except",
    '["a.b","a.b"]',
    "each host once",
  ),
];

const services: readonly ConfigError[] = [
  nested({ services: [{}] }, "services[0].name", "(not set)", label),
  service("name", { name: "Users" }, '"Users"', "starts with a letter, at most 50 characters"),
  service("name", { name: "1users" }, '"1users"', "starts with a letter"),
  service("image", { image: "bank/users" }, '"bank/users"', image),
  service("image", { image: "bank/users:latest" }, '"bank/users:latest"', image),
  service("ports", { ports: [] }, "[]", "at least one port"),
  service("ports[0].port", { ports: [{ ...http, port: 0 }] }, "0", port),
  service("ports[0].targetPort", { ports: [{ ...http, targetPort: "http" }] }, '"http"', port),
  service(
    "ports[0].protocol",
    { ports: [{ ...http, protocol: "udp" }] },
    '"udp"',
    "one of http, http2, grpc, tcp, tls, https",
    "tcp",
  ),
  service("ports[0].name", { ports: [{ ...http, name: "Web" }] }, '"Web"', label),
  service("environment.SIZE", { environment: { SIZE: 1 } }, "1", "text; quote numbers"),
  service(
    "resources.requests.cpu",
    { resources: { requests: { cpu: "lots" } } },
    '"lots"',
    "a Kubernetes quantity",
  ),
  service("healthPath", { healthPath: "health" }, '"health"', "a path that starts with /"),
  service("replicas", { replicas: 0 }, "0", "a whole number from 1 to 100"),
  service("replicas", { replicas: 101 }, "101", "a whole number from 1 to 100"),
  service("version", { version: "v 1" }, '"v 1"', "a label value such as v1"),
  service("prefix", { prefix: "users" }, '"users"', path),
  service("prefix", { prefix: "/users/" }, '"/users/"', path),
  service("prefix", { prefix: true }, "true", "or false for no route"),
  service("timeout", { timeout: "1m" }, '"1m"', duration),
  service("retries.attempts", { retries: {} }, "(not set)", "0 to 10 attempts"),
  service("retries.attempts", { retries: { attempts: 11 } }, "11", "0 to 10 attempts"),
  service(
    "retries.perTryTimeout",
    { retries: { attempts: 1, perTryTimeout: "x" } },
    '"x"',
    duration,
  ),
  service("requestHeaders.x-bank", { requestHeaders: { "x-bank": 1 } }, "1", "text"),
];

const unknownKeys: readonly ConfigError[] = [
  {
    raw: { services: [{ name: "users", port: 80 }] },
    key: "services[0].port",
    value: "80",
    allowed: "nothing: there is no such key; did you mean ports?",
    fix: "in Pulumi.dev.yaml, write ports for port in services[0]",
  },
  {
    raw: { istio: { resources: { ztunnel: {} } } },
    key: "istio.resources.ztunnel",
    value: "{}",
    allowed: "nothing: there is no such key",
    fix: removePath("istio.resources.ztunnel"),
  },
  {
    raw: { mtlsmode: "STRICT" },
    key: "mtlsmode",
    value: "set",
    allowed: "a key that exists; did you mean mtlsMode?",
    fix: "in Pulumi.dev.yaml, write bankmesh:mtlsMode",
  },
  {
    raw: { gatewayTsl: "NONE" },
    key: "gatewayTsl",
    value: "set",
    allowed: "did you mean gatewayTls?",
    fix: "in Pulumi.dev.yaml, write bankmesh:gatewayTls",
  },
  {
    raw: { ingress: "nginx" },
    key: "ingress",
    value: "set",
    allowed: "a key that exists: mtlsMode, ",
    fix: remove("ingress"),
  },
];

const bad = "/no/such/file.json";
const rules: readonly ConfigError[] = [
  {
    raw: { cluster: "existing", gatewayServiceType: "ClusterIP" },
    key: "context",
    value: "(not set)",
    allowed: "the name of a kubeconfig context, because cluster is existing",
    fix: set("context", "<name>"),
  },
  {
    raw: { cluster: "existing", context: "c" },
    key: "gatewayServiceType",
    value: "(not set)",
    allowed: "NodePort, LoadBalancer or ClusterIP, because cluster is existing",
    fix: set("gatewayServiceType", "LoadBalancer"),
  },
  {
    raw: { cluster: "existing", context: "c", gatewayServiceType: "NodePort", adopt: ["pods"] },
    key: "adopt[0]",
    value: '"pods"',
    allowed: "one of istio, namespaces, istio-system, bank; namespaces are both of them",
    fix: "pulumi config set --stack dev --path 'bankmesh:adopt[0]' bank",
  },
  {
    raw: { cluster: "existing", context: "c", gatewayServiceType: "LoadBalancer" },
    key: "httpsPort",
    value: "8443",
    allowed: "443, where the load balancer listens: the redirect from port 80 leads there",
    fix: set("httpsPort", "443"),
  },
  {
    raw: { context: "c" },
    key: "context",
    value: '"c"',
    allowed: "nothing, unless cluster is existing",
    fix: remove("context"),
  },
  {
    raw: { adopt: ["istio"] },
    key: "adopt",
    value: '["istio"]',
    allowed: "nothing, unless cluster is existing",
    fix: remove("adopt"),
  },
  top("gatewayServiceType", "LoadBalancer", '"LoadBalancer"', "no load balancer", "NodePort"),
  {
    ...top("workers", 1, "1", "at most 0: the node image of the airgap route has no network", "0"),
    airgap: true,
  },
  top("namespace", "istio-system", '"istio-system"', "of the bank's own", "bank"),
  top("namespace", "kube-public", '"kube-public"', "a namespace of the bank's own", "bank"),
  top("namespace", "default", '"default"', "a namespace of the bank's own", "bank"),
  top("httpsPort", 8080, "8080", "a port of its own; httpPort has the same", "<port>"),
  top("httpPort", 8443, "8443", "a port of its own; httpsPort has the same", "<port>"),
  {
    raw: { httpPort: 65535, httpsPort: 65535 },
    key: "httpsPort",
    value: "65535",
    allowed: "a port of its own",
    fix: set("httpsPort", "<port>"),
  },
  nested(
    { services: [{ name: "users" }, { name: "orders" }, { name: "users" }] },
    "services[2].name",
    '"users"',
    "a name of its own; services[0] has the same",
    "users-2",
  ),
  nested(
    { services: [{ name: "users" }, { name: "orders", prefix: "/users/x" }] },
    "services[1].prefix",
    '"/users/x"',
    "neither holds nor lies in /users of services[0]",
    "/orders",
  ),
  nested(
    { services: [{ name: "users", prefix: "/a/b" }, { name: "a" }] },
    "services[1].prefix",
    '"/a"',
    "neither holds nor lies in /a/b of services[0]",
    "/a",
  ),
  service(
    "ports[1].port",
    { ports: [http, { ...http, targetPort: 9090, protocol: "tcp" }] },
    "80",
    "a port of its own; ports[0] has the same",
    "81",
  ),
  service(
    "ports[1].name",
    {
      ports: [
        { ...http, name: "web" },
        { ...http, port: 81, name: "web" },
      ],
    },
    '"web"',
    "a name of its own; ports[0] has the same",
    "web-81",
  ),
  nested(
    { workloadMtls: [{ service: "nobody", mode: "STRICT" }] },
    "workloadMtls[0].service",
    '"nobody"',
    "one of users, orders, payments",
    "users",
  ),
  {
    raw: {
      workloadMtls: [
        { service: "users", mode: "STRICT" },
        { service: "users", mode: "DISABLE" },
      ],
    },
    key: "workloadMtls[1].service",
    value: '"users"',
    allowed: "a service of its own; workloadMtls[0] has the same",
    fix: removePath("workloadMtls[1]"),
  },
  {
    raw: { workloadMtls: [{ service: "users" }] },
    key: "workloadMtls[0]",
    value: '{"service":"users"}',
    allowed: "a mode, or modes by port",
    fix: setPath("workloadMtls[0].mode", "STRICT"),
  },
  {
    raw: { workloadMtls: [{ service: "users", ports: { "9999": "STRICT" } }] },
    key: "workloadMtls[0].ports",
    value: '"9999"',
    allowed: "container ports of users: 8080",
    fix: removePath('workloadMtls[0].ports["9999"]'),
  },
  {
    raw: { destinationRule: {}, mtlsMode: "DISABLE" },
    key: "destinationRule",
    value: '{"except":[]}',
    allowed: "nothing while mtlsMode is DISABLE",
    fix: remove("destinationRule"),
  },
  nested(
    { pki: { renewalWindowHours: 8760 } },
    "pki.renewalWindowHours",
    "8760",
    "less than pki.leafValidityHours, which is 8760",
    "2920",
  ),
  nested(
    { pki: { leafValidityHours: 87601 } },
    "pki.leafValidityHours",
    "87601",
    "at most pki.caValidityHours, which is 87600",
    "87600",
  ),
  top("sources", bad, `"${bad}"`, `sources file ${bad} cannot be read`, "sources/official.json"),
];

/** Every kind of wrong configuration, the user's own certificates apart. */
export const configErrors: readonly ConfigError[] = [
  ...shapes,
  ...services,
  ...unknownKeys,
  ...rules,
];
