import { type Certificate, makeCertificate } from "../certificates.ts";
import { red, unanswered } from "./expectations.ts";
import { credential, inMutual, inTls } from "./edge.ts";
import type { Materials, Mutation } from "./mutation.ts";

type Data = Readonly<Record<string, string>>;

/** Other files in the gateway's secret. */
function files(
  change: (data: Data, materials: Materials) => Data,
): Pick<Mutation, "reads" | "change"> {
  return {
    reads: (s) => [credential(s)],
    change: ([live], materials) => {
      const data = live!.data as Data;
      const plain = Object.fromEntries(Object.entries(data).map(([k, v]) => [k, decoded(v)]));
      const encode = ([k, v]: [string, string]) => [k, Buffer.from(v).toString("base64")];
      const changed = Object.entries(change(plain, materials)).map(encode);
      return {
        changed: [{ ...live!, data: { ...data, ...Object.fromEntries(changed) } }],
      };
    },
  };
}

function decoded(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

const served = ({ certPem, keyPem }: Certificate) => ({ "tls.crt": certPem, "tls.key": keyPem });

/** A certificate for the stack's host, or for others, by the CA that only has the name of the stack's. */
function byNamesake(
  { settings, namesakeCa }: Materials,
  made: { host?: string; hoursLeft?: number } = {},
): Certificate {
  const { host = settings.host, hoursLeft } = made;
  return makeCertificate({
    ...{ commonName: host, dnsNames: [host], issuer: namesakeCa },
    ...(hoursLeft !== undefined && { hoursLeft }),
  });
}

/** Certificates of the edge. Where clients trust the namesake CA, it is theirs, and the certificate's own flaw decides. */
export const certificateMutations: readonly Mutation[] = [
  {
    id: "server-certificate-by-others",
    breaks: "the gateway shows a certificate for its host by another CA of the same name",
    notFor: inTls,
    ...files((_, materials) => served(byNamesake(materials))),
    expected: (s) => [
      ...unanswered(s, { got: "server-cert-untrusted", says: /signature|verify|issuer/i }),
      ...red(s, "E2", { got: "ok" }),
    ],
  },
  {
    id: "server-certificate-expired",
    breaks: "the gateway's certificate is no longer valid",
    notFor: inTls,
    ...files((_, materials) => served(byNamesake(materials, { hoursLeft: -0.5 }))),
    trusts: "namesake",
    expected: (s) => unanswered(s, { got: "server-cert-untrusted", says: /expired/i }),
  },
  {
    id: "server-certificate-for-others",
    breaks: "the gateway's certificate is for another host",
    notFor: inTls,
    ...files((_, materials) => served(byNamesake(materials, { host: "other.local" }))),
    trusts: "namesake",
    expected: (s) => unanswered(s, { got: "server-cert-untrusted", says: /altname/i }),
  },
  {
    id: "client-ca-replaced",
    breaks: "the gateway checks client certificates against another CA",
    notFor: inMutual,
    ...files((_, { otherCa }) => ({ "ca.crt": otherCa.certPem })),
    expected: (s) => [...unanswered(s, { got: "unknown-ca" }), ...red(s, "E9", { got: "ok" })],
  },
  {
    id: "client-ca-added",
    breaks: "the gateway takes client certificates of a second CA as well",
    notFor: inMutual,
    ...files((data, { otherCa }) => ({ "ca.crt": `${data["ca.crt"]}\n${otherCa.certPem}` })),
    expected: (s) => red(s, "E9", { got: "ok" }),
  },
];
