import type { ProbeRequest } from "../probe.ts";
import { evidenceText } from "./terminal.ts";
import type { Outcome } from "../runner.ts";

export { evidenceText, expectedText } from "./terminal.ts";

const toolTexts = {
  analyze: "istioctl analyze of all namespaces",
  precheck: "istioctl x precheck",
  synced: "istioctl proxy-status",
  rejections: "istiod's own metrics",
  sidecars: "the containers of all pods of the namespace",
  mode: "istioctl x describe pod",
  certificate: "istioctl proxy-config secret",
  ready: "conditions and probes of the pods",
  unchanged: "pulumi preview of the stack",
  flip: "PERMISSIVE to STRICT while a workload of the mesh asks on and on",
  flagged: "istioctl analyze of the namespace",
  webhook: "kubectl apply of a wrong object, as a dry run of the server",
  counted: "the metrics of the service's proxy",
  "secrets-in-logs": "the logs of all proxies and of istiod",
} as const;

/** A request in one line: who, what, how. Of a token, its issuer and its flaw; never its text. */
export function requestText(request: ProbeRequest): string {
  if (request.from === "tool") {
    return [toolTexts[request.check], request.service && `of ${request.service}`]
      .filter(Boolean)
      .join(" ");
  }
  const method = request.method ?? "GET";
  const token =
    request.token &&
    `token of ${request.token.issuer}${request.token.flaw ? ` (${request.token.flaw})` : ""}`;
  const headers = Object.keys(request.headers ?? {}).map((name) => `header ${name}`);
  if (request.from === "host") {
    const { to, host, path, serverName, clientCertificate, tlsVersion, trust } = request;
    const parts = [
      `this machine: ${method} ${to === "control-server" ? "a server of its own" : to}://${host}${path}`,
      serverName !== undefined && serverName !== host && `server name ${serverName || "(none)"}`,
      clientCertificate && `client certificate ${clientCertificate}`,
      trust && `trusting ${trust}`,
      tlsVersion,
      token,
      ...headers,
    ];
    return parts.filter(Boolean).join(", ");
  }
  const who = request.client ?? request.as;
  const froms = {
    mesh: "a pod with a sidecar",
    plain: "a pod without a sidecar",
    certificate: "a pod past its own sidecar, with its certificate",
  };
  const caller = who === undefined ? froms[request.from] : `${froms[request.from]} as ${who}`;
  return [`${caller}: ${method} ${request.url}`, token, ...headers].filter(Boolean).join(", ");
}

/** What the control was, and what it got. */
export function controlText(control: NonNullable<Outcome["control"]>): string {
  return `${control.differs}: ${evidenceText(control.evidence)}`;
}
