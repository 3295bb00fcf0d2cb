import { answerEdge, shakeHands } from "../evaluate/edge.ts";
import { type Door, doorsOf, seesHttp, tlsMode } from "../evaluate/doors.ts";
import { isWildcard } from "../evaluate/hosts.ts";
import type { ClientTls, EdgeRequest } from "../evaluate/request.ts";
import { type Route, virtualHosts } from "../evaluate/routes.ts";
import { unique } from "./literals.ts";
import { edgeDrafts } from "./edge-drafts.ts";
import type { Draft } from "./drafts.ts";
import { type Question, type Questions, bounded, messageText } from "./question.ts";
import { type Sides, distinct } from "./sides.ts";

/** Questions at one gateway at most. */
const most = 30000;

/** A way in to a gateway: a port, and how it is spoken to. */
export interface Entry {
  readonly port: number;
  readonly host: string;
  readonly tls?: ClientTls;
  /** Whether a client certificate is asked for on either side. */
  readonly certificates: boolean;
}

/** What clients outside are asked to get at each gateway. */
export function edgeQuestions(sides: Sides): Questions {
  const all = doorIds(sides).map((id) => questionsAt(sides, id));
  return {
    asked: all.flatMap((q) => q.asked),
    leftOut: all.reduce((sum, q) => sum + q.leftOut, 0),
  };
}

function doorIds(sides: Sides): string[] {
  return unique(sides.flatMap((p) => [...doorsOf(p).keys()])).sort();
}

function questionsAt(sides: Sides, id: string): Questions {
  const entries = entriesOf(sides, id);
  const drafts = edgeDrafts(sides, id, routesAt(sides, id));
  const questions = drafts.flatMap(({ centre, around }) => {
    // each host by its first way in, preferably with TLS; the request itself by all
    const mine = entries.filter((e) => centre.host === undefined || e.host === centre.host);
    const main = mine.find((e) => e.tls) ?? mine[0];
    if (!main) return [];
    const ways = mine.flatMap((e) => certificatesAt(e));
    return [
      ...around.map((draft) => questionOf(id, draft, main)),
      ...ways.map((entry) => questionOf(id, centre, entry)),
    ];
  });
  return bounded([...entries.flatMap((e) => handshakes(id, e)), ...questions], most);
}

/** All ways in on either side. */
function entriesOf(sides: Sides, id: string): Entry[] {
  const doors = sides.flatMap((p) => doorsOf(p).get(id) ?? []);
  const servers = doors.flatMap((d) =>
    [...d.listeners.values()].flatMap((l) =>
      l.servers.flatMap((at) => at.hosts.map((host) => ({ ...l, at, host: concrete(host) }))),
    ),
  );
  const asking = (port: number, host: string) =>
    servers.some(
      (s) => s.port === port && s.host === host && s.tls && tlsMode(s.at.server).includes("MUTUAL"),
    );
  return distinct(
    servers.map(({ port, tls, host }): Entry => {
      const certificates = asking(port, host);
      const certificate = certificates ? "trusted" : "none";
      return {
        ...{ port, host, certificates },
        ...(tls && { tls: { serverName: host, certificate } }),
      };
    }),
  );
}

/** A host that a name is about. */
function concrete(host: string): string {
  if (host === "*") return "any.example";
  return isWildcard(host) ? `any${host.slice(1)}` : host;
}

/** A way in with each certificate that a client may show. */
function certificatesAt(entry: Entry): Entry[] {
  const { tls } = entry;
  if (!tls || !entry.certificates) return [entry];
  return (["trusted", "none", "foreign"] as const).map((certificate) => ({
    ...entry,
    tls: { ...tls, certificate },
  }));
}

/** Handshakes alone: certificates, names, versions. */
function handshakes(door: string, entry: Entry): Question[] {
  const { tls, port, host } = entry;
  if (!tls) return [];
  const ways: [words: string, tls: ClientTls][] = [
    ...certificatesAt(entry).map(({ tls: t }): [string, ClientTls] => [`server name ${host}`, t!]),
    [`server name ${host}, TLS 1.1 at most`, { ...tls, version: "TLSV1_1" }],
    [`server name ${host}, TLS 1.2 at most`, { ...tls, version: "TLSV1_2" }],
    ["another server name", { ...tls, serverName: "other.example" }],
    ["no server name", { ...tls, serverName: "" }],
  ];
  return ways.map(([words, of]) => ({
    about: `${door}:${port}`,
    who: whoAt({ ...entry, tls: of }),
    what: `shake hands, ${words}`,
    ask: (platform) => shakeHands(platform, door, port, of),
  }));
}

function questionOf(door: string, draft: Draft, entry: Entry): Question {
  const { method, path, headers, token, address, serverName } = draft;
  const host = draft.host ?? entry.host;
  const tls = entry.tls && { ...entry.tls, ...(serverName !== undefined && { serverName }) };
  const request: EdgeRequest = {
    ...{ from: { kind: "outside" }, door, port: entry.port, host, method, path },
    ...(headers && { headers }),
    ...(token && { token }),
    ...(address !== undefined && { address }),
    ...(tls && { tls }),
  };
  return {
    about: `${door}:${entry.port}`,
    who: whoAt(entry),
    what: messageText(request, address),
    ask: (platform) => answerEdge(platform, request),
  };
}

function whoAt({ tls, certificates }: Entry): string {
  if (!tls) return "outside, over plain HTTP";
  if (!certificates) return "outside";
  const words = {
    trusted: "with a client certificate",
    none: "without a client certificate",
    foreign: "with a client certificate of another CA",
  };
  return `outside, ${words[tls.certificate]}`;
}

/** Routes of a gateway on either side, each with a host that it is about. */
function routesAt(sides: Sides, id: string): { host: string; route: Route }[] {
  return sides.flatMap((platform) => {
    const door = doorsOf(platform).get(id);
    return door ? routesOf(platform, door) : [];
  });
}

function routesOf(platform: Sides[number], door: Door): { host: string; route: Route }[] {
  return [...door.listeners.values()].flatMap((listener) => {
    const servers = listener.tls ? listener.servers : [undefined];
    return servers
      .filter((s) => seesHttp((s ?? listener.servers[0]!).server))
      .flatMap((server) =>
        [...virtualHosts(platform, door, listener, server)].flatMap(([host, { routes }]) =>
          routes.map((route) => ({ host: concrete(host), route })),
        ),
      );
  });
}
