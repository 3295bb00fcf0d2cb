import type { Sources } from "../sources/index.ts";
import { accessChecks } from "./access-checks.ts";
import { mtlsChecks } from "./mtls-checks.ts";
import { type Problem, setCommand, show } from "./problems.ts";
import type { Settings } from "./schema.ts";
import { serviceChecks } from "./service-checks.ts";

/**
 * Rules that look at more than one key. Pure: settings and sources in, problems out.
 *
 * @param sources undefined when they cannot be read; then what depends on them is not asked
 * @param unread keys whose values could not be read; rules that hold one are compared with no other
 */
export function crossChecks(
  stack: string,
  s: Settings,
  sources: Sources | undefined,
  unread: readonly string[] = [],
): Problem[] {
  return [
    ...clusterChecks(stack, s, sources),
    ...namespaceChecks(stack, s),
    ...portChecks(stack, s),
    ...serviceChecks(stack, s.services),
    ...clientChecks(stack, s),
    ...mtlsChecks(stack, s),
    ...accessChecks(stack, s, unread),
    ...pkiChecks(stack, s),
  ];
}

function clusterChecks(stack: string, s: Settings, sources: Sources | undefined): Problem[] {
  const problems: Problem[] = [];
  if (s.cluster === "existing") {
    if (s.context === undefined) {
      problems.push({
        key: "context",
        value: show(s.context),
        allowed: "the name of a kubeconfig context, because cluster is existing",
        fix: setCommand(stack, "context", "<name>"),
      });
    }
    if (s.gatewayServiceType === undefined) {
      problems.push({
        key: "gatewayServiceType",
        value: show(s.gatewayServiceType),
        allowed: "NodePort, LoadBalancer or ClusterIP, because cluster is existing",
        fix: setCommand(stack, "gatewayServiceType", "LoadBalancer"),
      });
    }
    const adoptable = ["istio", "namespaces", "istio-system", s.namespace];
    s.adopt.forEach((name, i) => {
      if (adoptable.includes(name)) return;
      problems.push({
        key: `adopt[${i}]`,
        value: show(name),
        allowed: `one of ${adoptable.join(", ")}; namespaces are both of them`,
        fix: setCommand(stack, `adopt[${i}]`, s.namespace),
      });
    });
    if (s.adopt.includes("istio") && s.istio.jwksResolverExtraRootCA !== undefined) {
      problems.push({
        key: "istio.jwksResolverExtraRootCA",
        value: show(s.istio.jwksResolverExtraRootCA),
        allowed: "nothing with an adopted Istio, whose istiod is not the stack's",
        fix: `pulumi config rm --stack ${stack} --path 'bankmesh:istio.jwksResolverExtraRootCA'`,
      });
    }
    if (s.gatewayServiceType === "LoadBalancer" && s.gatewayTls !== "NONE" && s.httpsPort !== 443) {
      problems.push({
        key: "httpsPort",
        value: show(s.httpsPort),
        allowed: "443, where the load balancer listens: the redirect from port 80 leads there",
        fix: setCommand(stack, "httpsPort", "443"),
      });
    }
    return problems;
  }
  if (s.context !== undefined) problems.push(onlyFor(stack, "context", s.context, "existing"));
  if (s.adopt.length > 0) problems.push(onlyFor(stack, "adopt", s.adopt, "existing"));
  if (s.gatewayServiceType !== undefined && s.gatewayServiceType !== "NodePort") {
    problems.push({
      key: "gatewayServiceType",
      value: show(s.gatewayServiceType),
      allowed: "NodePort on a kind cluster, which has no load balancer",
      fix: setCommand(stack, "gatewayServiceType", "NodePort"),
    });
  }
  const most = sources?.node.maxWorkers;
  if (sources && most !== undefined && s.workers > most) {
    problems.push({
      key: "workers",
      value: show(s.workers),
      allowed: `at most ${most}: the node image of the ${sources.route} route has no network between nodes`,
      fix: setCommand(stack, "workers", String(most)),
    });
  }
  return problems;
}

function onlyFor(stack: string, key: string, value: unknown, cluster: string): Problem {
  return {
    key,
    value: show(value),
    allowed: `nothing, unless cluster is ${cluster}`,
    fix: `pulumi config rm --stack ${stack} ${key}`,
  };
}

// Kubernetes' and Istio's own; in istio-system the bank's mTLS mode would be the whole mesh's
function namespaceChecks(stack: string, s: Settings): Problem[] {
  const made = s.cluster === "kind" && ["default", "local-path-storage"].includes(s.namespace);
  if (!made && s.namespace !== "istio-system" && !s.namespace.startsWith("kube-")) return [];
  return [
    {
      key: "namespace",
      value: show(s.namespace),
      allowed: "a namespace of the bank's own",
      fix: setCommand(stack, "namespace", "bank"),
    },
  ];
}

function portChecks(stack: string, s: Settings): Problem[] {
  if (s.cluster !== "kind" || s.httpPort !== s.httpsPort) return [];
  // the one that was changed
  const [key, other] =
    s.httpsPort === 8443
      ? (["httpPort", "httpsPort"] as const)
      : (["httpsPort", "httpPort"] as const);
  return [
    {
      key,
      value: show(s[key]),
      allowed: `a port of its own; ${other} has the same`,
      fix: setCommand(stack, key, "<port>"),
    },
  ];
}

/** Clients live beside the bank, never in it or in namespaces of the system. */
function clientChecks(stack: string, s: Settings): Problem[] {
  return s.clients.flatMap((client, i) => {
    const key = `clients[${i}]`;
    const found: Problem[] = [];
    const taken = ["default", "istio-system", s.namespace].includes(client.namespace);
    if (taken || client.namespace.startsWith("kube-"))
      found.push({
        key: `${key}.namespace`,
        value: show(client.namespace),
        allowed: "a namespace of the clients' own",
        fix: setCommand(stack, `${key}.namespace`, `${client.name}-ns`),
      });
    const first = s.clients.findIndex((c) => c.name === client.name);
    if (first < i)
      found.push({
        key: `${key}.name`,
        value: show(client.name),
        allowed: `a name of its own; clients[${first}] has the same`,
        fix: setCommand(stack, `${key}.name`, `${client.name}-2`),
      });
    return found;
  });
}

function pkiChecks(stack: string, s: Settings): Problem[] {
  const { leafValidityHours: leaf, caValidityHours: ca, renewalWindowHours: window } = s.pki;
  const problems: Problem[] = [];
  if (window >= leaf) {
    problems.push({
      key: "pki.renewalWindowHours",
      value: show(window),
      allowed: `less than pki.leafValidityHours, which is ${leaf}`,
      fix: setCommand(stack, "pki.renewalWindowHours", String(Math.max(1, Math.floor(leaf / 3)))),
    });
  }
  if (leaf > ca) {
    problems.push({
      key: "pki.leafValidityHours",
      value: show(leaf),
      allowed: `at most pki.caValidityHours, which is ${ca}`,
      fix: setCommand(stack, "pki.leafValidityHours", String(ca)),
    });
  }
  return problems;
}
