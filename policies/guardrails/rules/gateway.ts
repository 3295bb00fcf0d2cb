import type { VirtualServiceSpec } from "../../routing.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { conditionsOn, isEnforced, rulesOf } from "./policies.ts";
import {
  besides,
  isHttp,
  isPlain,
  isTls,
  lacksTls,
  modeOf,
  onlyRedirects,
  serversOf,
} from "./servers.ts";

const docs = "https://istio.io/latest/docs/reference/config/networking/gateway/";

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

/** gw-02 */
export function httpsOnly(): Rule {
  const about = {
    id: "gw-02",
    level: "mandatory",
    description: "Where a pod serves a Gateway that speaks TLS, its plain ports only redirect",
    url: `${docs}#ServerTLSSettings`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("Gateway"), function* (object) {
      const plain = serversOf(object).filter(({ server }) => isPlain(server));
      const all = world.gather(besides(world, object), serversOf);
      if (!all.some(({ server }) => isTls(server))) return;
      for (const { path, server } of plain) {
        const { number } = server.port;
        if (!onlyRedirects(world, object, server))
          yield {
            ...at(object),
            what: `${path} serves port ${number} in plaintext beside TLS`,
            fix: isHttp(server)
              ? `set ${path}.tls.httpsRedirect, or redirect port ${number} first in every VirtualService`
              : `give ${path} a tls block with a mode: what is no HTTP cannot be redirected`,
          };
      }
    }),
  );
}

/** Suites with a key of their own for each connection, and encryption that tells what was changed. */
const strongCiphers = /^ECDHE-(RSA|ECDSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)$/;

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
      if (!isTls(server) || modeOf(server).endsWith("PASSTHROUGH")) continue;
      const { minProtocolVersion = "TLS_AUTO", cipherSuites = [] } = server.tls ?? {};
      if (!["TLSV1_2", "TLSV1_3"].includes(minProtocolVersion))
        yield {
          what: `${path}.tls.minProtocolVersion is ${minProtocolVersion}`,
          fix: "set it to TLSV1_2 or TLSV1_3",
        };
      const weak = cipherSuites.filter((suite) => !strongCiphers.test(suite));
      if (weak.length > 0)
        yield {
          what: `${path}.tls.cipherSuites has ${weak.join(", ")}`,
          fix: "name suites of ECDHE with GCM or CHACHA20 alone",
        };
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
    if (object.apiVersion.startsWith("gateway.networking.k8s.io/"))
      yield {
        what: "cannot be judged: it is of the Gateway API, whose listeners no rule here reads",
        fix: "write a Gateway of networking.istio.io",
      };
    for (const { path, server } of serversOf(object)) {
      if (lacksTls(server))
        yield {
          what: `${path} is called ${server.port.protocol} and has no tls: it takes plaintext`,
          fix: `set ${path}.tls.mode to SIMPLE or MUTUAL`,
        };
      const mode = isTls(server) ? modeOf(server) : (server.tls?.mode ?? "");
      if (["OPTIONAL_MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH"].includes(mode))
        yield {
          what: `${path}.tls.mode is ${server.tls?.mode ? "" : "not set, which is "}${mode}`,
          fix: "use SIMPLE or MUTUAL",
        };
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
    const servers = world.gather(world.of("Gateway"), (object) =>
      serversOf(object).map(({ server }) => ({ object, server })),
    );
    const guarded = world
      .gather(world.of("AuthorizationPolicy"), (o) =>
        world.isAtGateway(o) && isEnforced(o) ? rulesOf(o) : [],
      )
      .some((r) => conditionsOn(r, "connection.sni").length > 0);
    for (const mutual of servers.filter((s) => s.server.tls?.mode === "MUTUAL")) {
      const near = besides(world, mutual.object);
      const simple = servers.find(
        (s) => s.server.tls?.mode === "SIMPLE" && near.includes(s.object),
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
