import { type ConfigError, http, image, label, nested, port, setPath } from "./config-error.ts";

/** A wrong value inside the first service. */
export function service(
  field: string,
  values: Record<string, unknown>,
  value: string,
  allowed: string,
  example = "<value>",
): ConfigError {
  const raw = { services: [{ name: "users", ...values }] };
  return nested(raw, `services[0].${field}`, value, allowed, example);
}

const duration = "a duration of seconds or milliseconds such as 30s or 500ms";
const path = "a path such as /users";

/** Wrong services and clients. */
export const serviceErrors: readonly ConfigError[] = [
  nested({ services: [{}] }, "services[0].name", "(not set)", label),
  service("name", { name: "Users" }, '"Users"', "starts with a letter, at most 50 characters"),
  service("name", { name: "1users" }, '"1users"', "starts with a letter"),
  service("image", { image: "bank/users" }, '"bank/users"', image),
  service("image", { image: "bank/users:latest" }, '"bank/users:latest"', image),
  nested(
    { clients: [{ name: "curl", namespace: "bank" }] },
    "clients[0].namespace",
    '"bank"',
    "a namespace of the clients' own",
    "curl-ns",
  ),
  nested(
    {
      clients: [
        { name: "curl", namespace: "a" },
        { name: "curl", namespace: "b" },
      ],
    },
    "clients[1].name",
    '"curl"',
    "a name of its own; clients[0] has the same",
    "curl-2",
  ),
  nested(
    { clients: [{ name: "curl", namespace: "a", injection: "manual" }] },
    "clients[0].injection",
    '"manual"',
    "one of none, namespace, pod",
  ),
  service("sourceImage", { sourceImage: "apache" }, '"apache"', "one of nginx, httpd, istio-app"),
  service("writablePaths[0]", { writablePaths: ["run"] }, '"run"', "the path of a folder"),
  {
    ...service("ports", { ports: [] }, "[]", "at least one port"),
    fix: "in Pulumi.dev.yaml, write a list of maps there, each with port, targetPort, protocol",
  },
  service("ports[0].port", { ports: [{ ...http, port: 0 }] }, "0", port),
  service("ports[0].targetPort", { ports: [{ ...http, targetPort: "http" }] }, '"http"', port),
  service(
    "ports[0].protocol",
    { ports: [{ ...http, protocol: "udp" }] },
    '"udp"',
    "one of http, http2, grpc, tcp, tls, https",
    "tcp",
  ),
  {
    raw: { services: [{ name: "quotes", prefix: false, ports: [{ ...http, protocol: "grpc" }] }] },
    key: "services[0].ports[0].protocol",
    value: '"grpc"',
    allowed: "http or tcp, for the echo server speaks nothing else",
    fix: setPath("services[0].sourceImage", "istio-app"),
  },
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
