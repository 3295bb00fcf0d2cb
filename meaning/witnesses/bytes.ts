import { answerEdge } from "../evaluate/edge.ts";
import type { EdgeRequest } from "../evaluate/request.ts";
import type { VirtualServiceSpec } from "../../policies/routing.ts";
import { type DoorWay, type DoorWays, certificatesAt, concrete, whoAt } from "./doors-in.ts";
import { partsOf } from "./drafts.ts";
import { unique } from "./literals.ts";
import type { Question, Questions } from "./question.ts";
import { type Sides, contextOf, distinct, rulesAbout } from "./sides.ts";

/** Addresses that each way is asked for at most. */
const mostAddresses = 40;

/** What a gateway hands on as bytes, at each port and server name, from each address that a rule names. */
export function byteQuestions(sides: Sides, id: string, ways: DoorWays): Questions {
  const { rules } = rulesAbout(sides, id);
  const named = sides.flatMap((p) => p.virtualServices.flatMap(({ spec }) => serverNames(spec)));
  const mine = distinct([
    ...ways.all,
    ...unique(named.map(concrete)).flatMap((name) => ways.to(name).filter((w) => w.tls)),
  ]).filter((w) => w.bytes);
  if (mine.length === 0) return { asked: [], leftOut: 0 };
  const addresses = unique(
    rules.flatMap(({ rule, namespace }) => {
      const context = contextOf(sides, namespace, { issuers: [], path: "/" });
      return partsOf(rule, context).addresses;
    }),
  );
  const asked = mine.flatMap((way) =>
    [undefined, ...addresses.slice(0, mostAddresses)].flatMap((address) =>
      certificatesAt(way).map((w) => questionOf(id, w, address)),
    ),
  );
  const missed = Math.max(0, addresses.length - mostAddresses) * mine.length;
  return { asked, leftOut: missed };
}

function serverNames({ tls = [] }: VirtualServiceSpec): string[] {
  const matches = tls.flatMap((route) => route.match ?? []);
  return matches.flatMap((m) => (m as { sniHosts?: readonly string[] }).sniHosts ?? []);
}

function questionOf(door: string, way: DoorWay, address: string | undefined): Question {
  const request: EdgeRequest = {
    ...{ from: { kind: "outside" }, door, port: way.port, host: way.host },
    ...{ method: "GET", path: "/" },
    ...(address !== undefined && { address }),
    ...(way.tls && { tls: way.tls }),
  };
  const name = way.tls ? `, server name ${way.tls.serverName}` : "";
  return {
    about: `${door}:${way.port}`,
    who: whoAt({ ...way, http: false }),
    what: `connect${name}${address === undefined ? "" : `, from ${address}`}`,
    ask: (platform) => answerEdge(platform, request),
  };
}
