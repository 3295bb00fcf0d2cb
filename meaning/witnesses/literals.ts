import { isIP } from "node:net";
import { isTemplate } from "../evaluate/path-template.ts";
import { unnamedAddress } from "../evaluate/request.ts";

/** Methods of requests beside those that rules name; a server may know the last as little as a rule. */
const otherMethods = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "UNNAMED"];

/** One method that is none of those that are named, if there is any left. */
export function otherMethod(named: readonly string[]): string[] {
  return otherMethods.filter((m) => !named.includes(m)).slice(0, 1);
}

/** A text that a value of a rule matches. */
export function inside(value: string): string {
  if (value === "*") return "any";
  if (value.startsWith("*")) return `any${value.slice(1)}`;
  return value.endsWith("*") ? `${value.slice(0, -1)}1` : value;
}

/** One text that the value matches, one that only looks like it, and one that is none of it. */
export function around(value: string): string[] {
  const text = inside(value);
  return unique([text, `${text}2`, `x${text}`, text.toUpperCase(), "nobody-asks-for-this"]);
}

/** A path that a pattern matches. */
export function pathInside(pattern: string): string {
  if (isTemplate(pattern)) return pattern.replaceAll("{**}", "a/b").replaceAll("{*}", "a");
  const path = inside(pattern);
  return path.startsWith("/") ? path : `/${path}`;
}

/** A path inside, its neighbour, one below, and for a pattern with an open end two outside. */
export function pathsAround(pattern: string): string[] {
  const path = pathInside(pattern);
  const below = path.endsWith("/") ? `${path}1` : `${path}/1`;
  const bare = pattern.replace(/\/?(\*|\{\*{1,2}\})$/, "");
  const outside = bare !== pattern && bare.startsWith("/") ? [bare, `${bare}X`] : [];
  return unique([path, `${path}X`, below, ...outside]).filter((p) => !/[{}*]/.test(p));
}

/** Other ways to write a path, which normalization makes one or does not. */
export function disguises(path: string): string[] {
  const cut = path.lastIndexOf("/");
  const [folder, name] = [path.slice(0, cut), path.slice(cut + 1)];
  return [`${folder}//${name}`, `${folder}%2F${name}`, `${folder}/x/../${name}`];
}

/** The first address of a block, and those just outside of it. */
export function addressesAround(block: string): string[] {
  const [start, length] = block.split("/") as [string, string?];
  if (isIP(start) === 6) return [...aroundV6(start, Number(length ?? 128)), unnamedAddress];
  if (isIP(start) !== 4) return [start, unnamedAddress];
  const size = 2 ** (32 - Number(length ?? 32));
  const first = Math.floor(numberOf(start) / size) * size;
  const near = [first, first - 1, first + size].filter((n) => n >= 0 && n < 2 ** 32);
  return [...near.map(addressOf), unnamedAddress];
}

function aroundV6(start: string, length: number): string[] {
  const size = 2n ** BigInt(128 - length);
  const first = (numberOfV6(start) / size) * size;
  const near = [first, first - 1n, first + size].filter((n) => n >= 0n && n < 2n ** 128n);
  return near.map((n) => {
    const groups = n.toString(16).padStart(32, "0").match(/.{4}/g)!;
    return shortV6(groups.join(":"));
  });
}

function numberOfV6(address: string): bigint {
  const [left, right] = shortV6(address).split("::") as [string, string?];
  const [begin, end] = [left, right ?? ""].map((part) => part.split(":").filter(Boolean)) as [
    string[],
    string[],
  ];
  const zeros = Array<string>(8 - begin.length - end.length).fill("0");
  const groups = [...begin, ...zeros, ...end].map((group) => group.padStart(4, "0"));
  return BigInt(`0x${groups.join("")}`);
}

/** An address of version 6 as it is usually written, in hexadecimal groups alone. */
function shortV6(address: string): string {
  return new URL(`http://[${address.replace(/%.*/, "")}]`).hostname.slice(1, -1);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

export function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Values with the first in front that will do; as they are where none does. */
export function inFront<T>(values: readonly T[], will: (value: T) => boolean): T[] {
  const at = values.findIndex(will);
  return at < 1 ? [...values] : [values[at]!, ...values.filter((_, i) => i !== at)];
}
