import { isIP } from "node:net";
import { isTemplate } from "../evaluate/path-template.ts";
import { unnamedAddress } from "../evaluate/request.ts";

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
  const [start, length = "32"] = block.split("/") as [string, string?];
  if (isIP(start) !== 4) return [start, unnamedAddress];
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(numberOf(start) / size) * size;
  const near = [first, first - 1, first + size].filter((n) => n >= 0 && n < 2 ** 32);
  return [...near.map(addressOf), unnamedAddress];
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** A text for the most common expressions: escapes opened, and what may be anything left out. */
export function textOf(regex: string): string {
  return regex
    .replace(/\.[*+]\??/g, "any")
    .replace(/\\(.)/g, "$1")
    .replace(/^\^|\$$/g, "");
}

export function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Values with the first in front that will do; as they are where none does. */
export function inFront<T>(values: readonly T[], will: (value: T) => boolean): T[] {
  const at = values.findIndex(will);
  return at < 1 ? [...values] : [values[at]!, ...values.filter((_, i) => i !== at)];
}
