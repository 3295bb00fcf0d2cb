import { type Certificate, makeCertificate } from "./certificates.ts";

/** Name of a stack's CA. */
export const caName = "demo-root";
/** Name of a stack's external client. */
export const clientName = "ext-client";

/** A CA with its key. */
export type Authority = Certificate & { readonly commonName: string };

/** CAs that the stack's certificates do not come from, and client certificates that its gateway has to refuse. */
export interface Strangers {
  /** A CA of another name. */
  readonly otherCa: Authority;
  /** A CA of the name of the stack's own, and another key. */
  readonly namesakeCa: Authority;
  readonly byOtherCa: Certificate;
  readonly byNamesakeCa: Certificate;
  readonly selfSigned: Certificate;
}

/** Makes an authority, which vouches for itself. */
export function makeAuthority(commonName: string): Authority {
  return { ...makeCertificate({ commonName, ca: true }), commonName };
}

/** Makes them, for one run. */
export function makeStrangers(): Strangers {
  const commonName = clientName;
  const [otherCa, namesakeCa] = [makeAuthority("other-root"), makeAuthority(caName)];
  return {
    ...{ otherCa, namesakeCa },
    byOtherCa: makeCertificate({ commonName, issuer: otherCa }),
    byNamesakeCa: makeCertificate({ commonName, issuer: namesakeCa }),
    selfSigned: makeCertificate({ commonName }),
  };
}

/** The client certificates among them, by what requests call them. */
export function clientsOf({
  byOtherCa,
  byNamesakeCa,
  selfSigned,
}: Strangers): Record<"other-ca" | "namesake-ca" | "self-signed", Certificate> {
  return { "other-ca": byOtherCa, "namesake-ca": byNamesakeCa, "self-signed": selfSigned };
}
