import type { VirtualServiceSpec } from "../../routing.ts";
import type { KubernetesObject } from "../resource.ts";
import { type Fault, type Rule, at, objectRule, stackRule } from "../rule.ts";
import { type ProxyConfig, type World, yamlMap } from "../world.ts";
import { isTls, modeOf, podsOf, serversOf } from "./servers.ts";
import type { ServiceSpec } from "./services.ts";

const gatewayDocs = "https://istio.io/latest/docs/reference/config/networking/gateway/";
const secretDocs =
  "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/#key-formats";

/** Namespaces of the pods that serve a Gateway. */
function podNamespaces(world: World, gateway: KubernetesObject): string[] {
  const pods = world.workloads.filter((w) => w.matches(podsOf(gateway)));
  return [...new Set(pods.map((w) => w.namespace))];
}

/** Names of credentials of a Gateway, with the modes that ask for them. What it passes through it does not open. */
function credentialsOf(gateway: KubernetesObject): { name: string; mode: string }[] {
  return serversOf(gateway).flatMap(({ server }) => {
    const mode = modeOf(server);
    if (!isTls(server) || mode.endsWith("PASSTHROUGH")) return [];
    const { credentialName, credentialNames = [] } = server.tls ?? {};
    const names = credentialName ? [credentialName, ...credentialNames] : credentialNames;
    return names.map((name) => ({ name, mode }));
  });
}

const secretsNamed = (world: World, name: string) =>
  world.of("Secret").filter((secret) => secret.name === name);

/** gw-04 */
export function wholeCredentials(): Rule {
  const about = {
    id: "gw-04",
    level: "mandatory",
    description:
      "The secret of a Gateway has what its mode needs: certificate, key and, for MUTUAL, CA",
    url: secretDocs,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("Gateway"), function* (object) {
      for (const { name, mode } of credentialsOf(object)) {
        const secret = secretsNamed(world, name)[0];
        const keys = secret
          ? ["data", "stringData"].flatMap((f) => Object.keys(secret.field(f)))
          : [];
        const ca = keys.includes("ca.crt") || secretsNamed(world, `${name}-cacert`).length > 0;
        const missing = [
          ...["tls.crt", "tls.key"].filter((key) => !keys.includes(key)),
          ...(mode.endsWith("MUTUAL") && !ca ? ["ca.crt"] : []),
        ];
        if (missing.length > 0)
          yield {
            ...at(object),
            what: secret
              ? `the secret ${name} lacks ${missing.join(", ")} for ${mode}`
              : `there is no secret ${name}`,
            fix: "put the keys into the secret",
          };
      }
    }),
  );
}

/** gw-07 */
export function credentialsBesidePods(): Rule {
  const about = {
    id: "gw-07",
    level: "mandatory",
    description: "The secret of a Gateway is in the namespace of the gateway's pods",
    url: `${gatewayDocs}#ServerTLSSettings`,
  } as const;
  return stackRule(about, (world) =>
    world.each(world.of("Gateway"), function* (object) {
      const pods = podNamespaces(world, object);
      for (const { name } of credentialsOf(object)) {
        const places = secretsNamed(world, name).map((secret) => secret.namespace);
        if (places.length > 0 && pods.some((ns) => !places.includes(ns)))
          yield {
            ...at(object),
            what: `the secret ${name} is in ${places.join(", ")}, the gateway's pods in ${pods.join(", ")}`,
            fix: `make the secret in ${pods.join(", ")}`,
          };
      }
    }),
  );
}

/** gw-08 */
export function trustedHops(): Rule {
  const about = {
    id: "gw-08",
    level: "mandatory",
    description:
      "Gateways say how many proxies in front of them are believed, and pass on no client's own certificate header",
    url: "https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/",
  } as const;
  return stackRule(about, function* (world) {
    const mesh = world.meshConfigs.map(({ config }) => config.defaultConfig?.gatewayTopology);
    yield* world.each(world.gateways, function* (gateway) {
      const annotation = "proxy.istio.io/config";
      const text = gateway.annotations[annotation] ?? "";
      const own = yamlMap<ProxyConfig>(text, annotation).gatewayTopology;
      const topologies = [own, ...mesh];
      if (topologies.every((t) => t?.numTrustedProxies === undefined))
        yield {
          ...at(gateway.object),
          what: "numTrustedProxies is not set: whose X-Forwarded-For counts is left to a default",
          fix: "set gatewayTopology.numTrustedProxies, 0 without a proxy in front",
        };
      const details = topologies.find((t) => t?.forwardClientCertDetails)?.forwardClientCertDetails;
      if (details && /FORWARD_ONLY$/.test(details))
        yield {
          ...at(gateway.object),
          what: `forwardClientCertDetails is ${details}: clients write their own certificate header`,
          fix: "set SANITIZE_SET",
        };
    });
  });
}

/** gw-09 */
export function narrowRoutes(): Rule {
  const about = {
    id: "gw-09",
    level: "mandatory",
    description:
      "A VirtualService is about named hosts, for named gateways, and seen by named namespaces",
    url: "https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService",
  } as const;
  return objectRule(about, ["VirtualService"], function* (object): Iterable<Fault> {
    const { hosts = [], gateways = [], exportTo = [] } = object.field<VirtualServiceSpec>();
    const wild = hosts.filter((host) => host.includes("*"));
    if (wild.length > 0) yield { what: `its hosts are ${wild.join(", ")}`, fix: "name each host" };
    if (gateways.length === 0)
      yield {
        what: "names no gateways: every sidecar of the mesh takes it",
        fix: "set spec.gateways",
      };
    if (exportTo.length === 0 || exportTo.includes("*"))
      yield {
        what: `exportTo is ${exportTo.length === 0 ? "not set, which is every namespace" : "*"}`,
        fix: "name the namespace of the gateway, or . for its own",
      };
    const own = (host: string) =>
      !host.includes(".") ||
      host.includes(`.${object.namespace}.svc`) ||
      host.endsWith(`.${object.namespace}`);
    const foreign = hosts.filter((host) => !own(host));
    if (gateways.includes("mesh") && foreign.length > 0)
      yield {
        what: `reroutes ${foreign.join(", ")} for every sidecar of the mesh`,
        fix: "drop mesh from spec.gateways, or name hosts of its own namespace",
      };
  });
}

/** gw-11 */
export function serviceTypes(): Rule {
  const about = {
    id: "gw-11",
    level: "mandatory",
    description: "Services stay inside: node ports for the gateway alone, no load balancer on kind",
    url: "https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types",
  } as const;
  return stackRule(about, function* (world) {
    const cluster = world.resources.some((r) => r.type.endsWith(":KindCluster"));
    const kind = world.settings.kind === true || cluster;
    yield* world.each(world.of("Service"), function* (object) {
      const { type = "ClusterIP", selector = {} } = object.field<ServiceSpec>();
      // a Service without a selector leads wherever its Endpoints say
      const selects = Object.keys(selector).length > 0;
      const gateway = world.gateways.some(
        (w) => selects && w.namespace === object.namespace && w.matches(selector),
      );
      if (type === "LoadBalancer" && (kind || !gateway))
        yield {
          ...at(object),
          what: `is a LoadBalancer ${kind ? "on kind, which has none" : "past the gateway"}`,
          fix: kind ? "use NodePort" : "use ClusterIP, and a route of the gateway",
        };
      if (type === "NodePort" && !gateway)
        yield {
          ...at(object),
          what: "is a NodePort past the gateway",
          fix: "use ClusterIP, and a route of the gateway",
        };
    });
  });
}
