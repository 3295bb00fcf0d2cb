import {
  type ServiceSettings,
  type Settings,
  modeOf,
  prefixOf,
  wholeNamespace,
} from "../settings/index.ts";
import { type Caller, type Decision, decide } from "./decide.ts";

/** How a proxy answers once it enforces what the stack says. */
export type Answer =
  /** The service, or the proxy for it, answers in HTTP. */
  | "answered"
  /** Rules refuse it. */
  | "denied"
  /** The connection ends before any HTTP. */
  | "reset"
  /** The handshake ends, because a client certificate is asked for. */
  | "certificate-required"
  /** It is led to https. */
  | "redirected";

/** One request to each replica of a proxy. */
export interface EnforcementQuestion {
  /** In words, for an error. */
  readonly text: string;
  /** App whose replicas are asked, and its namespace. */
  readonly app: string;
  readonly namespace: string;
  /** Port of the replica. */
  readonly port: number;
  readonly url: string;
  /** Show the certificate that the mesh gave to the caller, or that of the external client. @default none */
  readonly certificate?: "mesh" | "client";
  readonly expect: Answer;
}

/** Stands for the caller's own pod among the apps that are asked: a workload that no rule is about. */
export const callerItself = "the caller itself";

/** A workload of the namespace whom no rule names. */
const stranger = (namespace: string): Caller => ({ kind: "workload", namespace, account: "curl" });

/**
 * What each replica of each proxy answers once it enforces what the stack says: plaintext, somebody of the mesh whom no
 * rule names, a workload that no rule is about, and at the gateway somebody without a token.
 */
export function enforcementQuestions(s: Settings): EnforcementQuestion[] {
  return [
    ...s.services.flatMap((service) => ofService(s, service)),
    ...ofCaller(s),
    ...ofGateway(s),
  ];
}

/** The namespace's default-deny, where there is one, is all that closes a workload without rules. */
function ofCaller(s: Settings): EnforcementQuestion[] {
  const closed = s.mtlsMode !== "DISABLE" && wholeNamespace(s);
  if (s.authorization !== "enforce" || !closed) return [];
  const strict = s.mtlsMode === "STRICT";
  return [
    {
      ...{ app: callerItself, namespace: s.namespace, port: 8080, expect: "denied" },
      text: "a workload that no rule is about (default-deny)",
      url: `${strict ? "https" : "http"}://caller.${s.namespace}.svc.cluster.local:8080/`,
      ...(strict && { certificate: "mesh" }),
    },
  ];
}

function ofService(s: Settings, service: ServiceSettings): EnforcementQuestion[] {
  const first = service.ports?.[0] ?? { port: 80, targetPort: 8080, protocol: "http" };
  if (first.protocol !== "http") return [];
  const { name } = service;
  const path = service.healthPath ?? "/";
  const mode = modeOf(s, service);
  const at = { app: name, namespace: s.namespace, port: first.targetPort };
  const host = `${name}.${s.namespace}.svc.cluster.local:${first.targetPort}${path}`;
  const by = (from: Caller) => answerTo(s, decide(s, { from, service: name, method: "GET", path }));
  const plain = {
    ...{ ...at, text: `plaintext to ${name} (mtlsMode ${mode})`, url: `http://${host}` },
    expect: mode === "STRICT" ? ("reset" as const) : by({ kind: "plaintext" }),
  };
  // in the other modes a proxy takes TLS without Istio's own ALPN for the application's
  if (mode !== "STRICT") return [plain];
  const identity = {
    ...{ ...at, text: `a workload that no rule names to ${name}`, url: `https://${host}` },
    ...{ certificate: "mesh" as const, expect: by(stranger(s.namespace)) },
  };
  return [plain, identity];
}

function ofGateway(s: Settings): EnforcementQuestion[] {
  const { host, gatewayTls } = s;
  const at = { app: "istio-ingressgateway", namespace: "istio-system" };
  const routed = s.services.flatMap((service) => {
    const prefix = prefixOf(service);
    // whose address the gateway takes for the caller's depends on what stands in front of it
    const byAddress = [...(service.allowFrom ?? []), ...(service.denyFrom ?? [])].some(
      (rule) => rule.remoteIpBlocks,
    );
    return prefix === undefined || byAddress ? [] : [{ service, prefix }];
  });
  if (gatewayTls === "NONE")
    return routed.map(({ service, prefix }) => ({
      ...{ ...at, port: 80, text: `${prefix} at the gateway, without a token` },
      ...{ url: `http://${host}${prefix}`, expect: fromOutside(s, service, prefix) },
    }));
  return routed.flatMap(({ service, prefix }) => [
    {
      ...{ ...at, port: 80, text: `${prefix} at the gateway's port for plain HTTP` },
      ...{ url: `http://${host}${prefix}`, expect: "redirected" as const },
    },
    ...(gatewayTls === "MUTUAL"
      ? [
          {
            ...{ ...at, port: 443, url: `https://${host}${prefix}` },
            text: `${prefix} at the gateway, without a client certificate`,
            expect: "certificate-required" as const,
          },
        ]
      : []),
    {
      ...{ ...at, port: 443, url: `https://${host}${prefix}` },
      ...(gatewayTls === "MUTUAL" && { certificate: "client" as const }),
      text: `${prefix} at the gateway, without a token`,
      expect: fromOutside(s, service, prefix),
    },
  ]);
}

function fromOutside(s: Settings, service: ServiceSettings, path: string): Answer {
  const from = { kind: "outside" } as const;
  return answerTo(s, decide(s, { from, service: service.name, method: "GET", path }));
}

function answerTo(s: Settings, decision: Decision): Answer {
  return s.authorization !== "enforce" || decision.allowed ? "answered" : "denied";
}
