import { type Labels, nameOf, selects } from "../manifests/objects.ts";
import type { Platform } from "../manifests/platform.ts";
import {
  type Service,
  type Workload,
  servicesElsewhere,
  targetPort,
} from "../manifests/workloads.ts";
import { clientTlsOf } from "./client-tls.ts";
import type { Door } from "./doors.ts";
import { fullName } from "./hosts.ts";
import { type Arrival, arrive, blindTo, unknown } from "./inbound.ts";
import type { Answer, Token } from "./request.ts";
import type { HttpMatch, HttpRoute } from "./route-match.ts";
import type { Route } from "./routes.ts";
import { type Client, dial, principalOf } from "./transport.ts";
import { nowhere, together } from "./ways.ts";

type Message = Arrival["message"];
type HttpDestination = NonNullable<HttpRoute["route"]>[number];
type HeaderChanges = NonNullable<NonNullable<HttpRoute["headers"]>["request"]>;

/** A request on its way, with the address of its client. */
export interface Forwarded {
  readonly message: Message;
  readonly address?: string | undefined;
}

/** What a request gets that a route sends on: of several destinations, any may be its own. */
export function forward(platform: Platform, door: Door, at: Route, of: Forwarded): Answer {
  const { route, match, virtualService } = at;
  const destinations = weighed(route.route ?? []);
  const rewritten = rewrite(of.message, route, match);
  const changed = change(rewritten, route.headers?.request);
  return together(
    destinations.map((d) =>
      send(platform, door, {
        ...{ destination: d.destination, namespace: virtualService.namespace },
        forwarded: { ...of, message: change(changed, d.headers?.request) },
        http: true,
      }),
    ),
  );
}

/** Destinations that get anything: of several, those with a weight. */
export function weighed<T extends { readonly weight?: number }>(all: readonly T[]): readonly T[] {
  return all.length < 2 ? all : all.filter((d) => (d.weight ?? 0) > 0);
}

export interface Sent {
  readonly destination: HttpDestination["destination"];
  /** Namespace of the VirtualService, which short names are of. */
  readonly namespace: string;
  readonly forwarded: Forwarded;
  readonly http: boolean;
}

/** What a request gets from the pods of a destination. */
export function send(platform: Platform, door: Door, sent: Sent): Answer {
  const { destination, namespace } = sent;
  const host = fullName(destination.host, namespace);
  const service = platform.services.find((s) => s.host === host);
  if (!service) return outside(platform, host);
  if (!isKnown(service, door.workload.namespace))
    return nowhere(`${host} is not exported to ${door.workload.namespace}`);
  const port = destination.port
    ? service.ports.find((p) => p.port === destination.port!.number)
    : service.ports.length === 1
      ? service.ports[0]
      : undefined;
  if (!port)
    return nowhere(`${host} has no port ${destination.port?.number ?? "of its own alone"}`);
  const { subset } = destination;
  const via = { host, port: port.port, ...(subset !== undefined && { subset }) };
  const client = clientOf(platform, door);
  const labels = subset === undefined ? {} : subsetLabels(platform, client, service, via);
  if (!labels) return nowhere(`${host} has no subset ${subset}`);
  const foreign = foreignBehind(platform, service);
  if (foreign) return foreign;
  const pods = podsOf(platform, service).filter((w) => selects(labels, w.labels));
  if (pods.length === 0) return nowhere(`${host} has no pods`);
  return together(
    pods.map((workload) => {
      const number = targetPort(workload, port);
      if (number === undefined) return nowhere(`${workload.id} has no port ${port.target}`);
      const blind = blindTo(platform, workload, number);
      if (blind) return blind;
      const connection = dial(platform, client, { workload, port: number, via });
      if ("failed" in connection) return { ...connection.failed, at: "gateway" as const };
      const { message, address } = sent.forwarded;
      return arrive(platform, workload, {
        ...connection,
        ...{ port: number, message, remoteAddress: address, http: sent.http },
      });
    }),
  );
}

/** Where pods that stand in no manifest may be behind a Service, nobody knows what they answer. */
function foreignBehind({ unjudged }: Platform, service: Service): Answer | undefined {
  const found = unjudged.find(
    ({ scope: { own, namespace, labels = {} } }) =>
      own && namespace === service.namespace && selects(service.selector, labels),
  );
  return found && unknown(`${found.object}: ${found.text}`);
}

/** Whether proxies of a namespace know a Service. */
function isKnown({ exportTo, namespace }: Service, to: string): boolean {
  return (
    !exportTo || exportTo.some((n) => n === "*" || n === to || (n === "." && namespace === to))
  );
}

const behind = new WeakMap<object, WeakMap<object, readonly Workload[]>>();

/** Workloads of a Service; each is asked for again and again. */
function podsOf(platform: Platform, service: Service): readonly Workload[] {
  const mine = behind.get(platform) ?? new WeakMap<object, readonly Workload[]>();
  behind.set(platform, mine);
  const found =
    mine.get(service) ??
    [...platform.workloads.values()].filter(
      (w) => w.namespace === service.namespace && selects(service.selector, w.labels),
    );
  mine.set(service, found);
  return found;
}

function clientOf(platform: Platform, { workload }: Door): Client {
  return { ...workload, principal: principalOf(platform, workload) };
}

function subsetLabels(
  platform: Platform,
  client: Client,
  { namespace }: Service,
  via: { readonly host: string; readonly port: number; readonly subset?: string },
): Labels | undefined {
  return clientTlsOf(platform, { ...via, client, namespace }).subset;
}

/** Hosts that no selector of a Service leads from: those that a ServiceEntry names are outside of the cluster. */
function outside({ objects }: Platform, host: string): Answer {
  const named = objects.some(
    (o) =>
      o.kind === "ServiceEntry" && (o.spec?.hosts as readonly string[] | undefined)?.includes(host),
  );
  if (named) return { verdict: "open", reason: "ok", reached: host, mtls: false };
  const elsewhere = servicesElsewhere(objects).get(host);
  return elsewhere
    ? unknown(`${nameOf(elsewhere)} chooses no pods, and where it leads is not read here`)
    : nowhere(`there is no Service ${host}`);
}

function rewrite(
  message: Message,
  { rewrite: to }: HttpRoute,
  match: HttpMatch | undefined,
): Message {
  if (!to) return message;
  const [path, ...query] = message.path.split("?") as [string, ...string[]];
  const prefix = match?.uri?.prefix;
  const changed =
    to.uri === undefined
      ? path
      : prefix !== undefined
        ? `${to.uri}${path.slice(prefix.length)}`
        : to.uri;
  return {
    ...message,
    path: [changed, ...query].join("?"),
    ...(to.authority !== undefined && { host: to.authority }),
  };
}

function change(message: Message, changes: HeaderChanges | undefined): Message {
  if (!changes) return message;
  const headers: Record<string, string | readonly string[]> = { ...message.headers };
  const lower = (all: Readonly<Record<string, string>> = {}) =>
    Object.entries(all).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of lower(changes.set)) headers[name] = value;
  for (const [name, value] of lower(changes.add))
    headers[name] = headers[name] === undefined ? value : [headers[name], value].flat();
  const removed = (changes.remove ?? []).map((name) => name.toLowerCase());
  for (const name of removed) Reflect.deleteProperty(headers, name);
  const written = lower(changes.set).find(([name]) => name === ":authority" || name === "host");
  const { token, ...rest } = message;
  const gone = [...removed, ...lower(changes.set).map(([name]) => name)];
  return {
    ...rest,
    headers,
    ...(token && !isIn(token, gone) && { token }),
    ...(written && { host: written[1] }),
  };
}

function isIn({ place }: Token, headers: readonly string[]): boolean {
  return "header" in place && headers.includes(place.header);
}
