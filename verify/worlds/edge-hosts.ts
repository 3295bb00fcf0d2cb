import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { revocationList } from "../revocations.ts";
import { secret, secondHttpsPort } from "./gateway-objects.ts";
import type { WorldKeys } from "./keys.ts";
import { serviceHost, type WorldPlace } from "./world.ts";

/** Domain of all that worlds bring along. */
export const worldsDomain = "verify.local";

/** Hosts of the gateway with hosts of every kind: what each of them asks of a client. */
export const hosts = {
  mutual: `mutual.${worldsDomain}`,
  simple: `simple.${worldsDomain}`,
  optional: `optional.${worldsDomain}`,
  /** MUTUAL with a list of revoked certificates: by its CA; by its CA, naming none of these; by another CA. */
  revoking: `revoking.${worldsDomain}`,
  unrelated: `unrelated.${worldsDomain}`,
  foreign: `foreign.${worldsDomain}`,
  /** TLS that the gateway does not end. */
  passed: `passed.${worldsDomain}`,
  /** The same, refused by a rule about the server name. */
  barred: `barred.${worldsDomain}`,
} as const;

/**
 * What is wrong with the secrets of hosts on the gateway's second port for TLS. What istiod hands on and a proxy rejects, such
 * as a pair that does not match, is not among them: istiod counts rejections until it ends, and O6-rejects of the stack
 * would see them for good.
 */
export const brokenSecrets = ["no-key", "no-cert"] as const;
export type BrokenSecret = (typeof brokenSecrets)[number];

/** Host whose secret is broken in this way. */
export function brokenHost(what: BrokenSecret): string {
  return `${what}.${worldsDomain}`;
}
/** Host beside them whose secret is in order. */
export const soundHost = `sound.${worldsDomain}`;

/** Hosts that are shown by the gateway's certificate. */
export const gatewayHosts: readonly string[] = [...Object.values(hosts), soundHost];
/** Hosts that a server behind the gateway has a certificate for. */
export const backendHosts: readonly string[] = [hosts.passed, hosts.barred];

/** A host with a secret of its own. */
interface Served {
  readonly host: string;
  readonly mode: "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL";
  readonly secret: KubernetesObject;
}

/** Hosts beside those that settings name, on the first port for TLS. */
function served({ gateway: { namespace } }: WorldPlace, keys: WorldKeys): Served[] {
  const { ca, foreignCa, server, client, revoked } = keys;
  const pair = { "tls.crt": server.certPem, "tls.key": server.keyPem, "ca.crt": ca.certPem };
  const one = (kind: keyof typeof hosts, mode: Served["mode"], more: Record<string, string> = {}) =>
    ({ host: hosts[kind], mode, secret: secret(kind, namespace, { ...pair, ...more }) }) as const;
  const list = (crl: string) => ({ "ca.crl": crl });
  return [
    one("optional", "OPTIONAL_MUTUAL"),
    one("revoking", "MUTUAL", list(revocationList(ca, [revoked]))),
    one("unrelated", "MUTUAL", list(revocationList(ca, [server]))),
    one("foreign", "MUTUAL", list(revocationList(foreignCa, [client]))),
  ];
}

function broken(namespace: string, { server }: WorldKeys): Served[] {
  const crt = { "tls.crt": server.certPem };
  const key = { "tls.key": server.keyPem };
  const pairs: Readonly<Record<BrokenSecret, Record<string, string>>> = {
    "no-key": crt,
    "no-cert": key,
  };
  const of = (name: string, host: string, data: Record<string, string>): Served => ({
    ...{ host, mode: "SIMPLE" },
    secret: secret(name, namespace, data),
  });
  return [
    of("sound", soundHost, { ...crt, ...key }),
    ...brokenSecrets.map((what) => of(what, brokenHost(what), pairs[what])),
  ];
}

/**
 * Gateway and routes of these hosts, all to one service; those with broken secrets on a port of their own, for the proxy
 * waits for a secret that does not come before it opens a port.
 *
 * @param service that answers
 * @param backend that ends TLS itself
 */
export function edgeHostObjects(
  place: WorldPlace,
  keys: WorldKeys,
  { service, backend }: { readonly service: string; readonly backend: string },
): KubernetesObject[] {
  const { namespace, selector } = place.gateway;
  const make = istioObjects(namespace);
  const [first, second] = [served(place, keys), broken(namespace, keys)];
  const server = (number: number) => (s: Served) => ({
    port: { number, name: `https-${s.secret.metadata.name}`, protocol: "HTTPS" },
    hosts: [s.host],
    tls: { mode: s.mode, credentialName: s.secret.metadata.name },
  });
  const passed = [hosts.passed, hosts.barred];
  const destination = (host: string, port: number) => [
    { destination: { host: serviceHost(host, place), port: { number: port } } },
  ];
  const gateway = (name: string, servers: object[]) =>
    make("networking", "v1", "Gateway", name, { selector: { ...selector }, servers });
  const routes = (name: string, of: string, spec: object) =>
    make("networking", "v1", "VirtualService", name, { gateways: [of], ...spec });
  return [
    ...[...first, ...second].map((s) => s.secret),
    gateway("hosts", [
      ...first.map(server(443)),
      {
        port: { number: 443, name: "tls-passed", protocol: "TLS" },
        hosts: passed,
        tls: { mode: "PASSTHROUGH" },
      },
    ]),
    gateway("broken", second.map(server(secondHttpsPort))),
    ...[["hosts", first] as const, ["broken", second] as const].map(([name, of]) =>
      routes(name, name, {
        hosts: of.map((s) => s.host),
        http: [{ route: destination(service, 80) }],
      }),
    ),
    routes("passed", "hosts", {
      hosts: passed,
      tls: [{ match: [{ port: 443, sniHosts: passed }], route: destination(backend, 443) }],
    }),
    // of what is passed through, the gateway's rules see the server name alone
    make("security", "v1", "AuthorizationPolicy", "barred", {
      selector: { matchLabels: { ...selector } },
      action: "DENY",
      rules: [{ when: [{ key: "connection.sni", values: [hosts.barred] }] }],
    }),
  ];
}
