import { BlockList, isIP } from "node:net";

/**
 * Where istiod fetches no issuer's keys: its own loopback, and the metadata services of clouds, which hand out
 * credentials. A redirect or a name of somebody else's could lead there.
 */
export const noKeysThere: readonly string[] = [
  ...["0.0.0.0/8", "127.0.0.0/8", "::/127"],
  ...["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"],
  ...["100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"],
];

const unfetched = new BlockList();
for (const block of noKeysThere) {
  const [address, bits] = block.split("/") as [string, string];
  unfetched.addSubnet(address, Number(bits), familyOf(address));
}

/** Whether istiod fetches keys from a URL, as far as its host tells. */
export function isFetched(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 0) return !/(^|\.)localhost$/.test(host);
  return !unfetched.check(host, familyOf(host));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
