import { type Certificate, makeCertificate } from "./certificates.ts";

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

export function makeStrangers(): Strangers {
  const commonName = "ext-client";
  const ca = (name: string) => ({
    ...makeCertificate({ commonName: name, ca: true }),
    commonName: name,
  });
  const [otherCa, namesakeCa] = [ca("other-root"), ca("demo-root")];
  return {
    ...{ otherCa, namesakeCa },
    byOtherCa: makeCertificate({ commonName, issuer: otherCa }),
    byNamesakeCa: makeCertificate({ commonName, issuer: namesakeCa }),
    selfSigned: makeCertificate({ commonName }),
  };
}
