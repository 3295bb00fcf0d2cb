import type { ServiceSettings } from "./schema.ts";

/** The path under which the gateway serves a service; undefined for none, as for a service that speaks no HTTP. */
export function prefixOf(service: ServiceSettings): string | undefined {
  if (service.prefix === false) return undefined;
  return service.prefix ?? (speaksHttp(service) ? `/${service.name}` : undefined);
}

/** Whether the first port of a service speaks HTTP, so that the gateway can route to it by path. */
export function speaksHttp({ ports }: ServiceSettings): boolean {
  return ports === undefined || ["http", "http2", "grpc"].includes(ports[0]!.protocol);
}

/** Version label of a service's pods. @default v1 */
export function versionOf({ version }: Pick<ServiceSettings, "version">): string {
  return version ?? "v1";
}
