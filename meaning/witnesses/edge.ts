import { type Door, doorsOf, seesHttp } from "../evaluate/doors.ts";
import { answerEdge, shakeHands } from "../evaluate/edge.ts";
import { bareHost } from "../evaluate/hosts.ts";
import type { ClientTls, EdgeRequest } from "../evaluate/request.ts";
import { virtualHosts } from "../evaluate/routes.ts";
import { byteQuestions } from "./bytes.ts";
import { type DoorWay, type DoorWays, certificatesAt, doorWays, whoAt } from "./doors-in.ts";
import type { Draft } from "./drafts.ts";
import { edgeDrafts } from "./edge-drafts.ts";
import { unique } from "./literals.ts";
import { type Question, type Questions, bounded, messageText } from "./question.ts";
import type { RouteAt } from "./route-drafts.ts";
import { type Sides } from "./sides.ts";

/** Questions at one gateway at most. */
const most = 30000;
/** Hosts that are asked for at other hosts' servers, for each of them. */
const mostForeign = 40;

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
  const ways = doorWays(sides, id);
  const { drafts, leftOut } = edgeDrafts(sides, id, routesAt(sides, id));
  let missed = leftOut;
  const main = (host: string | undefined) => {
    const mine = ways.to(host).filter((w) => w.http);
    return mine.find((w) => w.tls) ?? mine[0] ?? ways.all.find((w) => w.http);
  };
  const questions = drafts.flatMap(({ centre, around, route }) => {
    // each host by its first way in, preferably with TLS; the request itself by all
    const way = main(centre.host);
    // bytes are asked about apart, and no rule about HTTP decides them
    if (!way) return [];
    const all = ways.to(centre.host).filter((w) => w.http);
    const other = route ? foreign(ways, centre) : [];
    missed += Math.max(0, other.length - mostForeign);
    return [
      ...around.map((d) => questionOf(id, d, d.host === centre.host ? way : main(d.host)!)),
      ...[...(all.length > 0 ? all : [way]), ...other.slice(0, mostForeign)]
        .flatMap(certificatesAt)
        .map((w) => questionOf(id, centre, w)),
    ];
  });
  const shaken = ways.all.flatMap((w) => handshakes(id, w));
  const bytes = byteQuestions(sides, id, ways);
  const found = bounded([...shaken, ...bytes.asked, ...questions], most);
  return { asked: found.asked, leftOut: found.leftOut + bytes.leftOut + missed };
}

/** Servers of other hosts, where a client may ask for this one all the same. */
function foreign(ways: DoorWays, { host }: Draft): DoorWay[] {
  if (host === undefined) return [];
  return ways.all.filter((w) => w.tls && w.http && w.tls.serverName !== bareHost(host));
}

/** Handshakes alone: certificates, names, versions. */
function handshakes(door: string, way: DoorWay): Question[] {
  const { tls, port, host } = way;
  if (!tls) return [];
  const ways: [words: string, tls: ClientTls][] = [
    ...certificatesAt(way).map(({ tls: t }): [string, ClientTls] => [`server name ${host}`, t!]),
    [`server name ${host}, TLS 1.1 at most`, { ...tls, version: "TLSV1_1" }],
    [`server name ${host}, TLS 1.2 at most`, { ...tls, version: "TLSV1_2" }],
    ["another server name", { ...tls, serverName: "other.example" }],
    ["no server name", { ...tls, serverName: "" }],
  ];
  return ways.map(([words, of]) => ({
    about: `${door}:${port}`,
    who: whoAt({ ...way, tls: of }),
    what: `shake hands, ${words}`,
    ask: (platform) => shakeHands(platform, door, port, of),
  }));
}

function questionOf(door: string, draft: Draft, way: DoorWay): Question {
  const { method, path, headers, token, address, serverName } = draft;
  const host = draft.host ?? way.host;
  const tls = way.tls && { ...way.tls, ...(serverName !== undefined && { serverName }) };
  const request: EdgeRequest = {
    ...{ from: { kind: "outside" }, door, port: way.port, host, method, path },
    ...(headers && { headers }),
    ...(token && { token }),
    ...(address !== undefined && { address }),
    ...(tls && { tls }),
  };
  const other = tls && tls.serverName !== bareHost(host);
  return {
    about: `${door}:${way.port}`,
    who: whoAt(way),
    what: `${messageText(request, address)}${other ? `, server name ${tls.serverName}` : ""}`,
    apart: token && JSON.stringify(token),
    ask: (platform) => answerEdge(platform, request),
  };
}

/** Routes of a gateway on either side, each with the name of its host. */
function routesAt(sides: Sides, id: string): RouteAt[] {
  return sides.flatMap((platform) => {
    const door = doorsOf(platform).get(id);
    return door ? routesOf(platform, door) : [];
  });
}

function routesOf(platform: Sides[number], door: Door): RouteAt[] {
  return [...door.listeners.values()].flatMap((listener) => {
    const servers = listener.tls ? listener.servers : [undefined];
    return servers
      .filter((s) => seesHttp((s ?? listener.servers[0]!).server))
      .flatMap((server) =>
        [...virtualHosts(platform, door, listener, server)].flatMap(([name, { routes }]) =>
          routes.map((route) => ({ name, route })),
        ),
      );
  });
}
