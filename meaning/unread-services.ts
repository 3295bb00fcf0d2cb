import type { Manifest } from "./manifests/objects.ts";

/** Annotations of Istio's at a Service that changed: to callers inside they decide whether their proxies know it. */
export function serviceChanges(was: Manifest | undefined, object: Manifest): string[] {
  if (!was || object.kind !== "Service" || object.apiVersion !== "v1") return [];
  const [old, now] = [was.metadata.annotations ?? {}, object.metadata.annotations ?? {}];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names]
    .filter((name) => /(^|\.)istio\.io\//.test(name) && old[name] !== now[name])
    .map((name) => `metadata.annotations.${name}`);
}
