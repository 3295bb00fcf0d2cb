/** What a proxy is configured with, PEM; empty where it has none. */
export interface ConfiguredCertificates {
  /** Its own certificate and what leads to the root. */
  readonly chain: string;
  /** The roots that it trusts. */
  readonly trusted: string;
}

/** @param text what `istioctl proxy-config secret --output json` prints */
export function configuredCertificates(text: string): ConfiguredCertificates {
  const { dynamicActiveSecrets: secrets = [] } = JSON.parse(text) as {
    dynamicActiveSecrets?: ActiveSecret[];
  };
  return {
    chain: pemOf(secrets, "default", "tlsCertificate"),
    trusted: pemOf(secrets, "ROOTCA", "validationContext"),
  };
}

interface ActiveSecret {
  readonly name: string;
  readonly secret?: Readonly<
    Record<
      "tlsCertificate" | "validationContext",
      Readonly<Record<string, { readonly inlineBytes?: string }>> | undefined
    >
  >;
}

function pemOf(
  secrets: readonly ActiveSecret[],
  name: string,
  kind: "tlsCertificate" | "validationContext",
): string {
  const found = secrets.find((s) => s.name === name)?.secret?.[kind];
  const bytes = (found?.certificateChain ?? found?.trustedCa)?.inlineBytes ?? "";
  return Buffer.from(bytes, "base64").toString("utf8");
}
