/** What the official route downloads from, with an address that answers without a login. */
export const officialHosts: readonly string[] = [
  "https://get.pulumi.com/",
  "https://dl.k8s.io/",
  "https://github.com/",
  "https://blob.istio.io/",
  "https://registry-1.docker.io/v2/",
];

/**
 * Asks all at once, and says who did not answer in time. Any HTTP answer counts, a 401 or 404 too: the host is there.
 */
export async function silentHosts(
  addresses: readonly string[] = officialHosts,
  limit = 3000,
): Promise<string[]> {
  const answers = await Promise.all(addresses.map((address) => answersHead(address, limit)));
  return addresses.filter((_, i) => !answers[i]).map((address) => new URL(address).host);
}

async function answersHead(address: string, limit: number): Promise<boolean> {
  try {
    // a gateway's own error page is not the host
    const answer = await fetch(address, {
      method: "HEAD",
      redirect: "manual",
      signal: AbortSignal.timeout(limit),
    });
    return answer.status < 500 && answer.status !== 403 && answer.status !== 407;
  } catch {
    return false;
  }
}
