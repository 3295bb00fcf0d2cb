import { setTimeout as sleep } from "node:timers/promises";
import type { GatewayProxy } from "../policies/gateway.ts";
import { type AccessLogLine, findLine, readAccessLog } from "./access-log.ts";
import { kindOf } from "./callers/kinds.ts";
import { judgeDryRun } from "./dry-run.ts";
import { type Identities, identityOf } from "./judge.ts";
import type { Kubectl } from "./kubectl.ts";
import { judgeLogged } from "./logged.ts";
import type { ProbeTarget, TrafficRequest } from "./probe.ts";
import type { Outcome } from "./runner.ts";

/** Namespace and app of the proxy that answers a request. */
interface Server {
  readonly namespace: string;
  readonly app: string;
}

/** Whose log is read for what comes from outside, and who is who in it. */
export interface LogReaders {
  readonly gateway: GatewayProxy;
  readonly identities: Identities;
}

/** Proxies write their log with a delay of about a second, and later where the machine is busy. */
const delay = 1200;
/** How often it is read again while a line is missing that a verdict needs. */
const attempts = 5;

/** Puts the line that the server's proxy wrote beside each outcome, where one is found. */
export async function attachAccessLogs(
  kubectl: Kubectl,
  outcomes: readonly Outcome[],
  target: ProbeTarget,
  since: string,
  readers: LogReaders,
): Promise<Outcome[]> {
  const found = new Map<Outcome, AccessLogLine>();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await sleep(delay);
    const missing = outcomes.filter((o) => !found.has(o));
    await readLines(kubectl, missing, target, since, found, readers);
    if (outcomes.every((o) => !needsLine(o) || found.has(o))) break;
  }
  return outcomes.map((o) => {
    const line = found.get(o);
    const seen = line ? { ...o, evidence: { ...o.evidence, accessLog: line } } : o;
    return judgeLogged(judgeDryRun(seen), readers.identities);
  });
}

/** Whether a verdict hangs on a line of the log. */
export function needsLine({ expected }: Outcome): boolean {
  return expected.wouldBe !== undefined || expected.logged === true;
}

async function readLines(
  kubectl: Kubectl,
  outcomes: readonly Outcome[],
  target: ProbeTarget,
  since: string,
  found: Map<Outcome, AccessLogLine>,
  { gateway, identities }: LogReaders,
): Promise<void> {
  const logs = new Map<string, Promise<AccessLogLine[]>>();
  const read = ({ namespace, app }: Server) => {
    const key = `${namespace}/${app}`;
    const known = logs.get(key) ?? readAccessLog(kubectl, namespace, app, since).catch(() => []);
    logs.set(key, known);
    return known;
  };
  await Promise.all(
    outcomes.map(async (outcome) => {
      const { evidence, request } = outcome;
      const server = serverOf(outcome, target, gateway);
      if (!server || request.from === "tool") return;
      const line = findLine(await read(server), {
        ...{ at: evidence.at, seconds: evidence.seconds, path: pathOf(request) },
        ...answerOf(outcome, request, target, identities),
        ...clientOf(outcome, request, target),
        ...(evidence.requestId && { requestId: evidence.requestId }),
      });
      if (line) found.set(outcome, line);
    }),
  );
}

/** What the line says of the answer: of bytes that are handed on nothing but whose they were, and where they went. */
function answerOf(
  { evidence }: Outcome,
  request: TrafficRequest,
  { settings }: ProbeTarget,
  identities: Identities,
) {
  if (request.from === "host" || !request.opaque)
    return evidence.status === undefined ? {} : { status: evidence.status };
  const caller = request.from === "plain" ? undefined : identityOf("caller", request, identities);
  const { hostname, port } = new URL(request.url);
  const service = settings.services.find(({ name }) => name === hostname.split(".")[0]);
  const handedTo = service?.ports?.find((p) => p.port === Number(port || 80))?.targetPort;
  return {
    ...(caller !== undefined && { peer: caller }),
    ...(handedTo !== undefined && { port: handedTo }),
  };
}

/** What tells a connection of this client from others. */
function clientOf({ evidence }: Outcome, request: TrafficRequest, target: ProbeTarget) {
  if (request.from !== "host") {
    const clientAddress = target.callerAddresses?.[kindOf(request)];
    const { clientPort } = evidence;
    // a sidecar has connections of its own, and a client of the stack may have one
    const straight = request.from !== "mesh" && request.client === undefined;
    return {
      ...(clientAddress !== undefined && { clientAddress }),
      ...(straight && clientPort !== undefined && { clientPort }),
    };
  }
  return request.to === "https" ? { serverName: request.serverName ?? request.host } : {};
}

function pathOf(request: TrafficRequest): string {
  return request.from === "host" ? request.path : new URL(request.url).pathname;
}

/** Whose proxy's line says what is asked; undefined for a server of this process. */
function serverOf(
  { request, expected }: Outcome,
  target: ProbeTarget,
  gateway: GatewayProxy,
): Server | undefined {
  if (request.from === "tool") return undefined;
  if (expected.wouldBeBy !== undefined)
    return { namespace: target.settings.namespace, app: expected.wouldBeBy };
  if (request.from === "host") {
    if (request.to === "control-server") return undefined;
    return gateway;
  }
  const { hostname } = new URL(request.url);
  const byAddress = Object.entries(target.podAddresses).find(([, address]) => address === hostname);
  if (byAddress) return { namespace: target.settings.namespace, app: byAddress[0] };
  const [app, namespace] = hostname.split(".");
  return app && namespace ? { app, namespace } : undefined;
}
