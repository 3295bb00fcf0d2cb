import type { TrafficRequest } from "../probe.ts";
import type { Outcome } from "../runner.ts";
import type { Platform } from "./report.ts";

/** What one kind of caller got from one service. */
export interface Cell {
  /** Questions that were answered by the service. */
  readonly answered: number;
  /** Questions that were refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Questions whose answer was not the right one. */
  readonly wrong: number;
}

/** Callers × services. */
export interface Matrix {
  readonly callers: readonly string[];
  readonly services: readonly string[];
  readonly cell: (caller: string, service: string) => Cell | undefined;
}

/** Callers in the order in which people look for them. */
const order = ["outside", "without a sidecar", "a stranger of the mesh"];

/** Who got what from whom, of all questions that were sent to a service of the stack. */
export function matrixOf(outcomes: readonly Outcome[], platform: Platform): Matrix {
  const cells = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const { request } = outcome;
    if (request.from === "tool") continue;
    const service = serviceOf(request, platform);
    if (service === undefined) continue;
    const key = JSON.stringify([callerOf(request), service]);
    cells.set(key, [...(cells.get(key) ?? []), outcome]);
  }
  const pairs = [...cells.keys()].map((key) => JSON.parse(key) as [string, string]);
  const rank = (caller: string) => (order.includes(caller) ? order.indexOf(caller) : order.length);
  const callers = [...new Set(pairs.map(([caller]) => caller))].sort(
    (a, b) => rank(a) - rank(b) || a.localeCompare(b),
  );
  const asked = new Set(pairs.map(([, service]) => service));
  return {
    callers,
    services: platform.services.map((s) => s.name).filter((name) => asked.has(name)),
    cell: (caller, service) => {
      const of = cells.get(JSON.stringify([caller, service]));
      return of && cellOf(of);
    },
  };
}

function cellOf(outcomes: readonly Outcome[]): Cell {
  const refused: Record<string, number> = {};
  for (const { got } of outcomes) if (got !== "ok") refused[got] = (refused[got] ?? 0) + 1;
  return {
    answered: outcomes.filter((o) => o.got === "ok").length,
    refused,
    wrong: outcomes.filter((o) => o.verdict !== "holds").length,
  };
}

function callerOf(request: TrafficRequest): string {
  if (request.from === "host") return "outside";
  if (request.client !== undefined) return request.client;
  if (request.from === "plain") return "without a sidecar";
  return request.as ?? "a stranger of the mesh";
}

function serviceOf(request: TrafficRequest, { services, namespace, host }: Platform) {
  if (request.from === "host") {
    // what asks for another host, or for no path of a service, is about the gateway
    if (request.to === "control-server" || request.host.toLowerCase() !== host) return undefined;
    const path = request.path.split("?")[0]!;
    // prefixes never overlap
    return services.find(
      ({ prefix }) => prefix !== undefined && (path === prefix || path.startsWith(`${prefix}/`)),
    )?.name;
  }
  const [name, space] = new URL(request.url).hostname.split(".");
  return space === namespace ? services.find((s) => s.name === name)?.name : undefined;
}
