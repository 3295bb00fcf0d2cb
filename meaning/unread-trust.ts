import { type ServerAt, doorsOf } from "./evaluate/doors.ts";
import { serverNamed } from "./evaluate/edge.ts";
import { authenticationsAbout } from "./evaluate/tokens.ts";
import type { Place } from "./manifests/objects.ts";
import type { Platform } from "./manifests/platform.ts";
import { concrete } from "./witnesses/doors-in.ts";

/** Somebody else who is trusted in a place where somebody was before, whatever the objects are called. */
export interface OtherTrust {
  /** Kind and name of the object that says so. */
  readonly object: string;
  readonly place: Place;
  readonly text: string;
}

type Authentication = Platform["requestAuthentications"][number];
type JwtRule = NonNullable<Authentication["spec"]["jwtRules"]>[number];

/** What of a server's TLS is read: all else of it is about certificates, or about what they are used with. */
const readOfTls = ["mode", "httpsRedirect", "minProtocolVersion"];

/**
 * Other keys for an issuer whose tokens the same pods took, and other certificates at a door where the same host is
 * asked for. An issuer and a host that are new need no word here: that they are taken shows in answers.
 */
export function otherTrust(base: Platform, head: Platform): OtherTrust[] {
  return [...otherKeys(base, head), ...otherCertificates(base, head)];
}

function otherKeys(base: Platform, head: Platform): OtherTrust[] {
  // both sides of a comparison share what they have in common
  const known = new Set(base.requestAuthentications.map(({ spec }) => spec));
  const found = new Map<string, OtherTrust>();
  for (const pod of head.workloads.values()) {
    const was = base.workloads.get(pod.id);
    const mine = authenticationsAbout(head, pod).filter(({ spec }) => !known.has(spec));
    if (!was || mine.length === 0) continue;
    const before = authenticationsAbout(base, was).flatMap(({ spec }) => spec.jwtRules ?? []);
    for (const { namespace, name, spec, place } of mine)
      for (const [i, rule] of (spec.jwtRules ?? []).entries()) {
        const same = before.filter((b) => isAbout(b, rule));
        if (same.length === 0 || same.some((b) => keysOf(b) === keysOf(rule))) continue;
        const object = `RequestAuthentication ${namespace}/${name}`;
        const text = `spec.jwtRules.${i} has other keys for ${rule.issuer || "any issuer"} than before, and what they sign is not read here`;
        found.set(`${object} ${i}`, { object, place, text });
      }
  }
  return [...found.values()];
}

/** Whether two rules take tokens of one issuer: a rule without any takes those of all. */
function isAbout({ issuer: one }: JwtRule, { issuer: other }: JwtRule): boolean {
  return !one || !other || one === other;
}

function keysOf({ jwks = "", jwksUri = "" }: JwtRule): string {
  return JSON.stringify([jwks, jwksUri]);
}

function otherCertificates(base: Platform, head: Platform): OtherTrust[] {
  const found = new Map<string, OtherTrust>();
  for (const [id, { listeners }] of doorsOf(head))
    for (const [port, listener] of listeners) {
      const was = doorsOf(base).get(id)?.listeners.get(port);
      if (!was?.tls || !listener.tls) continue;
      const hosts = new Set([...was.servers, ...listener.servers].flatMap((s) => s.hosts));
      for (const host of hosts) {
        const name = concrete(host);
        const [before, after] = [serverNamed(was, name), serverNamed(listener, name)];
        const fields = before && after ? fieldsApart(before, after) : [];
        const gateway = head.gateways.find((g) => `${g.namespace}/${g.name}` === after?.gateway);
        if (fields.length === 0 || !gateway || found.has(after!.gateway)) continue;
        const text = `its server for ${host} has another ${fields.join(", ")} than before, and what that does is not read here`;
        found.set(after!.gateway, {
          ...{ object: `Gateway ${after!.gateway}`, place: gateway.place, text },
        });
      }
    }
  return [...found.values()];
}

function fieldsApart({ server: one }: ServerAt, { server: other }: ServerAt): string[] {
  const [before, after] = [one.tls ?? {}, other.tls ?? {}] as Readonly<Record<string, unknown>>[];
  return [...new Set([...Object.keys(before!), ...Object.keys(after!)])].filter(
    (field) =>
      !readOfTls.includes(field) &&
      JSON.stringify(before![field]) !== JSON.stringify(after![field]),
  );
}
