import type { Normalization } from "../manifests/mesh-config.ts";

/**
 * A request's path as rules and routes see it: without query and fragment, and as the mesh's settings normalize it.
 * Undefined where the proxy refuses the request for its path.
 *
 * @see https://istio.io/latest/docs/ops/best-practices/security/#customize-your-system-on-path-normalization
 */
export function normalizePath(target: string, normalization: Normalization): string | undefined {
  let path = target.split(/[?#]/)[0]!;
  // most paths are as they should be
  if (normalization === "NONE" || !/[%\\\0]|\/[./]/.test(path)) return path;
  // encoded slashes come first, then what RFC 3986 says, then slashes in a row
  if (normalization === "DECODE_AND_MERGE_SLASHES") {
    path = path.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  }
  if (/%00|\0/.test(path)) return undefined;
  const standard = removeDots(decodeUnreserved(path).replaceAll("\\", "/"));
  return normalization === "BASE" ? standard : standard.replace(/\/{2,}/g, "/");
}

function decodeUnreserved(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (code) => {
    const char = String.fromCharCode(parseInt(code.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(char) ? char : code;
  });
}

/** Dots as segments of their own lead nowhere or back; an empty segment is one that can be left. */
function removeDots(path: string): string {
  const segments = path.split("/");
  const kept: string[] = [];
  segments.slice(1).forEach((segment, i, all) => {
    // parameters behind dots do not hide them
    const name = segment.replace(/^(\.{1,2});.*$/, "$1");
    const last = i === all.length - 1;
    if (name === "..") kept.pop();
    else if (name !== ".") kept.push(segment);
    if (last && (name === "." || name === "..")) kept.push("");
  });
  return `/${kept.join("/")}`;
}
