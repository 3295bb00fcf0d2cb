import {
  type GatewaySpec,
  type VirtualServiceSpec,
  credentialNames,
} from "../../policies/routing.ts";
import { type Settings, gatewayNamespace, prefixOf } from "../../settings/index.ts";
import { admission, openPrefixes } from "../probes/edge-requests.ts";
import { echoes, firstPort, hostOf } from "../probes/services.ts";
import { answerProbe, applies, itemsOf, red, unanswered } from "./expectations.ts";
import type { Mutation } from "./mutation.ts";
import { adds, all, edits, istio, needs, withSpec } from "./objects.ts";

type Server = NonNullable<GatewaySpec["servers"]>[number];

const gateway = (s: Settings) => istio("Gateway", "bank-gw", s.namespace);
const routes = (s: Settings) => istio("VirtualService", "bank-vs", s.namespace);

const answering = needs(
  (s) => applies(answerProbe(s), s),
  "the gateway lets nobody in who could be asked about",
);
const inTls = all(
  answering,
  needs((s) => s.gatewayTls !== "NONE", "the gateway speaks plain HTTP"),
);
const inMutual = all(
  answering,
  needs((s) => s.gatewayTls === "MUTUAL", "the gateway asks for no client certificate"),
);
const withRsa = all(
  inTls,
  needs((s) => s.pki.algorithm === "RSA", "old versions and ciphers need a certificate of RSA"),
);

/** Another server on 443. */
const https = (change: (server: Server) => Server) =>
  edits<GatewaySpec>(gateway, (spec) => ({
    ...spec,
    servers: spec.servers!.map((server) => (server.port?.number === 443 ? change(server) : server)),
  }));
const tls = (change: Partial<NonNullable<Server["tls"]>>) =>
  https((server) => ({ ...server, tls: { ...server.tls!, ...change } }));

const everyHost = (spec: GatewaySpec): GatewaySpec => ({
  ...spec,
  servers: spec.servers!.map((server) => ({ ...server, hosts: ["*"] })),
});

const modern = ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"];

const other = "other.local";

/** Services that show the subject of the client behind the gateway. */
const showing = (s: Settings) =>
  openPrefixes(s).filter((path) =>
    s.services.some((x) => prefixOf(x) === path && echoes(s, x.name)),
  );

/** What the gateway serves, and to whom. */
/** What a probe says of a request that rules refuse: not the answer that it wants, and not its reason either. */
const refused = { verdict: "inconclusive", got: "rbac-denied" } as const;

/** What goes over plaintext brings no token: where rules ask for one, they refuse it. */
const isRefusedWithoutToken = (s: Settings, path: string) => admission(s, path).token !== undefined;

export const edgeMutations: readonly Mutation[] = [
  {
    id: "redirect-removed",
    breaks: "plain HTTP is served beside TLS",
    notFor: inTls,
    ...edits<VirtualServiceSpec>(routes, (spec) => ({
      ...spec,
      http: spec.http!.filter((route) => !route.redirect),
    })),
    expected: (s) =>
      ["E5", "E6"].flatMap((id) =>
        itemsOf(id, s).flatMap((item) => {
          const path = item || openPrefixes(s)[0]!;
          return red(s, id, isRefusedWithoutToken(s, path) ? refused : { got: "ok" }, [item]);
        }),
      ),
  },
  {
    id: "mutual-to-simple",
    breaks: "the gateway asks for no client certificate",
    notFor: inMutual,
    ...tls({ mode: "SIMPLE" }),
    expected: (s) => [
      ...red(s, "E8", { got: "ok" }),
      ...red(s, "E7", { got: "ok", says: /client's subject/ }, showing(s)),
    ],
  },
  {
    id: "optional-mutual",
    breaks: "the gateway asks for a client certificate, and takes none as well",
    notFor: inMutual,
    ...tls({ mode: "OPTIONAL_MUTUAL" }),
    expected: (s) => red(s, "E8", { got: "ok" }),
  },
  {
    id: "every-server-name",
    breaks: "the gateway shows its certificate to whatever server name it is asked for",
    notFor: inTls,
    ...edits<GatewaySpec>(gateway, everyHost),
    expected: (s) => [
      ...red(s, "E3", { got: "ok" }, ["no name"]),
      ...red(s, "E3", { verdict: "inconclusive", got: "server-cert-untrusted" }, [other]),
    ],
  },
  {
    id: "every-host",
    breaks: "gateway and routes serve whatever host a request names",
    notFor: answering,
    reads: (s) => [gateway(s), routes(s)],
    change: ([gw, vs]) => ({
      changed: [
        withSpec<GatewaySpec>(gw!, everyHost),
        withSpec<VirtualServiceSpec>(vs!, (spec) => ({ ...spec, hosts: ["*"] })),
      ],
    }),
    expected: (s) => [
      ...red(s, "E4", { got: "ok" }),
      ...red(s, "E4-http", { verdict: "inconclusive", got: "redirect" }),
    ],
  },
  {
    id: "old-tls",
    breaks: "the gateway speaks TLS 1.0 and 1.1",
    notFor: withRsa,
    ...tls({ minProtocolVersion: "TLSV1_0", cipherSuites: [...modern, "ECDHE-RSA-AES128-SHA"] }),
    expected: (s) => red(s, "E21", { got: "ok" }),
  },
  {
    id: "weak-cipher",
    breaks: "the gateway takes a cipher without forward secrecy",
    notFor: withRsa,
    ...tls({ cipherSuites: [...modern, "AES128-SHA"] }),
    expected: (s) => red(s, "E22", { got: "ok" }),
  },
  {
    id: "plaintext-on-443",
    breaks: "the port for TLS speaks plain HTTP",
    notFor: inTls,
    ...https(({ port, hosts }) => ({ port: { ...port, protocol: "HTTP" }, hosts })),
    expected: (s) => unanswered(s, { got: "plaintext-only" }),
  },
  {
    id: "credential-missing",
    breaks: "the gateway's certificate is looked for under a name that nothing has",
    notFor: inTls,
    ...tls({ credentialName: "no-such-credential" }),
    expected: (s) => [
      ...unanswered(s, { got: "tls-refused" }),
      ...red(s, "O6", { got: "findings", says: /IST0101/ }),
    ],
  },
  {
    id: "second-gateway",
    breaks: "a second Gateway claims the same host on the same port",
    notFor: inTls,
    ...adds(
      (s) => istio("Gateway", "second-gw", s.namespace),
      (s) => ({
        selector: { istio: "ingressgateway" },
        servers: [
          {
            port: { number: 443, name: "https-second", protocol: "HTTPS" },
            // as the stack's own Gateway has it; spelled otherwise, Envoy rejects the listener
            hosts: [`./${s.host}`],
            tls: { mode: "SIMPLE", credentialName: credentialOf(s) },
          },
        ],
      }),
    ),
    expected: (s) => red(s, "O6", { got: "findings", says: /IST0145/ }),
  },
  {
    id: "second-gateway-in-plaintext",
    breaks: "a second Gateway serves another host on port 80, in plaintext",
    notFor: all(
      inTls,
      needs((s) => firstOpen(s) !== undefined, "no service is reached through the gateway"),
    ),
    reads: () => [],
    change: (_, { settings: s }) => {
      const service = firstOpen(s)!;
      const destination = {
        host: hostOf(service.name, s.namespace),
        port: { number: firstPort(service).port },
      };
      const server = {
        port: { number: 80, name: "http-second", protocol: "HTTP" },
        hosts: [other],
      };
      return {
        added: [
          {
            ...istio("Gateway", "second-gw", s.namespace),
            spec: { selector: { istio: "ingressgateway" }, servers: [server] },
          },
          {
            ...istio("VirtualService", "second-vs", s.namespace),
            spec: { hosts: [other], gateways: ["second-gw"], http: [{ route: [{ destination }] }] },
          },
        ],
      };
    },
    expected: (s) =>
      red(s, "E4-http", isRefusedWithoutToken(s, openPrefixes(s)[0]!) ? refused : { got: "ok" }),
  },
  {
    id: "prefix-of-words",
    breaks: "a route takes every path that begins with its prefix's letters",
    notFor: all(
      answering,
      needs(
        (s) => s.authorization !== "enforce",
        "the rules refuse such a path before a route is looked for",
      ),
    ),
    ...edits<VirtualServiceSpec>(routes, (spec) => ({
      ...spec,
      http: spec.http!.map((route) =>
        route.redirect ? route : { ...route, match: route.match!.map(loosened) },
      ),
    })),
    expected: (s) => red(s, "E30", { got: "ok" }),
  },
  {
    id: "route-headers-dropped",
    breaks: "a route no longer sets its headers, so that clients do",
    notFor: needs((s) => applies("E32", s), "no route sets headers"),
    ...edits<VirtualServiceSpec>(routes, (spec) => ({
      ...spec,
      http: spec.http!.map(({ headers, ...route }) => ({
        ...route,
        ...(headers?.request?.remove && {
          headers: { request: { remove: headers.request.remove } },
        }),
      })),
    })),
    expected: (s) => red(s, "E32", { got: "ok", says: /: forged/ }),
  },
];

type Match = NonNullable<NonNullable<VirtualServiceSpec["http"]>[number]["match"]>[number];

function loosened(match: Match): Match {
  const { uri } = match;
  return uri && "exact" in uri ? { ...match, uri: { prefix: uri.exact! } } : match;
}

export function credentialOf({ gatewayTls }: Settings): string {
  return credentialNames[gatewayTls === "MUTUAL" ? "MUTUAL" : "SIMPLE"];
}

function firstOpen(s: Settings) {
  const [first] = itemsOf("E4-http", s).length > 0 ? openPrefixes(s) : [];
  return s.services.find((x) => prefixOf(x) === first);
}

/** Where the gateway's certificates are. */
export function credential(s: Settings) {
  return {
    ...{ apiVersion: "v1", kind: "Secret" },
    metadata: { name: credentialOf(s), namespace: gatewayNamespace },
  };
}

export { inMutual, inTls };
