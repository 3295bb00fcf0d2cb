import { inBlocks } from "./addresses.ts";
import type { Seen } from "./request.ts";
import { type Matcher, anyOf, hostMatcher, quoted, valueMatcher } from "./text-match.ts";
import { isTemplate, templateMatcher } from "./path-template.ts";

/** Whether something holds; undefined where nobody can know. */
export type Tri = boolean | undefined;

/** Asks a request for something. */
export type Test = (seen: Seen) => Tri;

/** What a field or a condition asks for. */
export interface Attribute {
  /** Only HTTP has it; of bytes nobody can ask for it. */
  readonly http: boolean;
  /** A test for any of these values. */
  readonly test: (values: readonly string[], context: AttributeContext) => Test;
}

export interface AttributeContext {
  /** Namespace of the policy. */
  readonly namespace: string;
  /** The mesh's trust domains, its own first. */
  readonly trustDomains: readonly string[];
}

const onConnection = (test: Attribute["test"]): Attribute => ({ http: false, test });
const onRequest = (test: Attribute["test"]): Attribute => ({ http: true, test });

/** A test of one text; what is not there matches nothing. */
function textTest(of: (seen: Seen) => string | undefined, matches: Matcher): Test {
  return (seen) => {
    const text = of(seen);
    return text !== undefined && matches(text);
  };
}

const identity = (seen: Seen) => seen.principal;
const regexes = (sources: readonly string[]): Matcher => {
  const pattern = new RegExp(`^(?:${sources.join("|")})$`);
  return (text) => pattern.test(text);
};

const principal = onConnection((values, { trustDomains }) => {
  const all = values.flatMap((value) => withTrustDomains(value, trustDomains));
  return textTest(identity, anyOf(all.map(valueMatcher)));
});

/** A principal of the mesh's trust domain is meant in each of its names; `cluster.local` always is the mesh's own. */
function withTrustDomains(value: string, trustDomains: readonly string[]): string[] {
  const [domain, ...rest] = value.split("/");
  if (rest.length !== 4) return [value];
  const own = domain === "cluster.local" || trustDomains.some((t) => valueMatcher(domain!)(t));
  if (!own) return [value];
  return [
    ...new Set(
      trustDomains.map((t) => (valueMatcher(domain!)(t) ? value : [t, ...rest].join("/"))),
    ),
  ];
}

const namespace = onConnection((values) =>
  textTest(
    identity,
    // a wildcard may stand anywhere in it
    regexes(values.map((v) => `.*/ns/${v.split("*").map(quoted).join(".*")}/.*`)),
  ),
);

const serviceAccount = onConnection((values, context) =>
  textTest(
    identity,
    regexes(
      values.map((value) => {
        const [ns, account] = value.includes("/") ? value.split("/") : [context.namespace, value];
        return `.+/ns/${quoted(ns!)}/(.+/|)sa/${quoted(account!)}(/.+)?`;
      }),
    ),
  ),
);

const trustDomain = onConnection((values, { trustDomains }) => {
  const own = values.some((v) => trustDomains.includes(v));
  const all = own ? [...new Set([...values, ...trustDomains])] : values;
  const patterns = all.map((v) => v.split("*").map(quoted).join("[^/]*"));
  return textTest(identity, regexes(patterns.map((p) => `${p}/.*`)));
});

const address = (of: (seen: Seen) => string) =>
  onConnection((values) => {
    const within = inBlocks(values);
    return (seen) => within(of(seen));
  });

const port = onConnection((values) => {
  const ports = values.map(Number);
  return (seen) => ports.includes(seen.port);
});

const serverName = onConnection((values) =>
  textTest((seen) => seen.serverName, anyOf(values.map(valueMatcher))),
);

const nobodyKnows = onConnection(() => () => undefined);

const requestPrincipal = onRequest((values) => {
  const any = values.map(principalTest);
  return (seen) => any.some((test) => test(seen.claims));
});

/** Issuer and subject, parted by the last slash: an issuer may be a URL. */
function principalTest(value: string): (claims: Seen["claims"]) => boolean {
  const slash = value.lastIndexOf("/");
  const [issuer, subject] =
    slash >= 0
      ? [value.slice(0, slash), value.slice(slash + 1)]
      : value.startsWith("*")
        ? ["*", value]
        : value.endsWith("*")
          ? [value, "*"]
          : [value, ""];
  // only the side of the value's own wildcard has one
  const front = value.startsWith("*");
  const exact = (text: string) => (other: string) => other === text;
  const byIssuer = front || slash < 0 ? valueMatcher(issuer) : exact(issuer);
  const bySubject =
    (!front && value.endsWith("*")) || slash < 0 ? valueMatcher(subject) : exact(subject);
  return (claims) =>
    typeof claims?.iss === "string" &&
    typeof claims.sub === "string" &&
    byIssuer(claims.iss) &&
    bySubject(claims.sub);
}

/** A claim by the names that lead to it. */
const claim = (path: readonly string[]) =>
  onRequest((values) => {
    const matches = anyOf(values.map(valueMatcher));
    return (seen) => claimTexts(path, seen).some(matches);
  });

function claimTexts(path: readonly string[], { claims, words }: Seen): readonly string[] {
  const value = path.reduce<unknown>(
    (v, name) =>
      typeof v === "object" && v !== null && !Array.isArray(v)
        ? (v as Record<string, unknown>)[name]
        : undefined,
    claims,
  );
  if (typeof value === "string")
    return path.length === 1 && words.includes(path[0]!) ? value.split(" ") : [value];
  // numbers and truths are no texts
  return Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
}

const header = (name: string) =>
  onRequest((values) => {
    // any value will do, an empty one too
    const present = values.includes("*");
    const matches = anyOf(values.map(valueMatcher));
    return (seen) => {
      const found = seen.headers[name.toLowerCase()];
      if (found === undefined) return false;
      // of several headers of one name, each counts for itself
      return present || (typeof found === "string" ? [found] : found).some(matches);
    };
  });

/** Fields of `from.source`, without `not` in front. */
export const sourceFields: Readonly<Record<string, Attribute>> = {
  principals: principal,
  namespaces: namespace,
  serviceAccounts: serviceAccount,
  trustDomains: trustDomain,
  requestPrincipals: requestPrincipal,
  ipBlocks: address((seen) => seen.peerAddress),
  remoteIpBlocks: address((seen) => seen.remoteAddress),
};

/** Fields of `to.operation`. */
export const operationFields: Readonly<Record<string, Attribute>> = {
  hosts: onRequest((values) => textTest((s) => s.host, anyOf(values.map(hostMatcher)))),
  methods: onRequest((values) => textTest((s) => s.method, anyOf(values.map(valueMatcher)))),
  paths: onRequest((values) => textTest((s) => s.path, anyOf(values.map(pathMatcher)))),
  ports: port,
};

function pathMatcher(value: string): Matcher {
  return isTemplate(value) ? templateMatcher(value) : valueMatcher(value);
}

const conditionKeys: Readonly<Record<string, Attribute>> = {
  "source.ip": sourceFields.ipBlocks!,
  "remote.ip": sourceFields.remoteIpBlocks!,
  "source.namespace": namespace,
  "source.serviceAccount": serviceAccount,
  "source.principal": principal,
  "source.trustDomain": trustDomain,
  "request.auth.principal": requestPrincipal,
  "request.auth.audiences": claim(["aud"]),
  "request.auth.presenter": claim(["azp"]),
  // Kubernetes chooses the pods' addresses
  "destination.ip": nobodyKnows,
  "destination.port": port,
  "connection.sni": serverName,
};

/**
 * What a condition asks for; undefined for a key that is not known.
 *
 * @see https://istio.io/latest/docs/reference/config/security/conditions/
 */
export function condition(key: string): Attribute | undefined {
  const [, word, name] = /^(request\.headers|request\.auth\.claims)\[(.+)\]$/.exec(key) ?? [];
  if (word === "request.headers") return header(name!);
  if (word === "request.auth.claims") return claim(claimPath(name!));
  if (/^experimental\.envoy\.filters\.[^[]+\[.+\]$/.test(key)) return nobodyKnows;
  return Object.hasOwn(conditionKeys, key) ? conditionKeys[key] : undefined;
}

/** Names that lead to a claim: `[a][b]` is two, and brackets that do not pair belong to a name. */
export function claimPath(inner: string): string[] {
  const parts = inner.split("][");
  return parts.some((p) => p === "" || /[[\]]/.test(p)) ? [inner] : parts;
}

export function isConditionKey(key: string): boolean {
  return condition(key) !== undefined;
}
