import { downloads } from "./official.ts";
import { toolNames } from "./tools.ts";

/** What the official route needs: files that really are there, since a host's front page may refuse. */
export function officialAddresses(): string[] {
  return [
    // what single commands want beside these decides nothing
    ...downloads()
      .filter(({ tool }) => (toolNames as readonly string[]).includes(tool))
      .map((download) => download.sums),
    "https://blob.istio.io/istio-release/charts/index.yaml",
    "https://registry-1.docker.io/v2/",
  ];
}

/**
 * Asks all at once, and says who did not answer in time. Any HTTP answer counts, a 401 or 404 too: the host is there.
 */
export async function silentHosts(
  addresses: readonly string[] = officialAddresses(),
  limit = 3000,
): Promise<string[]> {
  const answers = await Promise.all(addresses.map((address) => answersHead(address, limit)));
  return addresses.filter((_, i) => !answers[i]).map((address) => new URL(address).host);
}

async function answersHead(address: string, limit: number): Promise<boolean> {
  try {
    // 401 is how a registry greets; a wall in between says 403, 407 or 5xx
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
