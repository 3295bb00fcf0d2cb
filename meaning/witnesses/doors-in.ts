import { doorsOf, seesHttp, tlsMode } from "../evaluate/doors.ts";
import { bareHost, bestMatch, isWildcard } from "../evaluate/hosts.ts";
import type { ClientTls } from "../evaluate/request.ts";
import { unique } from "./literals.ts";
import { type Sides, distinct } from "./sides.ts";

/** A way in to a gateway: a port, and how it is spoken to. */
export interface DoorWay {
  readonly port: number;
  readonly host: string;
  readonly tls?: ClientTls;
  /** Whether a client certificate is asked for on either side. */
  readonly certificates: boolean;
  /** Whether the gateway sees HTTP there on either side, and whether it hands on bytes on either. */
  readonly http: boolean;
  readonly bytes: boolean;
}

export interface DoorWays {
  /** One for each name of each server. */
  readonly all: readonly DoorWay[];
  /** Those that a client takes who is looking for a host: by the server at each port whose name is the nearest. */
  readonly to: (host: string | undefined) => readonly DoorWay[];
}

/** A name of a server, on one side. */
interface Name {
  readonly port: number;
  readonly tls: boolean;
  readonly name: string;
  readonly mutual: boolean;
  readonly http: boolean;
}

/** All ways in on either side. */
export function doorWays(sides: Sides, id: string): DoorWays {
  const names = distinct(
    sides.flatMap((platform) =>
      [...(doorsOf(platform).get(id)?.listeners.values() ?? [])].flatMap(({ port, tls, servers }) =>
        servers.flatMap(({ server, hosts }) =>
          hosts.map((name): Name => {
            const mutual = tls && tlsMode(server).includes("MUTUAL");
            return { port, tls, name, mutual, http: seesHttp(server) };
          }),
        ),
      ),
    ),
  );
  const listeners = [...Map.groupBy(names, (n) => `${n.port} ${n.tls}`).values()];
  const all = distinct(
    listeners.flatMap((mine) => mine.flatMap((n) => wayAt(mine, n.name, concrete(n.name)) ?? [])),
  );
  const known = new Map<string | undefined, readonly DoorWay[]>();
  const make = (host: string | undefined) => {
    if (host === undefined) return all;
    const found = listeners.flatMap((mine) => {
      const best = bestMatch(unique(mine.map((n) => n.name)), bareHost(host));
      return best === undefined ? [] : (wayAt(mine, best, bareHost(host)) ?? []);
    });
    // whoever knows another server's name may ask there for any host
    if (found.length > 0) return found;
    const other = all.find((w) => w.http && w.tls) ?? all.find((w) => w.http) ?? all[0];
    return other ? [other] : [];
  };
  return {
    all,
    to: (host) => {
      const found = known.get(host) ?? make(host);
      known.set(host, found);
      return found;
    },
  };
}

/** A way to a host by a listener's servers of one name. */
function wayAt(names: readonly Name[], name: string, host: string): DoorWay | undefined {
  const servers = names.filter((n) => n.name === name);
  const [first] = servers;
  if (!first) return undefined;
  // a server that one side alone has leaves its hosts to another one on the other side
  const near = names.filter((n) => bestMatch([n.name], host) !== undefined);
  const certificates = near.some((n) => n.mutual);
  const certificate = certificates ? "trusted" : "none";
  return {
    ...{ port: first.port, host, certificates },
    ...{ http: near.some((n) => n.http), bytes: near.some((n) => !n.http) },
    ...(first.tls && { tls: { serverName: host, certificate } }),
  };
}

/** A host that a name is about. */
export function concrete(host: string): string {
  if (host === "*") return "any.example";
  return isWildcard(host) ? `any${host.slice(1)}` : host;
}

/** A way in with each certificate that a client may show. */
export function certificatesAt(way: DoorWay): DoorWay[] {
  const { tls } = way;
  if (!tls || !way.certificates) return [way];
  return (["trusted", "none", "foreign"] as const).map((certificate) => ({
    ...way,
    tls: { ...tls, certificate },
  }));
}

/** Who comes by a way, in words. */
export function whoAt({ tls, certificates, http }: DoorWay): string {
  if (!tls) return http ? "outside, over plain HTTP" : "outside, without TLS";
  if (!certificates) return "outside";
  const words = {
    trusted: "with a client certificate",
    none: "without a client certificate",
    foreign: "with a client certificate of another CA",
  };
  return `outside, ${words[tls.certificate]}`;
}
