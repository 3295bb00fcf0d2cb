import type { ServiceSettings } from "./schema.ts";

/** The path under which the gateway serves a service; undefined for none. */
export function prefixOf(service: ServiceSettings): string | undefined {
  if (service.prefix === false) return undefined;
  return service.prefix ?? `/${service.name}`;
}
