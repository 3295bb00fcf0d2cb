import type { Resource } from "../resource.ts";
import { type Fault, type Rule, at, resourceRule, stackRule } from "../rule.ts";
import type { World } from "../world.ts";
import { isTls, serversOf } from "./servers.ts";

const docs = "https://www.pulumi.com/registry/packages/tls/api-docs/";

interface Certificate {
  readonly validityPeriodHours?: number;
  readonly earlyRenewalHours?: number;
  readonly isCaCertificate?: boolean;
  readonly allowedUses?: readonly string[];
  readonly subject?: { readonly commonName?: string };
  readonly dnsNames?: readonly string[];
}

const certificateOf = (resource: Resource) => resource.props as Certificate;
const ofType = (world: World, type: string) =>
  world.resources.filter((r) => r.type.endsWith(`:${type}`));
const leafs = (world: World) => ofType(world, "LocallySignedCert");
/** What a certificate that is no CA may be for, beside servers or clients. */
const plainUses = ["digital_signature", "key_encipherment", "key_agreement"];
const uses = (resource: Resource, use: string) =>
  certificateOf(resource).allowedUses?.includes(use) === true;

/** pki-01 */
export function shortLives(): Rule {
  const about = {
    id: "pki-01",
    level: "production",
    description:
      "Certificates live as long as the stack allows, shorter than their CA, and renew early",
    url: `${docs}locallysignedcert/`,
  } as const;
  return stackRule(about, function* (world) {
    const { leafHours } = world.settings;
    const roots = ofType(world, "SelfSignedCert").map(certificateOf);
    const shortest = Math.min(...roots.map((root) => root.validityPeriodHours ?? 0));
    yield* world.each(leafs(world), function* (leaf) {
      const { validityPeriodHours = 0, earlyRenewalHours = 0 } = certificateOf(leaf);
      const where = at(leaf);
      if (validityPeriodHours > leafHours)
        yield {
          ...where,
          what: `lives for ${validityPeriodHours} h, at most ${leafHours} are allowed`,
          fix: `set bankmesh:pki.leafValidityHours to ${leafHours} or less`,
        };
      if (validityPeriodHours >= shortest)
        yield {
          ...where,
          what: `lives for ${validityPeriodHours} h, its CA for ${shortest}`,
          fix: "give the CA a longer life",
        };
      if (earlyRenewalHours <= 0)
        yield { ...where, what: "does not renew early", fix: "set earlyRenewalHours" };
    });
  });
}

/** pki-02 */
export function leafUses(): Rule {
  const about = {
    id: "pki-02",
    level: "mandatory",
    description:
      "A certificate is a server's with the Gateway's hosts, or a client's, and for nothing else",
    url: "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12",
  } as const;
  return stackRule(about, function* (world) {
    yield* world.each(leafs(world), function* (leaf) {
      const where = at(leaf);
      if (certificateOf(leaf).isCaCertificate)
        yield { ...where, what: "is a CA: it could sign others", fix: "drop isCaCertificate" };
      const roles = ["server_auth", "client_auth"].filter((use) => uses(leaf, use));
      if (roles.length !== 1)
        yield {
          ...where,
          what: `is for ${roles.join(" and ") || "neither servers nor clients"}`,
          fix: "allow server_auth or client_auth, one of them",
        };
      const others = (certificateOf(leaf).allowedUses ?? []).filter(
        (use) => ![...plainUses, "server_auth", "client_auth"].includes(use),
      );
      if (others.length > 0)
        yield {
          ...where,
          what: `is for ${others.join(", ")} too`,
          fix: `allow ${plainUses.join(", ")} and its role alone`,
        };
    });
    const servers = leafs(world).filter((leaf) => uses(leaf, "server_auth"));
    // the user's own certificates are checked with their settings
    if (servers.length === 0) return;
    const requests = servers.flatMap((server) =>
      world.resources.filter(
        (r) => r.urn && server.dependencies?.includes(r.urn) && r.type.endsWith(":CertRequest"),
      ),
    );
    const named = world.gather(requests, (request) => certificateOf(request).dnsNames ?? []);
    yield* world.each(world.of("Gateway"), function* (gateway) {
      const tls = serversOf(gateway).filter(({ server }) => isTls(server));
      const hosts = tls
        .flatMap(({ server }) => server.hosts)
        .map((host) => host.split("/").at(-1)!);
      for (const host of new Set(hosts))
        if (!named.includes(host) && !named.includes(host.replace(/^[^.]+/, "*")))
          yield {
            ...at(gateway),
            what: `serves ${host}, which no server certificate names (${named.join(", ") || "none"})`,
            fix: "add it to dnsNames of the certificate's request",
          };
    });
  });
}

/** pki-03 */
export function rootSignsOnly(): Rule {
  const about = {
    id: "pki-03",
    level: "mandatory",
    description: "The root is a CA that signs certificates and lists, and nothing else",
    url: "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.3",
  } as const;
  return resourceRule(about, ["SelfSignedCert"], function* (resource): Iterable<Fault> {
    const { isCaCertificate, allowedUses = [] } = certificateOf(resource);
    if (!isCaCertificate)
      yield { what: "signs itself and is no CA", fix: "sign it by a CA, or set isCaCertificate" };
    const others = allowedUses.filter((use) => !["cert_signing", "crl_signing"].includes(use));
    if (others.length > 0 || !allowedUses.includes("cert_signing"))
      yield {
        what: `is for ${allowedUses.join(", ") || "nothing"}`,
        fix: "allow cert_signing and crl_signing alone",
      };
  });
}

interface Key {
  readonly algorithm?: string;
  readonly rsaBits?: number;
  readonly ecdsaCurve?: string;
}

/** pki-04 */
export function strongKeys(): Rule {
  const about = {
    id: "pki-04",
    level: "mandatory",
    description: "Keys are RSA of 2048 bits or more, ECDSA on P-256 or more, or Ed25519",
    url: "https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final",
  } as const;
  return resourceRule(about, ["PrivateKey"], function* (resource): Iterable<Fault> {
    const { algorithm = "", rsaBits = 2048, ecdsaCurve = "P224" } = resource.props as Key;
    if (algorithm === "RSA" && rsaBits < 2048)
      yield { what: `is RSA of ${rsaBits} bits`, fix: "set rsaBits to 2048 or more" };
    if (algorithm === "ECDSA" && ecdsaCurve === "P224")
      yield { what: "is ECDSA on P-224", fix: "set ecdsaCurve to P256 or more" };
  });
}

/** pki-04a */
export function strongerKeys(): Rule {
  const about = {
    id: "pki-04a",
    level: "advisory",
    description: "RSA keys have 3072 bits or more",
    url: "https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final",
  } as const;
  return stackRule(about, function* (world) {
    const short = ofType(world, "PrivateKey").filter((resource) => {
      const { algorithm, rsaBits = 2048 } = resource.props as Key;
      return algorithm === "RSA" && rsaBits < 3072;
    });
    // they come in the order in which they happened to be made
    const names = short.map((r) => r.name).sort();
    if (names.length > 0)
      yield {
        about: "PrivateKeys",
        what: `${names.join(", ")} have fewer than 3072 bits`,
        fix: "set bankmesh:pki.rsaBits to 3072, or algorithm to ECDSA",
      };
  });
}

/** CAs that sign certificates for a use, by URN. */
function signersOf(world: World, use: string): Set<string> {
  const signers = leafs(world)
    .filter((leaf) => uses(leaf, use))
    .flatMap((leaf) => leaf.dependencies ?? [])
    .filter((urn) => /:SelfSignedCert::/.test(urn));
  return new Set(signers);
}

/** pki-05 */
export function separateCas(): Rule {
  const about = {
    id: "pki-05",
    level: "advisory",
    description:
      "Clients of the edge have a CA of their own, apart from the servers' and the mesh's",
    url: "https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/",
  } as const;
  return stackRule(about, function* (world) {
    const clients = signersOf(world, "client_auth");
    const servers = signersOf(world, "server_auth");
    for (const urn of clients) {
      const ca = world.resources.find((r) => r.urn === urn)!;
      if (servers.has(urn))
        yield {
          ...at(ca),
          part: "servers",
          what: "signs clients' and servers' certificates: a server's key could become a client's",
          fix: "make a CA for clients alone",
        };
      const mesh = world
        .of("Secret")
        .filter((o) => ["cacerts", "istio-ca-secret"].includes(o.name));
      if (mesh.some((secret) => secret.resource.dependencies?.includes(urn)))
        yield {
          ...at(ca),
          part: "mesh",
          what: "is the mesh's CA too: a workload's certificate would pass as a client's",
          fix: "make a CA for the edge alone",
        };
    }
  });
}
