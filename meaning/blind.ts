import { type Platform } from "./manifests/platform.ts";
import { targetPort } from "./manifests/workloads.ts";
import {
  type Labels,
  type Manifest,
  groupOf,
  nameOf,
  namespaceOf,
  placeText,
  selects,
} from "./manifests/objects.ts";
import { otherTrust } from "./unread-trust.ts";
import { settingsGone, unreadChanges, unreadText } from "./unread.ts";

/** Something that cannot be judged, and on which side. */
export interface Blind {
  readonly side: "before" | "after" | "both";
  readonly object: string;
  readonly place: string;
  readonly text: string;
}

/** What cannot be judged on either side, and what changed that is not read at all. */
export function blindSpots(base: Platform, head: Platform): Blind[] {
  const of = (p: Platform, side: "before" | "after"): Blind[] =>
    p.unjudged.map((u) => ({ side, object: u.object, place: placeText(u.place), text: u.text }));
  const found = [
    ...[...of(base, "before"), ...of(head, "after")],
    ...[...networkPolicies(base, head), ...doors(base, head)],
    ...[...unread(base, head), ...gone(base, head)],
  ];
  const key = ({ object, text }: Blind) => `${object}\n${text}`;
  const both = found.filter((b) => found.some((o) => o.side !== b.side && key(o) === key(b)));
  return [
    ...both.filter((b) => b.side === "after").map((b) => ({ ...b, side: "both" as const })),
    ...found.filter((b) => !both.includes(b)),
  ];
}

function unread(base: Platform, head: Platform): Blind[] {
  const changed = unreadChanges(base.objects, head.objects).map((u): Blind => ({
    ...{ side: "after", object: nameOf(u.object), place: placeText(u.object.place) },
    text: unreadText(u),
  }));
  // an object that is named for its own change needs no second word
  const named = new Set(changed.map((b) => b.object));
  const trusted = otherTrust(base, head).filter((t) => !named.has(t.object));
  return [
    ...changed,
    ...trusted.map((t): Blind => ({ ...t, side: "after", place: placeText(t.place) })),
  ];
}

/** Without an injector new pods get no sidecar, and those that run keep theirs; without pods nothing hangs on it. */
function gone(base: Platform, head: Platform): Blind[] {
  if (head.workloads.size === 0) return [];
  return settingsGone(base.objects, head.objects).map((o) => ({
    ...{ side: "before", object: nameOf(o), place: placeText(o.place) },
    text: "is gone, and what becomes of the pods then is not read here",
  }));
}

/** Below HTTP and TLS others may refuse, too; where they stay as they are, nothing opens by them. */
function networkPolicies(base: Platform, head: Platform): Blind[] {
  // Kubernetes' own, and those of networks and of administrators: NetworkPolicy is the end of all their names
  const ofNetworks = ({ objects }: Platform) =>
    new Map(
      objects
        .filter((o) => o.kind.endsWith("NetworkPolicy"))
        .map((o) => [`${groupOf(o)} ${nameOf(o)}`, o]),
    );
  const [before, after] = [ofNetworks(base), ofNetworks(head)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => said(before.get(key)) !== said(after.get(key)))
    .map((key): Blind => {
      const there = after.get(key) ?? before.get(key)!;
      const side = after.has(key) ? "after" : "before";
      const what = before.has(key) ? (after.has(key) ? "changed" : "gone") : "new";
      return {
        ...{ side, object: nameOf(there), place: placeText(there.place) },
        text: `is ${what}, and what it does is not read here`,
      };
    });
}

/** All that an object says, in whichever of its fields. */
function said(object: Manifest | undefined): string | undefined {
  if (!object) return undefined;
  const { metadata: _metadata, place: _place, ...rest } = object;
  void [_metadata, _place];
  return JSON.stringify({ ...rest, status: undefined });
}

/** Services that lead into the cluster from outside, past the gateways. */
function doors(base: Platform, head: Platform): Blind[] {
  const [before, after] = [doorsOf(base), doorsOf(head)];
  const there = (p: Platform) => byName(p, (o) => o.kind === "Service");
  const [old, now] = [there(base), there(head)];
  const blind = (side: "before" | "after", text: string) => (o: Manifest) => ({
    ...{ side, object: nameOf(o), place: placeText(o.place), text },
  });
  // a gateway's Service may become somebody's own door, and the other way round
  const moved = [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [was, is] = [old.get(name), now.get(name)];
    return was && is && leadsTo(base, was) !== leadsTo(head, is) ? [is] : [];
  });
  return [
    ...[...after.values()]
      .filter((o) => !old.has(nameOf(o)))
      .map(blind("after", "is new, and makes a door of its own")),
    ...[...before.values()]
      .filter((o) => !now.has(nameOf(o)))
      .map(blind("before", "is gone, and was a door of its own")),
    ...moved.map(blind("after", "is a door of its own, and leads elsewhere than before")),
  ];
}

/** Pods and ports that a Service leads to, as a text. */
function leadsTo({ workloads }: Platform, object: Manifest): string {
  const { selector, ports = [] } = (object.spec ?? {}) as {
    selector?: Labels;
    ports?: readonly { readonly port: number; readonly targetPort?: number | string }[];
  };
  const pods = [...workloads.values()].filter(
    (w) => w.namespace === namespaceOf(object) && selector && selects(selector, w.labels),
  );
  const targets = ports.map((p) => p.targetPort ?? p.port);
  const ways = pods.flatMap((w) =>
    targets.map((target) => `${w.id}:${targetPort(w, { target }) ?? target}`),
  );
  return [...new Set(ways)].sort().join();
}

function doorsOf(platform: Platform): ReadonlyMap<string, Manifest> {
  const gateways = [...platform.workloads.values()].filter((w) => w.proxy === "gateway");
  return byName(platform, (o) => {
    if (o.kind !== "Service" || o.apiVersion !== "v1") return false;
    const { type, externalIPs, selector } = (o.spec ?? {}) as {
      type?: string;
      externalIPs?: readonly string[];
      selector?: Record<string, string>;
    };
    const open = ["LoadBalancer", "NodePort"].includes(type ?? "") || !!externalIPs?.length;
    const gateway = (w: (typeof gateways)[number]) =>
      w.namespace === namespaceOf(o) && selects(selector, w.labels);
    return open && !(selector && gateways.some(gateway));
  });
}

function byName(
  { objects }: Platform,
  takes: (object: Manifest) => boolean,
): ReadonlyMap<string, Manifest> {
  return new Map(objects.filter(takes).map((o) => [nameOf(o), o]));
}
