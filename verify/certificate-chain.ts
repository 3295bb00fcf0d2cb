import { X509Certificate } from "node:crypto";

/** What is wrong with a chain; nothing when it leads from the identity to the mesh's root. */
export function wrongChain(
  chainPem: string,
  trustedPem: string,
  rootPem: string,
  identity: string,
): string[] {
  const [chain, trusted, roots] = [chainPem, trustedPem, rootPem].map(certificatesIn) as [
    X509Certificate[],
    X509Certificate[],
    X509Certificate[],
  ];
  const [leaf] = chain;
  if (!leaf) return ["the proxy has no certificate"];
  const found: string[] = [];
  if (leaf.subjectAltName !== identity)
    found.push(`its certificate is for ${leaf.subjectAltName ?? "nobody"}, not for ${identity}`);
  if (Date.parse(leaf.validTo) < Date.now()) found.push(`its certificate ended ${leaf.validTo}`);
  const signed = chain.every((c, i) => {
    const issuers = chain[i + 1] ? [chain[i + 1]!] : roots;
    return issuers.some((issuer) => c.verify(issuer.publicKey) || c.raw.equals(issuer.raw));
  });
  if (!signed) found.push("its chain does not lead to the mesh's root");
  const same = (a: X509Certificate) => roots.some((b) => a.raw.equals(b.raw));
  if (trusted.length === 0 || !trusted.every(same))
    found.push("it trusts another root than the mesh's");
  return found;
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
