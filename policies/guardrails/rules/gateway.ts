import type { GatewaySpec, VirtualServiceSpec } from "../../routing.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import type { World } from "../world.ts";
import { policyOf } from "./authorization.ts";

const docs = "https://istio.io/latest/docs/reference/config/networking/gateway/";

type Server = NonNullable<GatewaySpec["servers"]>[number];

/** Servers of a Gateway, each with its place. */
export function serversOf(object: KubernetesObject): { path: string; server: Server }[] {
  const { servers = [] } = object.field<GatewaySpec>();
  return servers.map((server, i) => ({ path: `spec.servers[${i}]`, server }));
}

export const isTls = (server: Server) => ["HTTPS", "TLS"].includes(server.port.protocol);

/** gw-01 */
export function ownHosts(): Rule {
  const about = {
    id: "gw-01",
    level: "mandatory",
    description: "A Gateway serves named hosts, of routes in a named namespace",
    url: "https://istio.io/latest/docs/ops/best-practices/security/#avoid-overly-broad-hosts-configurations",
  } as const;
  return objectRule(about, ["Gateway"], function* (object): Iterable<Fault> {
    for (const { path, server } of serversOf(object)) {
      for (const host of server.hosts) {
        const [namespace, name] = host.includes("/") ? host.split("/") : [undefined, host];
        if (name === "*")
          yield { what: `${path} serves every host (${host})`, fix: "name the host" };
        else if (namespace === undefined || namespace === "*")
          yield {
            what: `${path} takes routes for ${name} from any namespace`,
            fix: `write ./${name} or <namespace>/${name}`,
          };
      }
    }
  });
}

interface Target {
  readonly gateways: readonly string[];
}

/** VirtualServices that are bound to a Gateway. */
export function routesOf(world: World, gateway: KubernetesObject): KubernetesObject[] {
  return world.of("VirtualService").filter((object) =>
    (object.field<Target>().gateways ?? []).some((name) => {
      const full = name.includes("/") ? name : `${object.namespace}/${name}`;
      return full === `${gateway.namespace}/${gateway.name}`;
    }),
  );
}

/** Whether everything on a port is sent to https before any route is looked at. */
function redirects(routes: KubernetesObject, port: number): boolean {
  const [first] = routes.field<VirtualServiceSpec>().http ?? [];
  const all = first?.match?.every(
    (match) => match.port === port && Object.keys(match).length === 1,
  );
  return all === true && first?.redirect?.scheme === "https";
}

/** gw-02 */
export function httpsOnly(): Rule {
  const about = {
    id: "gw-02",
    level: "mandatory",
    description: "Where a Gateway speaks TLS, its plain port only redirects",
    url: `${docs}#ServerTLSSettings`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("Gateway"), function* (object) {
      const servers = serversOf(object);
      if (!servers.some(({ server }) => isTls(server))) return;
      for (const { path, server } of servers.filter((s) => s.server.port.protocol === "HTTP")) {
        const { number } = server.port;
        const routes = routesOf(world, object);
        const byRoutes = routes.length > 0 && routes.every((r) => redirects(r, number));
        if (!server.tls?.httpsRedirect && !byRoutes)
          yield {
            ...at(object),
            what: `${path} serves port ${number} in plaintext beside TLS`,
            fix: `set ${path}.tls.httpsRedirect, or redirect port ${number} first in every VirtualService`,
          };
      }
    }),
  );
}

const weakCiphers = /^(TLS_RSA_|AES(128|256)-|DES-|ECDHE-(RSA|ECDSA)-AES(128|256)-SHA$|NULL|RC4)/;

/** gw-03 */
export function tls12(): Rule {
  const about = {
    id: "gw-03",
    level: "mandatory",
    description: "Gateways ask for TLS 1.2 or later, and for no weak cipher",
    url: `${docs}#ServerTLSSettings-TLSProtocol`,
  } as const;
  return objectRule(about, ["Gateway"], function* (object): Iterable<Fault> {
    for (const { path, server } of serversOf(object)) {
      if (!isTls(server) || server.tls?.mode?.endsWith("PASSTHROUGH")) continue;
      const { minProtocolVersion = "TLS_AUTO", cipherSuites = [] } = server.tls ?? {};
      if (!["TLSV1_2", "TLSV1_3"].includes(minProtocolVersion))
        yield {
          what: `${path}.tls.minProtocolVersion is ${minProtocolVersion}`,
          fix: "set it to TLSV1_2 or TLSV1_3",
        };
      const weak = cipherSuites.filter((suite) => weakCiphers.test(suite));
      if (weak.length > 0)
        yield { what: `${path}.tls.cipherSuites has ${weak.join(", ")}`, fix: "drop them" };
    }
  });
}

/** gw-03a */
export function tls13(): Rule {
  const about = {
    id: "gw-03a",
    level: "advisory",
    description: "Gateways ask for TLS 1.3",
    url: `${docs}#ServerTLSSettings-TLSProtocol`,
  } as const;
  return objectRule(about, ["Gateway"], function* (object): Iterable<Fault> {
    for (const { path, server } of serversOf(object)) {
      if (isTls(server) && server.tls?.minProtocolVersion === "TLSV1_2")
        yield {
          what: `${path} still speaks TLS 1.2`,
          fix: "set minProtocolVersion to TLSV1_3 once every client can",
        };
    }
  });
}

/** gw-05 */
export function checkedClients(): Rule {
  const about = {
    id: "gw-05",
    level: "mandatory",
    description: "TLS ends at the Gateway, and a client certificate is either asked for or not",
    url: `${docs}#ServerTLSSettings-TLSmode`,
  } as const;
  return objectRule(about, ["Gateway"], function* (object): Iterable<Fault> {
    for (const { path, server } of serversOf(object)) {
      const mode = server.tls?.mode ?? "";
      if (["OPTIONAL_MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH"].includes(mode))
        yield { what: `${path}.tls.mode is ${mode}`, fix: "use SIMPLE or MUTUAL" };
    }
  });
}

/** gw-06 */
export function modesApart(): Rule {
  const about = {
    id: "gw-06",
    level: "production",
    description: "Hosts with and without client certificates are kept apart",
    url: "https://istio.io/latest/docs/ops/common-problems/network-issues/#404-errors-occur-when-multiple-gateways-configured-with-same-tls-certificate",
  } as const;
  return stackRule(about, function* (world) {
    const servers = world
      .of("Gateway")
      .flatMap((object) => serversOf(object).map(({ server }) => ({ object, server })));
    const guarded = world
      .of("AuthorizationPolicy")
      .filter((o) => world.isAtGateway(o))
      .flatMap((o) => policyOf(o).rules ?? [])
      .some((r) => (r.when ?? []).some((c) => c.key === "connection.sni"));
    const pods = ({ object }: (typeof servers)[number]) =>
      JSON.stringify(object.field<GatewaySpec>().selector);
    for (const mutual of servers.filter((s) => s.server.tls?.mode === "MUTUAL")) {
      const simple = servers.find(
        (s) => s.server.tls?.mode === "SIMPLE" && pods(s) === pods(mutual),
      );
      if (!simple) continue;
      const shared = simple.server.tls?.credentialName === mutual.server.tls?.credentialName;
      if (shared || !guarded)
        yield {
          ...at(mutual.object),
          what: shared
            ? `hosts of SIMPLE and of MUTUAL show one certificate (${mutual.server.tls?.credentialName}): browsers reuse the connection of one for the other`
            : "serves SIMPLE beside MUTUAL, and no policy at the gateway holds the host against the server name",
          fix: "give each a certificate of its own, and a policy with connection.sni",
        };
    }
  });
}

/** gw-10 */
export function wholeSegments(): Rule {
  const about = {
    id: "gw-10",
    level: "advisory",
    description:
      "Prefixes of routes end with / or stand beside the exact path: /users takes /usersX",
    url: "https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch",
  } as const;
  return objectRule(about, ["VirtualService"], function* (object): Iterable<Fault> {
    const { http = [] } = object.field<VirtualServiceSpec>();
    for (const [i, { match = [] }] of http.entries()) {
      const prefixes = match.flatMap(({ uri }) => uri?.prefix ?? []);
      for (const prefix of prefixes.filter((p) => !p.endsWith("/")))
        yield {
          what: `spec.http[${i}] takes whatever begins with ${prefix}`,
          fix: `match exact: ${prefix} and prefix: ${prefix}/`,
        };
    }
  });
}
