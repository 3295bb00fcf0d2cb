import { BlockList, isIP } from "node:net";

/** Whether a text is an address, or a block of them with the length of its prefix. */
export function isBlock(text: string): boolean {
  const [start, length, ...more] = text.split("/") as [string, string?, ...string[]];
  const version = isIP(start);
  if (version === 0 || more.length > 0) return false;
  return length === undefined || (/^\d+$/.test(length) && Number(length) <= bits(version));
}

function bits(version: number): number {
  return version === 4 ? 32 : 128;
}

/** A matcher of addresses that are in one of the blocks. */
export function inBlocks(blocks: readonly string[]): (address: string) => boolean {
  const known = new BlockList();
  for (const block of blocks) {
    const [start, length] = block.split("/") as [string, string?];
    const version = isIP(start);
    known.addSubnet(start, length === undefined ? bits(version) : Number(length), family(start));
  }
  return (address) => known.check(address, family(address));
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
