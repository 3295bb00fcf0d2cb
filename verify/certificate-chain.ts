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
  for (const c of chain)
    if (Date.parse(c.validTo) < Date.now())
      found.push(`a certificate of its chain ended ${c.validTo}`);
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

/** Whether two chains are of the same certificates, in the same order. */
export function sameChain(one: string, other: string): boolean {
  const [a, b] = [one, other].map(certificatesIn) as [X509Certificate[], X509Certificate[]];
  return a.length === b.length && a.every((c, i) => c.raw.equals(b[i]!.raw));
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
